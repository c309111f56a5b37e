// What a program that pages sees: requests on a port, threads that wait, and the ways in which a wait ends.
#include "kernel/pager/pager.h"

#include "kernel/abi/policy.h"
#include "kernel/abi/thread.h"
#include "tests/kernel/pager/pager_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::PagerOp;
using abi::VmoOptions;

constexpr uint64_t kPage = kPageSize;
constexpr GuestAddr kNowhere{0x6660};

TEST_CASE("a read of an absent page waits until the pager supplies it",
          "[zx_pager_create_vmo][zx_pager_supply_pages]") {
  PagerRig k;
  Handle vmo = k.vmo(4);
  GuestAddr to = k.room(4);
  Made& reader = k.read(vmo, 2, to);
  REQUIRE(reader.status() == Status::kParked);
  REQUIRE(reader.thread->info_state() == abi::ThreadState::kBlockedPager);

  REQUIRE(k.asked_for(2));
  REQUIRE_FALSE(k.packet());
  REQUIRE(k.supply(vmo, 2, 1) == Status::kOk);
  REQUIRE(reader.status() == Status::kOk);
  REQUIRE(k.peek<uint32_t>(to) == 102);

  // What is there is not asked for again.
  REQUIRE(k.read(vmo, 2, to).status() == Status::kOk);
  REQUIRE_FALSE(k.packet());
  REQUIRE(k.at(vmo).info().committed_bytes == kPage);
  REQUIRE(contains(k.at(vmo).info().flags, abi::InfoVmoFlags::kPagerBacked));
}

TEST_CASE("a read of several pages asks for one after the other and goes on where it was", "[zx_vmo_read]") {
  PagerRig k;
  Handle vmo = k.vmo(4);
  GuestAddr to = k.room(3 * kPage);
  Made& reader = k.read(vmo, 0, to, 3);

  for (uint64_t page = 0; page < 3; ++page) {
    REQUIRE(reader.status() == Status::kParked);
    REQUIRE(k.asked_for(page));
    k.supply(vmo, page, 1);
  }
  REQUIRE(reader.status() == Status::kOk);
  for (uint64_t page = 0; page < 3; ++page) REQUIRE(k.peek<uint32_t>(to + page * kPage) == 100 + page);
}

TEST_CASE("a commit asks for all that is missing in a row", "[zx_vmo_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(8);
  k.supply(vmo, 3, 1);
  Made& committer = k.start(k.thread(), "vmo_op_range", vmo, abi::VmoOp::kCommit, 0, 8 * kPage, nullptr, 0);

  REQUIRE(k.asked_for(0, 3));
  k.supply(vmo, 0, 2);
  REQUIRE(committer.status() == Status::kParked);
  k.supply(vmo, 2, 1);
  REQUIRE(k.asked_for(4, 4));
  k.supply(vmo, 4, 4);
  REQUIRE(committer.status() == Status::kOk);
}

TEST_CASE("requests for the same page are one, and one packet stands in the port at a time") {
  PagerRig k;
  Handle vmo = k.vmo(4);
  Made& first = k.read(vmo, 1, k.room(4));
  Made& second = k.read(vmo, 1, k.room(4));
  Made& third = k.read(vmo, 3, k.room(4));

  REQUIRE(k.object<Port>(k.port)->packet_count() == 1);
  REQUIRE(k.asked_for(1));
  REQUIRE(k.asked_for(3));
  REQUIRE_FALSE(k.packet());
  k.supply(vmo, 1, 1);
  REQUIRE((first.status() == Status::kOk && second.status() == Status::kOk));
  REQUIRE(third.status() == Status::kParked);
  k.supply(vmo, 3, 1);
  REQUIRE(third.status() == Status::kOk);
}

TEST_CASE("a request that is answered before it was read is taken back") {
  PagerRig k;
  Handle vmo = k.vmo(4);
  Made& first = k.read(vmo, 0, k.room(4));
  Made& second = k.read(vmo, 1, k.room(4));
  k.supply(vmo, 0, 1);
  REQUIRE(first.status() == Status::kOk);
  REQUIRE(k.asked_for(1));
  k.supply(vmo, 1, 1);
  REQUIRE(second.status() == Status::kOk);
  REQUIRE_FALSE(k.packet());
}

TEST_CASE("when the thread that asked dies, the next one that waits for the page takes its place") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  Made& first = k.read(vmo, 0, k.room(4));
  Made& second = k.read(vmo, 0, k.room(4));
  REQUIRE(k.asked_for(0));
  first.thread->kill();
  k.kernel().settle();
  REQUIRE_FALSE(k.packet());
  k.supply(vmo, 0, 1);
  REQUIRE(second.status() == Status::kOk);

  Made& third = k.read(vmo, 1, k.room(4));
  third.thread->kill();
  k.kernel().settle();
  REQUIRE_FALSE(k.packet());
}

TEST_CASE("a thread that is suspended while it waits for a page goes on waiting afterwards") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  GuestAddr to = k.room(4);
  Made& reader = k.read(vmo, 0, to);
  REQUIRE(reader.thread->suspend() == Status::kOk);
  k.run();
  REQUIRE(reader.thread->thread_state() == Thread::State::kSuspended);
  REQUIRE_FALSE(k.packet());
  k.supply(vmo, 1, 1);

  reader.thread->resume();
  k.run();
  REQUIRE(reader.status() == Status::kParked);
  REQUIRE(k.asked_for(0));
  k.supply(vmo, 0, 1);
  REQUIRE(reader.status() == Status::kOk);
  REQUIRE(k.peek<uint32_t>(to) == 100);
}

TEST_CASE("pages that the pager cannot bring fail the calls that wait for them, and those alone",
          "[zx_pager_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(4);
  Made& reader = k.read(vmo, 0, k.room(4));
  Made& writer = k.write(vmo, 1, 5);
  Made& other = k.read(vmo, 3, k.room(4));
  REQUIRE(k.fail(vmo, 0, 2, Status::kIo) == Status::kOk);
  REQUIRE(reader.status() == Status::kIo);
  REQUIRE(writer.status() == Status::kIo);
  REQUIRE(other.status() == Status::kParked);

  // The failure was of that request: the next one is asked anew.
  REQUIRE(k.read(vmo, 0, k.room(4)).status() == Status::kParked);
  Made& committer = k.start(k.thread(), "vmo_op_range", vmo, abi::VmoOp::kCommit, 2 * kPage, kPage, nullptr, 0);
  REQUIRE(k.fail(vmo, 2, 1, Status::kIoDataIntegrity) == Status::kOk);
  REQUIRE(committer.status() == Status::kIoDataIntegrity);
  k.fail(vmo, 0, 4, Status::kBadState);
  REQUIRE(other.status() == Status::kBadState);
}

TEST_CASE("what the pager may say is limited, and so is where", "[zx_pager_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  for (Status good :
       {Status::kIo, Status::kIoDataIntegrity, Status::kBadState, Status::kNoSpace, Status::kBufferTooSmall})
    REQUIRE(k.fail(vmo, 0, 1, good) == Status::kOk);
  for (Status bad : {Status::kOk, Status::kNoMemory, Status::kInternal})
    REQUIRE(k.fail(vmo, 0, 1, bad) == Status::kInvalidArgs);
  REQUIRE(k.op(PagerOp::kFail, vmo, 0, 1, uint64_t{1} << 40) == Status::kInvalidArgs);
  REQUIRE(k.fail(vmo, 1, 2, Status::kIo) == Status::kOutOfRange);
  REQUIRE(k.op(PagerOp{9}, vmo, 0, 1) == Status::kNotSupported);
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 1, 2) == Status::kInvalidArgs);
  REQUIRE(k.op(PagerOp::kDirty, vmo, 0, 1) == Status::kNotSupported);
  REQUIRE(k.call("pager_op_range", k.pager, PagerOp::kFail, vmo, 1, kPage, ~uint64_t{0}) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_op_range", k.pager, PagerOp::kWritebackEnd, vmo, 0, 7, 0) == Status::kInvalidArgs);
}

TEST_CASE("a mapping waits for its page, and a page that cannot be had is a fault", "[zx_pager_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(3);
  GuestAddr base = k.map(vmo, 3);
  Thread& thread = k.thread();
  Ref<Thread> stays(&thread);
  REQUIRE(k.touch(thread, base + 8, AccessKind::kRead) == Next::kSwitch);
  REQUIRE(thread.parked());
  REQUIRE(k.asked_for(0));
  k.supply(vmo, 0, 1);
  REQUIRE_FALSE(thread.parked());
  REQUIRE(k.touch(thread, base + 8, AccessKind::kRead) == Next::kContinue);
  REQUIRE(k.peek<uint32_t>(base) == 100);

  REQUIRE(k.touch(thread, base + kPage, AccessKind::kWrite) == Next::kSwitch);
  REQUIRE(k.asked_for(1));
  k.fail(vmo, 1, 1, Status::kIo);
  REQUIRE_FALSE(thread.parked());
  REQUIRE(k.touch(thread, base + kPage, AccessKind::kWrite) == Next::kSwitch);
  REQUIRE_FALSE(thread.parked());
  REQUIRE(thread.dying_or_dead());
}

TEST_CASE("a call whose buffers lie in pages that are absent waits for them", "[zx_channel_write][zx_channel_read]") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  GuestAddr base = k.map(vmo, 2);
  GuestAddr ends = k.room(8);
  REQUIRE(k.call("channel_create", 0, ends, ends + 4) == Status::kOk);
  Handle left = k.peek<Handle>(ends);
  Handle right = k.peek<Handle>(ends, 1);

  Made& writer = k.start(k.thread(), "channel_write", left, 0, base, 4, nullptr, 0);
  REQUIRE(writer.status() == Status::kParked);
  k.supply(vmo, 0, 1);
  REQUIRE(writer.status() == Status::kOk);

  Made& reader = k.start(k.thread(), "channel_read", right, 0, base + kPage, nullptr, 4, 0, nullptr, nullptr);
  REQUIRE(reader.status() == Status::kParked);
  k.supply(vmo, 1, 1);
  REQUIRE(reader.status() == Status::kOk);
  REQUIRE(k.peek<uint32_t>(base + kPage) == 100);

  // A page that does not come is a bad pointer.
  Handle hopeless = k.vmo(1);
  GuestAddr bad = k.map(hopeless, 1);
  Made& loser = k.start(k.thread(), "channel_write", left, 0, bad, 4, nullptr, 0);
  k.fail(hopeless, 0, 1, Status::kIo);
  REQUIRE(loser.status() == Status::kInvalidArgs);
}

TEST_CASE("a request that is never answered gives up in time") {
  PagerRig k(Options{{"kernel.userpager.overtime_timeout_seconds", "2"}});
  Handle vmo = k.vmo(1);
  Made& reader = k.read(vmo, 0, k.room(4));
  k.advance_to(Time{1'900'000'000});
  REQUIRE(reader.status() == Status::kParked);
  k.advance_to(Time{2'100'000'000});
  REQUIRE(reader.status() == Status::kTimedOut);
  REQUIRE_FALSE(k.packet());
}

TEST_CASE("supplying moves pages, keeps what is there, and makes zeros of what the source lacks",
          "[zx_pager_supply_pages]") {
  PagerRig k;
  Handle vmo = k.vmo(4);
  k.supply(vmo, 1, 1, 500);
  Handle aux = k.plain(4);
  for (uint32_t page : {0u, 1u, 3u}) {
    uint32_t value = 100 + page;
    REQUIRE(k.at(aux).write(page * kPage, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  }
  uint64_t used = k.kernel().vm().pmm().count(FrameState::kObject);
  auto frame = [&](Handle of, uint64_t page) { return k.at(of).pages()->peek(page)->address; };
  PhysAddr first = frame(aux, 0);
  PhysAddr last = frame(aux, 3);
  PhysAddr kept = frame(vmo, 1);
  REQUIRE(k.call("pager_supply_pages", k.pager, vmo, 0, 4 * kPage, aux, 0) == Status::kOk);
  // The frames themselves: nothing is copied.
  REQUIRE(frame(vmo, 0) == first);
  REQUIRE(frame(vmo, 3) == last);
  REQUIRE(frame(vmo, 1) == kept);
  REQUIRE(k.kernel().vm().pmm().count(FrameState::kObject) == used - 1);
  REQUIRE(k.word(vmo, 0) == 100);
  REQUIRE(k.word(vmo, 1) == 501);
  REQUIRE(k.word(vmo, 2) == 0);
  REQUIRE(k.word(vmo, 3) == 103);
  REQUIRE(k.at(aux).attributed_bytes() == 0);
  REQUIRE(k.word(aux, 0) == 0);
}

TEST_CASE("pages are not taken from where that could be noticed", "[zx_pager_supply_pages]") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  auto supply = [&](Handle aux, uint64_t length = kPage, uint64_t offset = 0, uint64_t aux_offset = 0) {
    return k.call("pager_supply_pages", k.pager, vmo, offset, length, aux, aux_offset);
  };
  Handle parent = k.plain(2);
  GuestAddr out = k.room(4);
  REQUIRE(k.call("vmo_create_child", parent, abi::VmoChildOptions::kSnapshot, 0, kPage, out) == Status::kOk);
  REQUIRE(supply(parent) == Status::kBadState);
  REQUIRE(supply(k.peek<Handle>(out)) == Status::kBadState);
  Handle whole = k.plain(2);
  REQUIRE(k.call("vmo_create_child", whole, abi::VmoChildOptions::kSlice, 0, kPage, out) == Status::kOk);
  REQUIRE(supply(whole) == Status::kBadState);
  REQUIRE(supply(k.peek<Handle>(out)) == Status::kBadState);
  REQUIRE(supply(k.vmo(1)) == Status::kBadState);
  REQUIRE(supply(k.handle(*Vmo::create_contiguous(k.core(), kPage, kPage))) == Status::kBadState);
  REQUIRE(supply(k.handle(*Vmo::create_physical(k.core(), PhysAddr(0x1000), kPage))) == Status::kNotSupported);
  Handle pinned = k.plain(2);
  REQUIRE(k.at(pinned).pin(0, kPage) == Status::kOk);
  REQUIRE(supply(pinned) == Status::kBadState);
  REQUIRE(supply(pinned, kPage, 0, kPage) == Status::kOk);
  k.at(pinned).unpin(0, kPage);

  Handle aux = k.plain(2);
  REQUIRE(supply(aux, 3 * kPage) == Status::kOutOfRange);
  REQUIRE(supply(aux, 5) == Status::kInvalidArgs);
  REQUIRE(supply(aux, kPage, 5) == Status::kInvalidArgs);
  REQUIRE(supply(aux, kPage, 0, 5) == Status::kInvalidArgs);
  REQUIRE(supply(Handle{0}) == Status::kBadHandle);
  REQUIRE(supply(k.handle(k.object<Vmo>(aux), Rights::kRead)) == Status::kAccessDenied);
  // Past the end of the target: the pages are gone all the same.
  uint32_t value = 1;
  REQUIRE(k.at(aux).write(0, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  REQUIRE(supply(aux, 2 * kPage, kPage) == Status::kOutOfRange);
  REQUIRE(k.at(aux).attributed_bytes() == 0);
}

TEST_CASE("a VMO obeys its own pager and no other", "[zx_pager_detach_vmo][zx_pager_supply_pages][zx_pager_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  Handle other = k.make("pager_create", 0);
  Handle aux = k.plain(2);
  GuestAddr room = k.room(64);
  REQUIRE(k.call("pager_detach_vmo", other, vmo) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_supply_pages", other, vmo, 0, kPage, aux, 0) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_op_range", other, PagerOp::kFail, vmo, 0, kPage, 0) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_query_dirty_ranges", other, vmo, 0, kPage, room, 24, nullptr, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_query_vmo_stats", other, vmo, 0, room, 4) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_detach_vmo", k.pager, aux) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_detach_vmo", k.port, vmo) == Status::kWrongType);
  REQUIRE(k.call("pager_detach_vmo", k.pager, k.port) == Status::kWrongType);
}

TEST_CASE("a pager and its VMOs are made with care", "[zx_pager_create][zx_pager_create_vmo]") {
  PagerRig k;
  GuestAddr out = k.room(4);
  REQUIRE(k.call("pager_create", 1, out) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_create", 0, kNowhere) == Status::kInvalidArgs);
  auto create = [&](uint64_t options, Handle port, uint64_t size) {
    return k.call("pager_create_vmo", k.pager, options, port, 1, size, out);
  };
  REQUIRE(create(abi::raw(VmoOptions::kDiscardable), k.port, kPage) == Status::kInvalidArgs);
  REQUIRE(create(1u << 9, k.port, kPage) == Status::kInvalidArgs);
  REQUIRE(create(0, k.port, ~uint64_t{0}) == Status::kOutOfRange);
  REQUIRE(create(0, k.handle(k.object<Port>(k.port), Rights::kRead), kPage) == Status::kAccessDenied);
  REQUIRE(create(0, k.pager, kPage) == Status::kWrongType);
  REQUIRE(create(0, k.port, 0) == Status::kOk);
  REQUIRE(k.call("pager_create_vmo", k.port, 0, k.port, 1, kPage, out) == Status::kWrongType);
  REQUIRE(k.call("pager_create_vmo", k.pager, 0, k.port, 1, kPage, kNowhere) == Status::kInvalidArgs);

  Ref<Job> strict = *Job::create(k.job());
  abi::PolicyBasicV2 deny{.condition = abi::PolicyCondition::kNewPager,
                          .action = abi::PolicyAction::kDeny,
                          .flags = abi::PolicyOverride::kDeny};
  REQUIRE(strict->set_basic_policy(abi::PolicyOption::kAbsolute, std::span(&deny, 1)) == Status::kOk);
  Ref<Process> process = k.make_process(strict, "strict");
  REQUIRE(k.call_as(*process->threads().begin()->second, "pager_create", 0, out) == Status::kAccessDenied);
}

TEST_CASE("a detached VMO keeps what was written, and asks for nothing any more", "[zx_pager_detach_vmo]") {
  PagerRig k;
  Handle vmo = k.vmo(4);
  k.supply(vmo, 0, 2);
  REQUIRE(k.write(vmo, 1, 7).status() == Status::kOk);
  Made& reader = k.read(vmo, 3, k.room(4));
  REQUIRE(k.detach(vmo) == Status::kOk);
  REQUIRE(reader.status() == Status::kBadState);
  REQUIRE(k.complete());
  REQUIRE(k.word(vmo, 1) == 7);
  REQUIRE(k.reads(vmo, 0) == Status::kBadState);
  REQUIRE(k.detach(vmo) == Status::kOk);
  REQUIRE_FALSE(k.packet());
  // Supplying still works.
  REQUIRE(k.supply(vmo, 0, 1) == Status::kOk);
  REQUIRE(k.word(vmo, 0) == 100);
  k.close(vmo);
  REQUIRE(k.object<Pager>(k.pager)->source_count() == 0);
}

TEST_CASE("a VMO that goes says so once", "[zx_pager_create_vmo]") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 1);
  GuestAddr base = k.map(vmo, 2);
  k.close(vmo);
  REQUIRE_FALSE(k.packet());
  REQUIRE(k.process()->memory().root()->unmap(base, 2 * kPage) == Status::kOk);
  k.kernel().settle();
  REQUIRE(k.object<Pager>(k.pager)->source_count() == 1);
  REQUIRE(k.complete());
  REQUIRE(k.object<Pager>(k.pager)->source_count() == 0);
}

TEST_CASE("closing the pager ends all waits without a packet", "[zx_handle_close]") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  Handle gone = k.vmo(1);
  k.supply(vmo, 0, 1);
  k.close(gone);
  Made& reader = k.read(vmo, 1, k.room(4));
  k.close(k.pager);
  k.run();
  REQUIRE(reader.status() == Status::kBadState);
  REQUIRE_FALSE(k.packet());
  REQUIRE(k.word(vmo, 0) == 100);
  k.close(vmo);
  REQUIRE_FALSE(k.packet());
}

TEST_CASE("nobody answers for a port that is gone") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  Made& first = k.read(vmo, 0, k.room(4));
  k.close(k.port);
  Made& second = k.read(vmo, 1, k.room(4));
  REQUIRE((first.status() == Status::kParked && second.status() == Status::kParked));
  k.supply(vmo, 0, 2);
  REQUIRE((first.status() == Status::kOk && second.status() == Status::kOk));
}

TEST_CASE("shrinking a VMO ends the waits for what it lost", "[zx_vmo_set_size]") {
  PagerRig k;
  Handle vmo = k.vmo(4, VmoOptions::kResizable);
  Made& reader = k.read(vmo, 3, k.room(4));
  Made& other = k.read(vmo, 0, k.room(4));
  REQUIRE(k.call("vmo_set_size", vmo, 2 * kPage) == Status::kOk);
  k.run();
  REQUIRE(reader.status() == Status::kOutOfRange);
  REQUIRE(other.status() == Status::kParked);
  // What it gains is zeros, with nobody asked.
  REQUIRE(k.call("vmo_set_size", vmo, 4 * kPage) == Status::kOk);
  REQUIRE(k.word(vmo, 3) == 0);
}

TEST_CASE("a commit waits for what is left of a VMO that shrinks, and asks for no more",
          "[zx_vmo_set_size][zx_vmo_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(3, VmoOptions::kResizable);
  Made& committer = k.start(k.thread(), "vmo_op_range", vmo, abi::VmoOp::kCommit, 0, 3 * kPage, nullptr, 0);
  REQUIRE(k.asked_for(0, 3));
  // One of the pages that go has come already.
  k.supply(vmo, 2, 1);
  REQUIRE(k.call("vmo_set_size", vmo, kPage) == Status::kOk);
  k.run();
  REQUIRE(committer.status() == Status::kParked);
  k.supply(vmo, 0, 1);
  REQUIRE(committer.status() == Status::kOk);
  REQUIRE_FALSE(k.packet().has_value());

  // And when all of it goes, there is nothing left to wait for.
  Handle other = k.vmo(3, VmoOptions::kResizable);
  Made& late = k.start(k.thread(), "vmo_op_range", other, abi::VmoOp::kCommit, kPage, 2 * kPage, nullptr, 0);
  REQUIRE(k.asked_for(1, 2));
  REQUIRE(k.call("vmo_set_size", other, kPage) == Status::kOk);
  k.run();
  REQUIRE(late.status() == Status::kOk);
}

TEST_CASE("what a pager's VMO cannot do", "[zx_vmo_op_range][zx_vmo_create_child]") {
  PagerRig k;
  Handle vmo = k.vmo(2);
  GuestAddr out = k.room(4);
  REQUIRE(k.call("vmo_op_range", vmo, abi::VmoOp::kDecommit, 0, kPage, nullptr, 0) == Status::kNotSupported);
  REQUIRE(k.call("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshot, 0, kPage, out) == Status::kNotSupported);
  REQUIRE(k.call("vmo_op_range", vmo, abi::VmoOp::kLock, 0, 2 * kPage, out, 32) == Status::kNotSupported);
  REQUIRE(k.call("vmo_op_range", vmo, abi::VmoOp::kDontNeed, 0, 3 * kPage, nullptr, 0) == Status::kOutOfRange);
}

TEST_CASE("ALWAYS_NEED brings pages in, and does not mind those that cannot come",
          "[zx_vmo_op_range][zx_vmar_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(3);
  Made& hint = k.start(k.thread(), "vmo_op_range", vmo, abi::VmoOp::kAlwaysNeed, 0, 3 * kPage, nullptr, 0);
  REQUIRE(k.asked_for(0));
  k.fail(vmo, 0, 1, Status::kIo);
  REQUIRE(hint.status() == Status::kParked);
  REQUIRE(k.asked_for(1));
  k.supply(vmo, 1, 2);
  REQUIRE(hint.status() == Status::kOk);

  GuestAddr base = k.map(vmo, 3);
  Handle vmar = k.handle(k.process()->memory().root());
  Made& again = k.start(k.thread(), "vmar_op_range", vmar, abi::VmarOp::kAlwaysNeed, base, 3 * kPage, nullptr, 0);
  REQUIRE(k.asked_for(0));
  k.supply(vmo, 0, 1);
  REQUIRE(again.status() == Status::kOk);
}

TEST_CASE("zeroing writes what is there, fetches what is not, and part of a page too", "[zx_vmo_op_range]") {
  PagerRig k;
  Handle vmo = k.vmo(3);
  k.supply(vmo, 0, 1);
  Made& zero = k.start(k.thread(), "vmo_op_range", vmo, abi::VmoOp::kZero, 0, 2 * kPage, nullptr, 0);
  REQUIRE(zero.status() == Status::kParked);
  REQUIRE(k.word(vmo, 0) == 0);
  REQUIRE(k.asked_for(1));
  k.supply(vmo, 1, 1);
  REQUIRE(zero.status() == Status::kOk);
  REQUIRE(k.word(vmo, 1) == 0);
  Made& part = k.start(k.thread(), "vmo_op_range", vmo, abi::VmoOp::kZero, 2 * kPage, 4, nullptr, 0);
  REQUIRE(k.asked_for(2));
  k.supply(vmo, 2, 1);
  REQUIRE(part.status() == Status::kOk);
  REQUIRE(k.word(vmo, 2) == 0);
}

TEST_CASE("a kernel with threads that wait for pages is saved and loaded at any moment") {
  PagerRig k;
  Handle vmo = k.vmo(8);
  GuestAddr to = k.room(4);
  GuestAddr base = k.map(vmo, 8);
  Made& first = k.read(vmo, 0, to);
  Made& second = k.read(vmo, 0, k.room(4));
  Made& third = k.read(vmo, 5, k.room(4));
  Koid faulting = k.thread().koid();
  auto thread = [&]() -> Thread& { return *object_cast<Thread>(k.core().objects().find(faulting)); };
  REQUIRE(k.touch(thread(), base + 7 * kPage, AccessKind::kWrite) == Next::kSwitch);
  k.reload();

  REQUIRE(k.asked_for(0));
  k.reload();
  REQUIRE(k.asked_for(5));
  k.supply(vmo, 0, 1);
  REQUIRE((first.status() == Status::kOk && second.status() == Status::kOk));
  REQUIRE(k.peek<uint32_t>(to) == 100);
  k.reload();
  k.fail(vmo, 5, 1, Status::kIo);
  REQUIRE(third.status() == Status::kIo);
  REQUIRE(thread().parked());
  REQUIRE(k.asked_for(7));
  k.supply(vmo, 7, 1);
  REQUIRE(k.touch(thread(), base + 7 * kPage, AccessKind::kWrite) == Next::kContinue);
  k.close(vmo);
  REQUIRE(k.process()->memory().root()->unmap(base, 8 * kPage) == Status::kOk);
  k.kernel().settle();
  k.reload();
  REQUIRE(k.complete());
}

}  // namespace
}  // namespace jacinth::kernel
