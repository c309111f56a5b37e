// What was written and has to be written back: dirty pages, the zeros of a VMO that grew, and pagers that want to be
// asked before a page gets dirty.
#include <vector>

#include "tests/kernel/pager/pager_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::PagerOp;
using abi::VmoOptions;

constexpr uint64_t kPage = kPageSize;

struct Range {
  uint64_t first;
  uint64_t count;
  bool zero = false;
  bool operator==(const Range&) const = default;
};

struct WritebackRig : PagerRig {
  using PagerRig::PagerRig;

  std::vector<Range> dirty(Handle vmo, uint64_t first, uint64_t count) {
    constexpr size_t kRoom = 16;
    GuestAddr buffer = room(kRoom * sizeof(abi::VmoDirtyRange));
    GuestAddr counts = room(16);
    REQUIRE(call("pager_query_dirty_ranges", pager, vmo, first * kPage, count * kPage, buffer,
                 kRoom * sizeof(abi::VmoDirtyRange), counts, counts + 8) == Status::kOk);
    REQUIRE(peek<uint64_t>(counts) == peek<uint64_t>(counts, 1));
    std::vector<Range> ranges;
    for (uint64_t i = 0; i < peek<uint64_t>(counts); ++i) {
      auto range = peek<abi::VmoDirtyRange>(buffer, i);
      ranges.push_back(
          {range.offset / kPage, range.length / kPage, range.options == abi::VmoDirtyRangeOptions::kIsZero});
    }
    return ranges;
  }
  bool modified(Handle vmo, abi::PagerStatsOptions options = abi::PagerStatsOptions::kNone) {
    GuestAddr out = room(4);
    REQUIRE(call("pager_query_vmo_stats", pager, vmo, options, out, 4) == Status::kOk);
    return peek<uint32_t>(out) != 0;
  }
  bool done(Made& made) { return made.status() == Status::kOk; }
};

using Ranges = std::vector<Range>;

TEST_CASE("writes make pages dirty, writing back makes them clean",
          "[zx_pager_query_dirty_ranges][zx_pager_op_range]") {
  WritebackRig k;
  Handle vmo = k.vmo(8);
  k.supply(vmo, 0, 8);
  REQUIRE(k.dirty(vmo, 0, 8).empty());
  for (uint64_t page : {1, 2, 5}) REQUIRE(k.done(k.write(vmo, page, 9)));
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{1, 2}, {5, 1}});
  REQUIRE(k.dirty(vmo, 2, 1) == Ranges{{2, 1}});

  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 8) == Status::kOk);
  // Until it is done they still count, and a write in between starts anew.
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{1, 2}, {5, 1}});
  REQUIRE(k.done(k.write(vmo, 2, 10)));
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 8) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{2, 1}});
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 8) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{2, 1}});
}

TEST_CASE("writes through mappings are noticed, again after each writeback") {
  WritebackRig k;
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  GuestAddr base = k.map(vmo, 2);
  REQUIRE(k.peek<uint32_t>(base) == 100);
  REQUIRE(k.dirty(vmo, 0, 2).empty());
  k.poke(base, uint32_t{5});
  REQUIRE(k.dirty(vmo, 0, 2) == Ranges{{0, 1}});
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 2) == Status::kOk);
  k.poke(base, uint32_t{6});
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 2) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 2) == Ranges{{0, 1}});
}

TEST_CASE("what a VMO gains is dirty zeros, written back from their beginning", "[zx_pager_query_dirty_ranges]") {
  WritebackRig k;
  Handle vmo = k.vmo(2, VmoOptions::kResizable);
  k.supply(vmo, 0, 2);
  REQUIRE(k.call("vmo_set_size", vmo, 8 * kPage) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{2, 6, true}});
  REQUIRE(k.done(k.write(vmo, 4, 1)));
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{2, 2, true}, {4, 1}, {5, 3, true}});

  // From the middle nothing can be said to be written.
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 3, 5) == Status::kOk);
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 3, 5) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{2, 2, true}, {4, 1}, {5, 3, true}});
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 8) == Status::kOk);
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 8) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 8) == Ranges{{5, 3, true}});
  // What was written back is the pager's to bring.
  REQUIRE(k.word(vmo, 4) == 1);
  Made& reader = k.read(vmo, 2, k.room(4));
  REQUIRE(k.asked_for(2));
  k.supply(vmo, 2, 1);
  REQUIRE(k.done(reader));
  REQUIRE(k.word(vmo, 6) == 0);
  // Nothing can be supplied where zeros wait.
  REQUIRE(k.supply(vmo, 6, 1) == Status::kOk);
  REQUIRE(k.word(vmo, 6) == 0);
}

TEST_CASE("zeros that were written back are gone from mappings too: the pager has them", "[zx_pager_op_range]") {
  WritebackRig k;
  Handle vmo = k.vmo(0, VmoOptions::kResizable);
  REQUIRE(k.call("vmo_set_size", vmo, 2 * kPage) == Status::kOk);
  GuestAddr base = k.map(vmo, 2);
  REQUIRE(k.peek<uint32_t>(base) == 0);
  REQUIRE(k.process()->memory().tables().query(base));
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 2) == Status::kOk);
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 2) == Status::kOk);
  REQUIRE(!k.process()->memory().tables().query(base));
  REQUIRE(k.touch(k.thread(), base, AccessKind::kRead) == Next::kSwitch);
  REQUIRE(k.asked_for(0));
}

TEST_CASE("a pager that traps writes is asked first", "[zx_pager_op_range][zx_vmo_write]") {
  WritebackRig k;
  Handle vmo = k.vmo(4, VmoOptions::kTrapDirty);
  Made& writer = k.write(vmo, 0, 5);
  REQUIRE(k.asked_for(0));
  k.supply(vmo, 0, 4);
  REQUIRE(writer.status() == Status::kParked);
  REQUIRE(k.asked_to_dirty(0));
  REQUIRE(k.dirty(vmo, 0, 4).empty());
  REQUIRE(k.op(PagerOp::kDirty, vmo, 0, 1) == Status::kOk);
  REQUIRE(k.done(writer));
  REQUIRE(k.dirty(vmo, 0, 4) == Ranges{{0, 1}});
  REQUIRE(k.done(k.write(vmo, 0, 6)));

  // Several pages at once; a refusal is the call's.
  Made& longer = k.write(vmo, 1, 5, 3);
  REQUIRE(k.asked_to_dirty(1, 3));
  REQUIRE(k.fail(vmo, 1, 1, Status::kNoSpace) == Status::kOk);
  REQUIRE(longer.status() == Status::kNoSpace);
  REQUIRE(k.word(vmo, 1) == 101);
}

TEST_CASE("a mapped page of a trapping pager waits for consent") {
  WritebackRig k;
  Handle vmo = k.vmo(2, VmoOptions::kTrapDirty);
  k.supply(vmo, 0, 2);
  GuestAddr base = k.map(vmo, 2);
  Thread& thread = k.thread();
  REQUIRE(k.touch(thread, base, AccessKind::kRead) == Next::kContinue);
  REQUIRE(k.touch(thread, base, AccessKind::kWrite) == Next::kSwitch);
  REQUIRE(k.asked_to_dirty(0));
  REQUIRE(k.op(PagerOp::kDirty, vmo, 0, 2) == Status::kOk);
  REQUIRE(k.touch(thread, base, AccessKind::kWrite) == Next::kContinue);
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 2) == Status::kOk);
  REQUIRE(k.touch(thread, base, AccessKind::kWrite) == Next::kSwitch);
  REQUIRE(k.asked_to_dirty(0));
  k.detach(vmo);
  REQUIRE_FALSE(thread.parked());
}

TEST_CASE("consent is for pages that are there", "[zx_pager_op_range]") {
  WritebackRig k;
  Handle vmo = k.vmo(4, VmoOptions::kTrapDirty | VmoOptions::kResizable);
  k.supply(vmo, 0, 2);
  REQUIRE(k.op(PagerOp::kDirty, vmo, 0, 3) == Status::kNotFound);
  REQUIRE(k.dirty(vmo, 0, 4).empty());
  REQUIRE(k.op(PagerOp::kDirty, vmo, 0, 5) == Status::kOutOfRange);

  // Zeros that the pager supplied, or that the VMO gained, get frames.
  Handle empty = k.plain(2);
  REQUIRE(k.call("pager_supply_pages", k.pager, vmo, 2 * kPage, 2 * kPage, empty, 0) == Status::kOk);
  uint64_t committed = k.at(vmo).attributed_bytes() / kPage;
  REQUIRE(k.call("vmo_set_size", vmo, 6 * kPage) == Status::kOk);
  REQUIRE(k.op(PagerOp::kDirty, vmo, 3, 2) == Status::kOk);
  REQUIRE(k.at(vmo).attributed_bytes() / kPage == committed + 2);
  REQUIRE(k.dirty(vmo, 0, 6) == Ranges{{3, 2}, {5, 1, true}});
  // Without memory nothing changes.
  k.kernel().vm().pmm().fail_after(0);
  REQUIRE(k.op(PagerOp::kDirty, vmo, 2, 1) == Status::kNoMemory);
  k.kernel().vm().pmm().never_fail();
  REQUIRE(k.dirty(vmo, 2, 1).empty());
}

TEST_CASE("pinned pages stay dirty through a writeback") {
  WritebackRig k;
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  REQUIRE(k.done(k.write(vmo, 0, 1)));
  REQUIRE(k.at(vmo).pin(0, kPage) == Status::kOk);
  k.op(PagerOp::kWritebackBegin, vmo, 0, 2);
  k.op(PagerOp::kWritebackEnd, vmo, 0, 2);
  REQUIRE(k.dirty(vmo, 0, 2) == Ranges{{0, 1}});
  k.at(vmo).unpin(0, kPage);
}

TEST_CASE("dirty ranges are told as far as there is room", "[zx_pager_query_dirty_ranges]") {
  WritebackRig k;
  Handle vmo = k.vmo(8);
  k.supply(vmo, 0, 8);
  for (uint64_t page : {0, 2, 4}) REQUIRE(k.done(k.write(vmo, page, 1)));
  GuestAddr buffer = k.room(4 * sizeof(abi::VmoDirtyRange));
  GuestAddr counts = k.room(16);
  auto query = [&](uint64_t offset, uint64_t length, GuestAddr to, uint64_t size, GuestAddr actual, GuestAddr avail) {
    return k.call("pager_query_dirty_ranges", k.pager, vmo, offset, length, to, size, actual, avail);
  };
  REQUIRE(query(0, 8 * kPage, buffer, 2 * sizeof(abi::VmoDirtyRange) + 5, counts, counts + 8) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(counts) == 2);
  REQUIRE(k.peek<uint64_t>(counts, 1) == 3);
  REQUIRE(k.peek<abi::VmoDirtyRange>(buffer, 1).offset == 2 * kPage);
  REQUIRE(query(0, 8 * kPage, GuestAddr(), 0, GuestAddr(), GuestAddr()) == Status::kOk);
  // The range is widened to pages.
  REQUIRE(query(2 * kPage + 5, 1, buffer, 24, counts, GuestAddr()) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(counts) == 1);
  REQUIRE(query(0, 9 * kPage, buffer, 24, counts, counts) == Status::kOutOfRange);
  REQUIRE(query(~uint64_t{0}, 2, buffer, 24, counts, counts) == Status::kOutOfRange);
  REQUIRE(query(0, kPage, GuestAddr(0x6660), 24, counts, counts) == Status::kInvalidArgs);
  REQUIRE(query(0, kPage, buffer, 24, GuestAddr(0x6660), counts) == Status::kInvalidArgs);
}

TEST_CASE("a pager learns whether its VMO was modified", "[zx_pager_query_vmo_stats]") {
  WritebackRig k;
  Handle vmo = k.vmo(2, VmoOptions::kResizable);
  k.supply(vmo, 0, 2);
  GuestAddr base = k.map(vmo, 2);
  REQUIRE_FALSE(k.modified(vmo));
  REQUIRE(k.peek<uint32_t>(base) == 100);
  REQUIRE_FALSE(k.modified(vmo));
  k.poke(base, uint32_t{1});
  REQUIRE(k.modified(vmo, abi::PagerStatsOptions::kResetVmoStats));
  REQUIRE_FALSE(k.modified(vmo));
  // Also when the page is dirty already, and was read in between.
  REQUIRE(k.peek<uint32_t>(base) == 1);
  k.poke(base, uint32_t{2});
  REQUIRE(k.modified(vmo, abi::PagerStatsOptions::kResetVmoStats));
  REQUIRE(k.call("vmo_set_size", vmo, 3 * kPage) == Status::kOk);
  REQUIRE(k.modified(vmo));

  GuestAddr out = k.room(4);
  REQUIRE(k.call("pager_query_vmo_stats", k.pager, vmo, 2, out, 4) == Status::kInvalidArgs);
  REQUIRE(k.call("pager_query_vmo_stats", k.pager, vmo, 0, out, 3) == Status::kBufferTooSmall);
  REQUIRE(k.call("pager_query_vmo_stats", k.pager, vmo, 1, GuestAddr(0x6660), 4) == Status::kInvalidArgs);
  REQUIRE(k.modified(vmo));
}

TEST_CASE("dirty pages and waits for consent are saved and loaded") {
  WritebackRig k;
  Handle vmo = k.vmo(4, VmoOptions::kTrapDirty | VmoOptions::kResizable);
  k.supply(vmo, 0, 4);
  k.op(PagerOp::kDirty, vmo, 1, 1);
  REQUIRE(k.call("vmo_set_size", vmo, 6 * kPage) == Status::kOk);
  k.op(PagerOp::kWritebackBegin, vmo, 0, 5);
  Made& writer = k.write(vmo, 1, 5);
  k.reload();
  REQUIRE(k.dirty(vmo, 0, 6) == Ranges{{1, 1}, {4, 2, true}});
  REQUIRE(k.asked_to_dirty(1));
  k.op(PagerOp::kDirty, vmo, 1, 1);
  REQUIRE(k.done(writer));
  k.op(PagerOp::kWritebackEnd, vmo, 0, 5);
  REQUIRE(k.dirty(vmo, 0, 6) == Ranges{{1, 1}, {5, 1, true}});
}

TEST_CASE("a VMO may change its size while zeros are written back", "[zx_pager_op_range][zx_vmo_set_size]") {
  for (auto options : {VmoOptions::kResizable, VmoOptions::kResizable | VmoOptions::kTrapDirty}) {
    WritebackRig k;
    Handle vmo = k.vmo(1, options);
    k.supply(vmo, 0, 1);
    auto resize = [&](uint64_t pages) { return k.call("vmo_set_size", vmo, pages * kPage); };
    REQUIRE(resize(3) == Status::kOk);
    REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 1, 2) == Status::kOk);
    // A part of what is under way is gone: its end has to be told for the rest alone.
    REQUIRE(resize(2) == Status::kOk);
    REQUIRE(k.dirty(vmo, 0, 2) == Ranges{{1, 1, true}});
    REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 1, 2) == Status::kOutOfRange);
    REQUIRE(k.dirty(vmo, 0, 2) == Ranges{{1, 1, true}});
    k.reload();
    REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 1, 1) == Status::kOk);
    REQUIRE(k.dirty(vmo, 0, 2).empty());

    // What it gains anew was not under way.
    REQUIRE(resize(3) == Status::kOk);
    REQUIRE(k.dirty(vmo, 0, 3) == Ranges{{2, 1, true}});
    for (uint64_t shrunk : {2, 1}) {
      REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 2, 1) == Status::kOk);
      REQUIRE(resize(shrunk) == Status::kOk);
      REQUIRE(k.dirty(vmo, 0, shrunk).empty());
      REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 2, 1) == Status::kOutOfRange);
      REQUIRE(resize(3) == Status::kOk);
      REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 2, 1) == Status::kOk);
      REQUIRE(k.dirty(vmo, 0, 3) == Ranges{{shrunk, 3 - shrunk, true}});
    }

    // Growth beyond is none of its business.
    REQUIRE(resize(1) == Status::kOk);
    REQUIRE(resize(3) == Status::kOk);
    REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 1, 1) == Status::kOk);
    REQUIRE(resize(5) == Status::kOk);
    REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 1, 1) == Status::kOk);
    REQUIRE(k.dirty(vmo, 0, 5) == Ranges{{2, 3, true}});
  }
}

TEST_CASE("what is written to while zeros are written back stays dirty", "[zx_pager_op_range]") {
  WritebackRig k;
  Handle vmo = k.vmo(1, VmoOptions::kResizable);
  k.supply(vmo, 0, 1);
  REQUIRE(k.call("vmo_set_size", vmo, 4 * kPage) == Status::kOk);
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 1, 3) == Status::kOk);
  REQUIRE(k.done(k.write(vmo, 2, 7)));
  REQUIRE(k.dirty(vmo, 0, 4) == Ranges{{1, 1, true}, {2, 1}, {3, 1, true}});
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 1, 3) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 4) == Ranges{{2, 1}});
  REQUIRE(k.word(vmo, 2) == 7);
}

TEST_CASE("a pager that writes back zeros does not clean what became something else", "[zx_pager_op_range]") {
  constexpr auto kZeros = abi::raw(abi::VmoDirtyRangeOptions::kIsZero);
  WritebackRig k;
  Handle vmo = k.vmo(1, VmoOptions::kResizable);
  k.supply(vmo, 0, 1);
  REQUIRE(k.done(k.write(vmo, 0, 5)));
  REQUIRE(k.call("vmo_set_size", vmo, 4 * kPage) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 4) == Ranges{{0, 1}, {1, 3, true}});
  // The pager has asked, and means to write zeros; meanwhile the program writes.
  REQUIRE(k.done(k.write(vmo, 2, 7)));
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 4, kZeros) == Status::kOk);
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 4) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 4) == Ranges{{0, 1}, {2, 1}, {3, 1, true}});
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 4) == Status::kOk);
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 4) == Status::kOk);
  REQUIRE(k.dirty(vmo, 0, 4).empty());
  // It goes with this operation alone.
  REQUIRE(k.op(PagerOp::kWritebackEnd, vmo, 0, 4, kZeros) == Status::kInvalidArgs);
  REQUIRE(k.op(PagerOp::kWritebackBegin, vmo, 0, 4, 2) == Status::kInvalidArgs);
}

}  // namespace
}  // namespace jacinth::kernel
