// Calls that act and then tell: when the page that they would tell in has to come from a pager, they neither act twice
// nor lose what they did.
#include "kernel/abi/handle.h"
#include "kernel/abi/interrupt.h"
#include "kernel/abi/policy.h"
#include "kernel/hw/interrupt.h"
#include "tests/kernel/pager/late_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using ResultRig = LateRig;
constexpr uint64_t kPage = LateRig::kPage;

TEST_CASE("a replaced handle is replaced once, whenever its value can be told", "[zx_handle_replace]") {
  ResultRig k;
  Handle event = k.make("event_create", 0);
  size_t before = k.handles();
  GuestAddr out = k.absent();
  Made& call = k.start(k.thread(), "handle_replace", event, Rights::kWait, out);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE_FALSE(k.valid(event));
  REQUIRE(k.handles() == before - 1);

  k.bring(out);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.handles() == before);
  REQUIRE(k.process()->handles().find(k.peek<Handle>(out))->rights == Rights::kWait);
}

TEST_CASE("a new handle whose value cannot be told is gone", "[zx_handle_duplicate]") {
  ResultRig k;
  Handle event = k.make("event_create", 0);
  size_t before = k.handles();
  GuestAddr out = k.absent();
  Made& call = k.start(k.thread(), "handle_duplicate", event, Rights::kSameRights, out);
  REQUIRE(k.object<Object>(event)->handle_count() == 2);
  k.refuse(out);
  REQUIRE(call.status() == Status::kInvalidArgs);
  REQUIRE(k.handles() == before);
  REQUIRE(k.object<Object>(event)->handle_count() == 1);

  // Likewise when the thread dies meanwhile.
  Made& lost = k.start(k.thread(), "handle_duplicate", event, Rights::kSameRights, k.absent());
  lost.thread->kill();
  k.kernel().settle();
  REQUIRE(k.object<Object>(event)->handle_count() == 1);
}

TEST_CASE("two handles are told in two places, each in its time", "[zx_channel_create]") {
  ResultRig k;
  GuestAddr first = k.absent();
  GuestAddr second = k.absent();
  uint64_t objects = k.core().objects().size();
  Thread& thread = k.thread();
  Made& call = k.start(thread, "channel_create", 0, first, second);
  k.bring(first);
  REQUIRE(call.status() == Status::kParked);
  k.bring(second);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.valid(k.peek<Handle>(first)));
  REQUIRE(k.valid(k.peek<Handle>(second)));
  REQUIRE(k.core().objects().size() == objects + 3);  // The thread, and one channel.
}

TEST_CASE("what a call has to tell survives a snapshot") {
  ResultRig k;
  Handle event = k.make("event_create", 0);
  GuestAddr out = k.absent();
  Made& call = k.start(k.thread(), "handle_replace", event, Rights::kWait, out);
  k.reload();
  REQUIRE(call.status() == Status::kParked);
  k.bring(out);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.valid(k.peek<Handle>(out)));
}

TEST_CASE("closing many closes each once", "[zx_handle_close_many]") {
  ResultRig k;
  // In two pages, of which the second is late.
  GuestAddr list = k.absent() + kPage - 4;
  k.absent();
  Handle first = k.make("event_create", 0);
  Handle second = k.make("event_create", 0);
  k.bring(list);
  k.poke(list, first);
  Made& call = k.start(k.thread(), "handle_close_many", list, 2);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(k.valid(first));
  // The pager's page names the second.
  Handle aux = k.plain(1);
  REQUIRE(k.at(aux).write(0, std::as_bytes(std::span(&second, 1))) == Status::kOk);
  REQUIRE(k.call("pager_supply_pages", k.pager, k.slow, kPage, kPage, aux, 0) == Status::kOk);
  k.run();
  REQUIRE(call.status() == Status::kOk);
  REQUIRE_FALSE(k.valid(first));
  REQUIRE_FALSE(k.valid(second));

  // What cannot be read ends the closing: what stands before it is closed.
  GuestAddr broken = k.absent() + kPage - 256;
  k.absent();
  k.bring(broken);
  Handle third = k.make("event_create", 0);
  for (uint64_t i = 0; i < 64; ++i) k.poke(broken + 4 * i, i == 0 ? third : Handle{});
  Made& fails = k.start(k.thread(), "handle_close_many", broken, 65);
  REQUIRE(k.valid(third));
  k.refuse(broken + 256);
  REQUIRE(fails.status() == Status::kInvalidArgs);
  REQUIRE_FALSE(k.valid(third));
}

TEST_CASE("a VMO is made executable once", "[zx_vmo_replace_as_executable]") {
  ResultRig k;
  Handle vmo = k.plain(1);
  GuestAddr out = k.absent();
  Made& call = k.start(k.thread(), "vmo_replace_as_executable", vmo, Handle{}, out);
  REQUIRE(call.status() == Status::kParked);
  k.bring(out);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE_FALSE(k.valid(vmo));
  REQUIRE(contains(k.process()->handles().find(k.peek<Handle>(out))->rights, Rights::kExecute));
}

TEST_CASE("what became of the handles of a message is told, and the handles are moved once", "[zx_channel_write_etc]") {
  ResultRig k;
  auto [left, right] = k.channel();
  Handle event = k.make("event_create", 0);
  // One cannot be sent: results are written, to a page that is there to read and asks before it is written to.
  Handle trapped = k.vmo(1, abi::VmoOptions::kTrapDirty);
  GuestAddr list = k.map(trapped, 1);
  std::array<abi::HandleDisposition, 2> items = {};
  items[0] = {.operation = abi::HandleOp::kMove, .handle = event, .rights = Rights::kSameRights};
  items[1] = {.operation = abi::HandleOp::kMove, .handle = left, .rights = Rights::kSameRights};
  Handle aux = k.plain(1);
  REQUIRE(k.at(aux).write(0, std::as_bytes(std::span(items))) == Status::kOk);
  REQUIRE(k.call("pager_supply_pages", k.pager, trapped, 0, kPage, aux, 0) == Status::kOk);

  Made& call = k.start(k.thread(), "channel_write_etc", left, 0, nullptr, 0, list, 2);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE_FALSE(k.valid(event));
  REQUIRE(k.op(abi::PagerOp::kDirty, trapped, 0, 1) == Status::kOk);
  REQUIRE(call.status() == Status::kNotSupported);
  REQUIRE(k.peek<abi::HandleDisposition>(list, 0).result == Status::kOk);
  REQUIRE(k.peek<abi::HandleDisposition>(list, 1).result == Status::kNotSupported);
}

TEST_CASE("a message that cannot be sent consumes its handles once", "[zx_channel_write]") {
  ResultRig k;
  auto [left, right] = k.channel();
  Handle event = k.make("event_create", 0);
  GuestAddr list = k.absent();
  // Too many bytes: the handles go all the same, once their numbers are known.
  Made& call = k.start(k.thread(), "channel_write", left, 0, nullptr, 70'000, list, 1);
  REQUIRE(call.status() == Status::kParked);
  Handle aux = k.plain(1);
  REQUIRE(k.at(aux).write(0, std::as_bytes(std::span(&event, 1))) == Status::kOk);
  REQUIRE(k.call("pager_supply_pages", k.pager, k.slow, list - k.late, kPage, aux, 0) == Status::kOk);
  k.run();
  REQUIRE(call.status() == Status::kOutOfRange);
  REQUIRE_FALSE(k.valid(event));
}

TEST_CASE("an interrupt that fired is told to the thread that took it", "[zx_interrupt_wait]") {
  ResultRig k;
  Handle interrupt = k.make("interrupt_create", Handle{}, 0, abi::InterruptOptions::kVirtual);
  REQUIRE(k.call("interrupt_trigger", interrupt, 0, Time{77}) == Status::kOk);
  GuestAddr out = k.absent();
  Made& call = k.start(k.thread(), "interrupt_wait", interrupt, out);
  REQUIRE(call.status() == Status::kParked);
  k.bring(out);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.peek<Time>(out) == Time{77});
}

TEST_CASE("what was discarded is told to a lock that has to wait for its buffer", "[zx_vmo_op_range]") {
  ResultRig k;
  Handle vmo = k.make("vmo_create", kPage, abi::VmoOptions::kDiscardable);
  auto op = [&](abi::VmoOp what) { return k.call("vmo_op_range", vmo, what, 0, kPage, k.room(32), 32); };
  REQUIRE(op(abi::VmoOp::kLock) == Status::kOk);
  REQUIRE(op(abi::VmoOp::kCommit) == Status::kOk);
  REQUIRE(op(abi::VmoOp::kUnlock) == Status::kOk);
  REQUIRE(k.kernel().vm().reclaim(1) == 1);
  GuestAddr state = k.absent();
  Made& call = k.start(k.thread(), "vmo_op_range", vmo, abi::VmoOp::kLock, 0, kPage, state, 32);
  REQUIRE(call.status() == Status::kParked);
  k.bring(state);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.peek<abi::VmoLockState>(state).discarded_size == kPage);
}

TEST_CASE("a mapping that overwrites another is made once its address can be told", "[zx_vmar_map][zx_vmar_allocate]") {
  ResultRig k;
  Handle root = k.handle(k.process()->memory().root(), Rights::kRead | Rights::kWrite);
  Handle vmo = k.plain(1);
  auto options = abi::VmOptions::kPermRead | abi::VmOptions::kSpecificOverwrite;
  Handle old = k.plain(1);
  GuestAddr place = k.map(old, 1);
  uint64_t offset = place - k.process()->memory().root()->base();
  GuestAddr out = k.absent();
  Made& call = k.start(k.thread(), "vmar_map", root, options, offset, vmo, 0, kPage, out);
  REQUIRE(call.status() == Status::kParked);
  REQUIRE(&k.process()->memory().find_mapping(place)->vmo() == &k.at(old));
  k.bring(out);
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.peek<GuestAddr>(out) == place);
  REQUIRE(&k.process()->memory().find_mapping(place)->vmo() == &k.at(vmo));

  GuestAddr region = k.absent();
  GuestAddr address = k.absent();
  Made& allocate = k.start(k.thread(), "vmar_allocate", root, 0, 0, kPage, region, address);
  k.bring(address);
  REQUIRE(allocate.status() == Status::kParked);
  k.bring(region);
  REQUIRE(allocate.status() == Status::kOk);
  REQUIRE(k.object<AddressRegion>(k.peek<Handle>(region))->base() == k.peek<GuestAddr>(address));
}

TEST_CASE("a line of the log is read by the call that takes it", "[zx_debuglog_read]") {
  ResultRig k;
  Handle log = k.make("debuglog_create", Handle{}, 0x4000'0000);
  REQUIRE(k.call("debuglog_write", log, 0, k.user_text("once"), 4) == Status::kOk);
  GuestAddr out = k.absent();
  Made& call = k.start(k.thread(), "debuglog_read", log, 0, out, 256);
  REQUIRE(call.status() == Status::kParked);
  k.bring(out);
  REQUIRE(call.result > 4);
}

// A failure is remembered until the call is over: it asks no pager twice for the same page.
TEST_CASE("a stream says once why its buffer could not be had", "[zx_stream_readv]") {
  ResultRig k;
  Handle vmo = k.plain(1);
  uint32_t word = 5;
  REQUIRE(k.at(vmo).write(0, std::as_bytes(std::span(&word, 1))) == Status::kOk);
  Handle stream = k.make("stream_create", 1, vmo, 0);
  GuestAddr buffer = k.absent();
  struct Entry {
    GuestAddr at;
    uint64_t size;
  };
  GuestAddr vector = k.user(Entry{buffer, 4});
  Made& call = k.start(k.thread(), "stream_readv", stream, 0, vector, 1, nullptr);
  REQUIRE(call.status() == Status::kParked);
  k.refuse(buffer);
  REQUIRE(call.status() == Status::kIo);
}

}  // namespace
}  // namespace jacinth::kernel
