// Channels through calls: messages and handles (kernel/syscalls/channel.cc). Calls on channels: channel_call_test.cc.
#include "kernel/ipc/channel.h"

#include <string>

#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

using Disposition = abi::HandleDisposition;
using abi::HandleOp;

struct Rig : IpcRig {
  using IpcRig::IpcRig;

  GuestAddr put(const std::vector<Disposition>& dispositions) {
    GuestAddr at = room(dispositions.size() * sizeof(Disposition));
    for (size_t i = 0; i < dispositions.size(); ++i) poke(at + i * sizeof(Disposition), dispositions[i]);
    return at;
  }
  Status write_etc(Handle channel, GuestAddr dispositions, uint32_t count) {
    return call("channel_write_etc", channel, 0, nullptr, 0, dispositions, count);
  }
  Status result(GuestAddr dispositions, size_t index) { return peek<Disposition>(dispositions, index).result; }

  struct Sizes {
    Status status;
    uint32_t bytes;
    uint32_t handles;
  };
  Sizes read(Handle channel, uint32_t num_bytes, uint32_t num_handles,
             abi::ChannelReadOptions options = abi::ChannelReadOptions::kNone) {
    GuestAddr actual = user(std::array<uint32_t, 2>{9999, 9999});
    Status status = call("channel_read", channel, options, room(num_bytes), room(num_handles * 4), num_bytes,
                         num_handles, actual, actual + 4);
    return {status, peek<uint32_t>(actual), peek<uint32_t>(actual, 1)};
  }
};

TEST_CASE("channel_create makes two ends that know each other", "[zx_channel_create]") {
  Rig k;
  auto [a, b] = k.channel();
  REQUIRE(k.basic(a).type == ObjectType::kChannel);
  REQUIRE(k.basic(a).rights == abi::default_rights(ObjectType::kChannel));
  REQUIRE(k.basic(a).related_koid == k.basic(b).koid);
  REQUIRE(k.signals(a) == Signals::kWritable);
  GuestAddr out = k.room(8);
  REQUIRE(k.call("channel_create", 1, out, out + 4) == Status::kInvalidArgs);
  REQUIRE(k.call("channel_create", 0, Rig::kNowhere, out) == Status::kInvalidArgs);
  REQUIRE(k.call("channel_create", 0, out, Rig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.core().counter("dispatcher.channel.destroy") == 4);
}

TEST_CASE("messages arrive in order with bytes and handles", "[zx_channel_write][zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle event = k.event();
  Koid koid = k.basic(event).koid;
  k.send(a, "first");
  k.send(a, "", {event});
  k.send(a, "");
  REQUIRE_FALSE(k.valid(event));
  REQUIRE(k.signals(b) == (Signals::kReadable | Signals::kWritable));

  REQUIRE(k.receive(b).text == "first");
  IpcRig::Received second = k.receive(b);
  REQUIRE(second.handles.size() == 1);
  REQUIRE(k.basic(second.handles[0]).koid == koid);
  REQUIRE(k.basic(second.handles[0]).rights == abi::default_rights(ObjectType::kEvent));
  REQUIRE(k.receive(b).text.empty());
  REQUIRE(k.read_nothing(b) == Status::kShouldWait);
  REQUIRE(k.signals(b) == Signals::kWritable);
}

TEST_CASE("a message of 64 KiB with 64 handles is the largest", "[zx_channel_write][zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  GuestAddr bytes = k.room(65537);
  k.poke(bytes + 65535, uint8_t{0x5a});
  std::vector<Handle> events;
  for (int i = 0; i < 65; ++i) events.push_back(k.event());
  GuestAddr handles = k.user_handles(events);
  REQUIRE(k.call("channel_write", a, 0, bytes, 65536, handles, 64) == Status::kOk);
  REQUIRE(k.call("channel_write", a, 0, bytes, 65537, nullptr, 0) == Status::kOutOfRange);
  REQUIRE(k.call("channel_write", a, 0, nullptr, 0, handles + 4 * 64, 65) == Status::kOutOfRange);

  GuestAddr out = k.room(65536);
  GuestAddr actual = k.room(8);
  REQUIRE(k.call("channel_read", b, 0, out, k.room(256), 65536, 64, actual, actual + 4) == Status::kOk);
  REQUIRE(k.peek<uint32_t>(actual) == 65536);
  REQUIRE(k.peek<uint32_t>(actual, 1) == 64);
  REQUIRE(k.peek<uint8_t>(out + 65535) == 0x5a);
  REQUIRE(k.core().counter("channel.messages") == 1);
  REQUIRE(k.core().counter("channel.bytes.64k") == 1);
}

TEST_CASE("channel_write consumes its handles whatever goes wrong", "[zx_channel_write]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle mute = k.without(k.channel().first, Rights::kWrite);
  auto [lonely, gone] = k.channel();
  k.close(gone);
  GuestAddr text = k.user_text("x");
  auto consumes = [&](Status expected, Handle channel, uint32_t options, GuestAddr bytes, uint64_t size) {
    Handle event = k.event();
    REQUIRE(k.call("channel_write", channel, options, bytes, size, k.user_handles({event}), 1) == expected);
    REQUIRE_FALSE(k.valid(event));
  };
  consumes(Status::kInvalidArgs, a, 1, text, 1);
  consumes(Status::kBadHandle, Rig::kBad, 0, text, 1);
  consumes(Status::kWrongType, k.event(), 0, text, 1);
  consumes(Status::kAccessDenied, mute, 0, text, 1);
  consumes(Status::kInvalidArgs, a, 0, Rig::kNowhere, 1);
  consumes(Status::kOutOfRange, a, 0, text, 65537);
  consumes(Status::kPeerClosed, lonely, 0, text, 1);
  REQUIRE(k.read_nothing(b) == Status::kShouldWait);

  std::vector<Handle> events;
  for (int i = 0; i < 65; ++i) events.push_back(k.event());
  REQUIRE(k.write(a, "", events) == Status::kOutOfRange);
  for (Handle event : events) REQUIRE_FALSE(k.valid(event));
}

TEST_CASE("one bad handle spoils the message, and the others are consumed", "[zx_channel_write]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle untransferable = k.without(k.event(), Rights::kTransfer);
  struct Row {
    Handle bad;
    Status status;
  };
  for (const Row& row : {Row{Rig::kBad, Status::kBadHandle}, Row{Handle::kInvalid, Status::kBadHandle},
                         Row{untransferable, Status::kAccessDenied}}) {
    Handle before = k.event();
    Handle after = k.event();
    REQUIRE(k.write(a, "x", {before, row.bad, after}) == row.status);
    REQUIRE_FALSE(k.valid(before));
    REQUIRE_FALSE(k.valid(after));
  }
  REQUIRE_FALSE(k.valid(untransferable));
  Handle twice = k.event();
  REQUIRE(k.write(a, "x", {twice, twice}) == Status::kBadHandle);
  REQUIRE_FALSE(k.valid(twice));
  REQUIRE(k.call("channel_write", a, 0, nullptr, 0, Rig::kNowhere, 1) == Status::kInvalidArgs);
  REQUIRE(k.read_nothing(b) == Status::kShouldWait);
}

TEST_CASE("a channel cannot be sent through itself, but its peer can", "[zx_channel_write]") {
  Rig k;
  auto [a, b] = k.channel();
  REQUIRE(k.write(a, "", {a}) == Status::kNotSupported);
  REQUIRE_FALSE(k.valid(a));
  REQUIRE(k.signals(b) == Signals::kPeerClosed);

  auto [c, d] = k.channel();
  k.send(c, "", {d});
  REQUIRE_FALSE(k.valid(d));
  k.close(c);
  // Its own queue holds the last handle to it: nobody will ever read it. It ends with the kernel.
}

TEST_CASE("the end of a channel closes what it was sent and nobody read", "[zx_handle_close]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle event = k.event();
  Handle witness = k.duplicate(event);
  k.send(a, "", {event});
  REQUIRE(k.handle_count(witness) == 2);
  k.close(b);
  REQUIRE(k.handle_count(witness) == 1);
  REQUIRE(k.signals(a) == Signals::kPeerClosed);
  REQUIRE(k.write(a, "x") == Status::kPeerClosed);
}

TEST_CASE("after the peer closed, what it wrote can still be read", "[zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  k.send(a, "last words");
  k.close(a);
  REQUIRE(k.signals(b) == (Signals::kReadable | Signals::kPeerClosed));
  REQUIRE(k.receive(b).text == "last words");
  REQUIRE(k.read_nothing(b) == Status::kPeerClosed);
}

TEST_CASE("a message that does not fit tells its size and stays, unless it may be discarded", "[zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  k.send(a, "12345", {k.event(), k.event()});
  for (auto [bytes, handles] : {std::pair(4u, 2u), std::pair(5u, 1u), std::pair(0u, 0u)}) {
    Rig::Sizes sizes = k.read(b, bytes, handles);
    REQUIRE(sizes.status == Status::kBufferTooSmall);
    REQUIRE(sizes.bytes == 5);
    REQUIRE(sizes.handles == 2);
  }
  Rig::Sizes sizes = k.read(b, 4, 2, abi::ChannelReadOptions::kMayDiscard);
  REQUIRE(sizes.status == Status::kBufferTooSmall);
  REQUIRE(sizes.bytes == 5);
  REQUIRE(k.read_nothing(b) == Status::kShouldWait);

  k.send(a, "12345");
  REQUIRE(k.read(b, 5, 0, abi::ChannelReadOptions::kMayDiscard).status == Status::kOk);
}

TEST_CASE("channel_read checks handle, type, right and options in this order", "[zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  auto read = [&](Handle handle, uint32_t options) {
    return k.call("channel_read", handle, options, nullptr, nullptr, 0, 0, nullptr, nullptr);
  };
  REQUIRE(read(Rig::kBad, 2) == Status::kBadHandle);
  REQUIRE(read(k.event(), 2) == Status::kWrongType);
  REQUIRE(read(a, 2) == Status::kNotSupported);
  REQUIRE(read(a, 1) == Status::kShouldWait);
  REQUIRE(read(k.without(b, Rights::kRead), 2) == Status::kAccessDenied);
}

TEST_CASE("a message for a bad pointer is lost with its handles", "[zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle event = k.event();
  GuestAddr good = k.room(64);
  auto loses = [&](GuestAddr bytes, GuestAddr handles, GuestAddr actual_bytes, GuestAddr actual_handles) {
    k.send(a, "text", {k.duplicate(event)});
    REQUIRE(k.call("channel_read", b, 0, bytes, handles, 64, 16, actual_bytes, actual_handles) == Status::kInvalidArgs);
    REQUIRE(k.read_nothing(b) == Status::kShouldWait);
    REQUIRE(k.handle_count(event) == 1);
  };
  loses(Rig::kNowhere, good, good, good);
  loses(good, Rig::kNowhere, good, good);
  loses(good, good, Rig::kNowhere, good);
  loses(good, good, good, Rig::kNowhere);
}

TEST_CASE("channel_read writes bytes before handles and takes no sizes for an answer", "[zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle event = k.event();
  k.send(a, "abcdefgh", {event});
  GuestAddr both = k.room(8);
  REQUIRE(k.call("channel_read", b, 0, both, both, 8, 1, nullptr, nullptr) == Status::kOk);
  REQUIRE(k.valid(k.peek<Handle>(both)));
  REQUIRE(k.text(both + 4, 4) == "efgh");
}

TEST_CASE("channel_read_etc tells type and rights of what came", "[zx_channel_read_etc]") {
  Rig k;
  auto [a, b] = k.channel();
  k.send(a, "", {k.duplicate(k.event(), Rights::kWait | Rights::kTransfer), k.port()});
  GuestAddr infos = k.room(2 * sizeof(abi::HandleInfo));
  REQUIRE(k.call("channel_read_etc", b, 0, nullptr, infos, 0, 2, nullptr, nullptr) == Status::kOk);
  auto first = k.peek<abi::HandleInfo>(infos);
  auto second = k.peek<abi::HandleInfo>(infos, 1);
  REQUIRE(first.type == ObjectType::kEvent);
  REQUIRE(first.rights == (Rights::kWait | Rights::kTransfer));
  REQUIRE(first.unused == 0);
  REQUIRE(second.type == ObjectType::kPort);
  REQUIRE(k.basic(second.handle).rights == second.rights);
}

TEST_CASE("a message can be gathered from many places", "[zx_channel_write]") {
  Rig k;
  auto [a, b] = k.channel();
  auto part = [&](std::string_view text) {
    return abi::ChannelIovec{.buffer = k.user_text(text).value, .capacity = static_cast<uint32_t>(text.size())};
  };
  std::array<abi::ChannelIovec, 4> parts = {part("one "), {.buffer = Rig::kNowhere.value}, part("two "), part("three")};
  constexpr uint32_t kIovec = abi::raw(abi::ChannelWriteOptions::kUseIovec);
  auto write = [&](GuestAddr at, uint32_t count) { return k.call("channel_write", a, kIovec, at, count, nullptr, 0); };
  REQUIRE(write(k.user(parts), 4) == Status::kOk);
  REQUIRE(k.receive(b).text == "one two three");
  REQUIRE(write(GuestAddr{}, 0) == Status::kOk);
  REQUIRE(k.receive(b).text.empty());

  REQUIRE(write(Rig::kNowhere, 1) == Status::kInvalidArgs);
  REQUIRE(write(k.user(abi::ChannelIovec{.buffer = Rig::kNowhere.value, .capacity = 1}), 1) == Status::kInvalidArgs);
  REQUIRE(write(k.user(abi::ChannelIovec{.capacity = 0, .reserved = 1}), 1) == Status::kInvalidArgs);
  REQUIRE(write(k.user(abi::ChannelIovec{.buffer = IpcRig::kMemory.value, .capacity = 65537}), 1) ==
          Status::kOutOfRange);
  REQUIRE(write(IpcRig::kMemory, 8193) == Status::kOutOfRange);
  std::array<abi::ChannelIovec, 2> halves;
  halves.fill({.buffer = IpcRig::kMemory.value, .capacity = 32768});
  REQUIRE(write(k.user(halves), 2) == Status::kOk);
  halves[1].capacity = 32769;
  REQUIRE(write(k.user(halves), 2) == Status::kOutOfRange);
}

TEST_CASE("channel_write_etc moves and duplicates with the rights that were asked for", "[zx_channel_write_etc]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle moved = k.event();
  Handle kept = k.event();
  Handle narrowed = k.event();
  GuestAddr dispositions = k.put({
      {.operation = HandleOp::kMove, .handle = moved, .type = ObjectType::kEvent, .rights = Rights::kSameRights},
      {.operation = HandleOp::kDuplicate, .handle = kept, .type = ObjectType::kNone, .rights = Rights::kWait},
      {.operation = HandleOp::kMove, .handle = narrowed, .rights = Rights::kSignal, .result = Status::kIo},
  });
  REQUIRE(k.write_etc(a, dispositions, 3) == Status::kOk);
  REQUIRE_FALSE(k.valid(moved));
  REQUIRE(k.valid(kept));
  REQUIRE_FALSE(k.valid(narrowed));
  REQUIRE(k.result(dispositions, 2) == Status::kIo);  // Nothing is written when all went well.

  std::vector<Handle> got = k.receive(b).handles;
  REQUIRE(got.size() == 3);
  REQUIRE(k.basic(got[0]).rights == abi::default_rights(ObjectType::kEvent));
  REQUIRE(k.basic(got[1]).rights == Rights::kWait);
  REQUIRE(k.basic(got[1]).koid == k.basic(kept).koid);
  REQUIRE(k.basic(got[2]).rights == Rights::kSignal);
}

TEST_CASE("channel_write_etc tells which handle failed and consumes what it was to move", "[zx_channel_write_etc]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle fine = k.event();
  Handle kept = k.event();
  Handle mistyped = k.event();
  Handle greedy = k.event();
  Handle single = k.without(k.event(), Rights::kDuplicate);
  Handle stuck = k.without(k.event(), Rights::kTransfer);
  Handle odd = k.event();
  GuestAddr dispositions = k.put({
      {.handle = fine, .rights = Rights::kSameRights},
      {.operation = HandleOp::kDuplicate, .handle = kept, .rights = Rights::kSameRights},
      {.handle = mistyped, .type = ObjectType::kPort, .rights = Rights::kSameRights},
      {.handle = greedy, .rights = Rights::kWrite},
      {.operation = HandleOp::kDuplicate, .handle = single, .rights = Rights::kSameRights},
      {.handle = stuck, .rights = Rights::kSameRights},
      {.operation = HandleOp{7}, .handle = odd, .rights = Rights::kSameRights},
      {.handle = Rig::kBad, .rights = Rights::kSameRights},
      {.handle = a, .rights = Rights::kSameRights},
  });
  Handle other_end = b;
  REQUIRE(k.write_etc(a, dispositions, 9) == Status::kWrongType);

  const std::array<Status, 9> expected = {Status::kOk,          Status::kOk,           Status::kWrongType,
                                          Status::kInvalidArgs, Status::kAccessDenied, Status::kAccessDenied,
                                          Status::kInvalidArgs, Status::kBadHandle,    Status::kNotSupported};
  for (size_t i = 0; i < expected.size(); ++i) REQUIRE(k.result(dispositions, i) == expected[i]);
  for (Handle handle : {fine, mistyped, greedy, stuck, odd, a}) REQUIRE_FALSE(k.valid(handle));
  for (Handle handle : {kept, single}) REQUIRE(k.valid(handle));
  REQUIRE(k.read_nothing(other_end) == Status::kPeerClosed);
}

TEST_CASE("channel_write_etc that fails early consumes what it was to move", "[zx_channel_write_etc]") {
  Rig k;
  auto [a, b] = k.channel();
  Handle moved = k.event();
  Handle kept = k.event();
  GuestAddr dispositions = k.put({{.handle = moved, .rights = Rights::kSameRights},
                                  {.operation = HandleOp::kDuplicate, .handle = kept, .rights = Rights::kSameRights}});
  REQUIRE(k.write_etc(Rig::kBad, dispositions, 2) == Status::kBadHandle);
  REQUIRE_FALSE(k.valid(moved));
  REQUIRE(k.valid(kept));
  REQUIRE(k.result(dispositions, 0) == Status::kOk);
  REQUIRE(k.write_etc(a, Rig::kNowhere, 1) == Status::kInvalidArgs);
  REQUIRE(k.read_nothing(b) == Status::kShouldWait);
}

TEST_CASE("message 3501 arrives and raises a policy exception", "[zx_channel_write]") {
  Rig k;
  auto [a, b] = k.channel();
  Ref<Channel> end = k.object<Channel>(a);
  for (int i = 0; i < 3500; ++i) {
    REQUIRE(end->write(k.process()->koid(), Message()).status() == Status::kOk);
  }
  end = nullptr;
  Ref<Process> process = k.process();
  k.start(k.main_thread(), "channel_write", a, 0, nullptr, 0, nullptr, 0);
  k.run();
  REQUIRE(process->dead());
  REQUIRE(k.core().counter("channel.full") == 1);
}

TEST_CASE("a channel that moved to another process works there", "[zx_channel_read]") {
  Rig k;
  auto [a, b] = k.channel();
  Ref<Process> other = k.make_process("other");
  auto [c, d] = k.channel();
  Handle theirs = k.handle(other, k.object<Object>(d), abi::default_rights(ObjectType::kChannel));
  k.close(d);
  k.send(c, "", {b});

  Thread& thread = *other->threads().begin()->second;
  GuestAddr out = k.room(4);
  REQUIRE(k.call_as(thread, "channel_read", theirs, 0, nullptr, out, 0, 1, nullptr, nullptr) == Status::kOk);
  Handle got{};
  REQUIRE(other->memory().read(out, std::as_writable_bytes(std::span(&got, 1))) == Status::kOk);
  REQUIRE(k.call_as(thread, "channel_write", got, 0, nullptr, 0, nullptr, 0) == Status::kOk);
  REQUIRE(k.receive(a).text.empty());
}

}  // namespace
}  // namespace jacinth::kernel
