// Calls on channels: a request, and the thread that waits for the reply (kernel/syscalls/channel.cc).
#include <cstring>

#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

constexpr Time kNever = Time::never();

struct Rig : IpcRig {
  /// Everything that one call takes and gives.
  struct Exchange {
    GuestAddr args;
    GuestAddr actual;
    GuestAddr bytes;
    GuestAddr handles;
    Made* made = nullptr;
    Thread* thread = nullptr;
    Status status() const { return made->status(); }
  };
  Exchange exchange(std::string_view request, const std::vector<Handle>& sent, uint32_t num_bytes,
                    uint32_t num_handles) {
    Exchange e = {.actual = user(std::array<uint32_t, 2>{9999, 9999}), .bytes = room(256), .handles = room(256)};
    e.args = user(abi::ChannelCallArgs{.wr_bytes = user_text(request).value,
                                       .wr_handles = user_handles(sent).value,
                                       .rd_bytes = e.bytes.value,
                                       .rd_handles = e.handles.value,
                                       .wr_num_bytes = static_cast<uint32_t>(request.size()),
                                       .wr_num_handles = static_cast<uint32_t>(sent.size()),
                                       .rd_num_bytes = num_bytes,
                                       .rd_num_handles = num_handles});
    return e;
  }
  Exchange begin(Handle channel, std::string_view request, Time deadline = kNever, const std::vector<Handle>& sent = {},
                 uint32_t num_bytes = 256, uint32_t num_handles = 64) {
    Exchange e = exchange(request, sent, num_bytes, num_handles);
    e.thread = &thread();
    e.made = &start(*e.thread, "channel_call_noretry", channel, 0, deadline, e.args, e.actual, e.actual + 4);
    return e;
  }
  void finish(Exchange& e, Time deadline = kNever) {
    e.made = &start(*e.thread, "channel_call_finish", deadline, e.args, e.actual, e.actual + 4);
  }
  std::string reply(const Exchange& e) { return text(e.bytes, peek<uint32_t>(e.actual)); }
};

TEST_CASE("a call gets the reply that carries its id", "[zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  Handle event = k.event();
  Rig::Exchange call = k.begin(client, "----question", kNever, {event});
  REQUIRE(call.status() == Status::kParked);
  REQUIRE_FALSE(k.valid(event));

  IpcRig::Received request = k.receive(server);
  REQUIRE(request.text.substr(4) == "question");
  uint32_t txid = 0;
  std::memcpy(&txid, request.text.data(), 4);
  REQUIRE(txid >= 0x8000'0000);
  REQUIRE(request.handles.size() == 1);

  k.send(server, "unrelated");
  k.run();
  REQUIRE(call.status() == Status::kParked);

  k.send(server, request.text.substr(0, 4) + "answer", {k.port()});
  k.run();
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.reply(call) == request.text.substr(0, 4) + "answer");
  REQUIRE(k.peek<uint32_t>(call.actual, 1) == 1);
  REQUIRE(k.basic(k.peek<Handle>(call.handles)).type == ObjectType::kPort);
  REQUIRE(k.receive(client).text == "unrelated");
}

TEST_CASE("calls on one channel are told apart", "[zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  Rig::Exchange first = k.begin(client, "....");
  Rig::Exchange second = k.begin(client, "....");
  std::string id_of_first = k.receive(server).text;
  std::string id_of_second = k.receive(server).text;
  REQUIRE(id_of_first != id_of_second);
  k.send(server, id_of_second + "2");
  k.run();
  REQUIRE(first.status() == Status::kParked);
  REQUIRE(k.reply(second) == id_of_second + "2");
  k.send(server, id_of_first + "1");
  k.run();
  REQUIRE(k.reply(first) == id_of_first + "1");
}

TEST_CASE("a call times out, and its late reply is an ordinary message", "[zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  Rig::Exchange call = k.begin(client, "....", Time{100});
  std::string id = k.receive(server).text;
  k.advance_to(Time{100});
  REQUIRE(call.status() == Status::kTimedOut);
  k.send(server, id + "late");
  REQUIRE(k.receive(client).text == id + "late");

  Rig::Exchange hasty = k.begin(client, "....", Time{0});
  REQUIRE(hasty.status() == Status::kTimedOut);
  REQUIRE(k.receive(server).text.size() == 4);
}

TEST_CASE("a call ends with its channel", "[zx_channel_call_noretry][zx_handle_close]") {
  Rig k;
  auto [client, server] = k.channel();
  Rig::Exchange call = k.begin(client, "....");
  k.close(server);
  k.run();
  REQUIRE(call.status() == Status::kPeerClosed);
  REQUIRE(k.begin(client, "....").status() == Status::kPeerClosed);

  auto [other, far] = k.channel();
  Rig::Exchange own = k.begin(other, "....");
  k.close(other);
  k.run();
  REQUIRE(own.status() == Status::kCanceled);
  REQUIRE(k.signals(far) == (Signals::kReadable | Signals::kPeerClosed));
}

TEST_CASE("a reply that does not fit is lost with its handles", "[zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  Handle event = k.event();
  for (auto [bytes, handles] : {std::pair(7u, 1u), std::pair(8u, 0u)}) {
    Rig::Exchange call = k.begin(client, "....", kNever, {}, bytes, handles);
    k.send(server, k.receive(server).text + "more", {k.duplicate(event)});
    k.run();
    REQUIRE(call.status() == Status::kBufferTooSmall);
    REQUIRE(k.handle_count(event) == 1);
    REQUIRE(k.read_nothing(client) == Status::kShouldWait);
    REQUIRE(k.peek<uint32_t>(call.actual) == 9999);
  }
}

TEST_CASE("a reply that cannot be written is lost", "[zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  for (int bad = 0; bad < 4; ++bad) {
    Rig::Exchange call = k.exchange("....", {}, 256, 64);
    auto args = k.peek<abi::ChannelCallArgs>(call.args);
    if (bad == 0) args.rd_bytes = Rig::kNowhere.value;
    if (bad == 1) args.rd_handles = Rig::kNowhere.value;
    k.poke(call.args, args);
    Made& made = k.start(k.thread(), "channel_call_noretry", client, 0, kNever, call.args,
                         bad == 2 ? Rig::kNowhere : call.actual, bad == 3 ? Rig::kNowhere : call.actual + 4);
    k.send(server, k.receive(server).text, {k.event()});
    k.run();
    REQUIRE(made.status() == Status::kInvalidArgs);
    REQUIRE(k.read_nothing(client) == Status::kShouldWait);
  }
}

TEST_CASE("a call consumes its handles whatever goes wrong", "[zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  auto fails = [&](Status expected, Handle channel, uint32_t options, std::string_view request) {
    Handle event = k.event();
    Rig::Exchange e = k.exchange(request, {event}, 0, 0);
    REQUIRE(k.call("channel_call_noretry", channel, options, kNever, e.args, e.actual, e.actual + 4) == expected);
    REQUIRE_FALSE(k.valid(event));
  };
  fails(Status::kInvalidArgs, client, 1, "....");
  fails(Status::kInvalidArgs, client, 0, "...");
  fails(Status::kBadHandle, Rig::kBad, 0, "....");
  fails(Status::kWrongType, k.event(), 0, "....");
  fails(Status::kAccessDenied, k.without(k.channel().first, Rights::kRead), 0, "....");
  fails(Status::kAccessDenied, k.without(k.channel().first, Rights::kWrite), 0, "....");
  REQUIRE(k.call("channel_call_noretry", client, 0, kNever, Rig::kNowhere, nullptr, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.read_nothing(server) == Status::kShouldWait);
}

TEST_CASE("a suspended call goes on where it was", "[zx_channel_call_finish][zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  Rig::Exchange call = k.begin(client, "....");
  std::string id = k.receive(server).text;
  REQUIRE(call.thread->suspend() == Status::kOk);
  k.run();
  REQUIRE(call.status() == Status::kInterruptedRetry);
  call.thread->resume();

  k.finish(call);
  REQUIRE(call.status() == Status::kParked);
  k.send(server, id + "reply");
  k.run();
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.reply(call) == id + "reply");
}

TEST_CASE("a reply that came during the suspension is there at once", "[zx_channel_call_finish]") {
  Rig k;
  auto [client, server] = k.channel();
  Rig::Exchange call = k.begin(client, "....", Time{100});
  std::string id = k.receive(server).text;
  REQUIRE(call.thread->suspend() == Status::kOk);
  k.run();
  k.send(server, id + "reply");
  k.advance_to(Time{200});
  call.thread->resume();
  k.finish(call, Time{100});
  REQUIRE(call.status() == Status::kOk);
  REQUIRE(k.reply(call) == id + "reply");
}

TEST_CASE("channel_call_finish needs a call to finish, and may time out", "[zx_channel_call_finish]") {
  Rig k;
  auto [client, server] = k.channel();
  Rig::Exchange idle = k.exchange("....", {}, 0, 0);
  REQUIRE(k.call("channel_call_finish", kNever, idle.args, idle.actual, idle.actual + 4) == Status::kBadState);
  REQUIRE(k.call("channel_call_finish", kNever, Rig::kNowhere, idle.actual, idle.actual + 4) == Status::kInvalidArgs);

  Rig::Exchange call = k.begin(client, "....");
  REQUIRE(call.thread->suspend() == Status::kOk);
  k.run();
  call.thread->resume();
  k.finish(call, Time{0});
  REQUIRE(call.status() == Status::kTimedOut);
  k.finish(call, Time{0});
  REQUIRE(call.status() == Status::kBadState);
  REQUIRE(k.signals(server) == (Signals::kReadable | Signals::kWritable));
}

TEST_CASE("a second call in the middle of one kills the process", "[zx_channel_call_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  Rig::Exchange call = k.begin(client, "....");
  REQUIRE(call.thread->suspend() == Status::kOk);
  k.run();
  call.thread->resume();
  Ref<Process> process = k.process();
  Rig::Exchange second = k.exchange("....", {}, 0, 0);
  k.start(*call.thread, "channel_call_noretry", client, 0, kNever, second.args, second.actual, second.actual + 4);
  k.run();
  REQUIRE(process->dead());
  REQUIRE(process->return_code() == static_cast<int64_t>(abi::TaskRetcode::kVdsoKill));
}

TEST_CASE("channel_call_etc sends by disposition and tells what came",
          "[zx_channel_call_etc_noretry][zx_channel_call_etc_finish]") {
  Rig k;
  auto [client, server] = k.channel();
  Handle kept = k.event();
  GuestAddr dispositions =
      k.user(abi::HandleDisposition{.operation = abi::HandleOp::kDuplicate, .handle = kept, .rights = Rights::kWait});
  GuestAddr infos = k.room(sizeof(abi::HandleInfo));
  GuestAddr actual = k.room(8);
  GuestAddr args = k.user(abi::ChannelCallEtcArgs{.wr_bytes = k.user_text("....").value,
                                                  .wr_handles = dispositions.value,
                                                  .rd_bytes = k.room(16).value,
                                                  .rd_handles = infos.value,
                                                  .wr_num_bytes = 4,
                                                  .wr_num_handles = 1,
                                                  .rd_num_bytes = 16,
                                                  .rd_num_handles = 1});
  Thread& thread = k.thread();
  Made* made = &k.start(thread, "channel_call_etc_noretry", client, 0, kNever, args, actual, actual + 4);
  IpcRig::Received request = k.receive(server);
  REQUIRE(k.basic(request.handles[0]).rights == Rights::kWait);
  REQUIRE(k.valid(kept));

  REQUIRE(thread.suspend() == Status::kOk);
  k.run();
  REQUIRE(made->status() == Status::kInterruptedRetry);
  thread.resume();
  made = &k.start(thread, "channel_call_etc_finish", kNever, args, actual, actual + 4);
  k.send(server, request.text, {k.port()});
  k.run();
  REQUIRE(made->status() == Status::kOk);
  REQUIRE(k.peek<abi::HandleInfo>(infos).type == ObjectType::kPort);
  REQUIRE(k.peek<abi::HandleInfo>(infos).rights == abi::default_rights(ObjectType::kPort));
}

TEST_CASE("channel_call_etc that fails tells which handle did", "[zx_channel_call_etc_noretry]") {
  Rig k;
  auto [client, server] = k.channel();
  GuestAddr dispositions =
      k.user(abi::HandleDisposition{.handle = k.event(), .type = ObjectType::kPort, .rights = Rights::kSameRights});
  GuestAddr args = k.user(abi::ChannelCallEtcArgs{
      .wr_bytes = k.user_text("....").value, .wr_handles = dispositions.value, .wr_num_bytes = 4, .wr_num_handles = 1});
  REQUIRE(k.call("channel_call_etc_noretry", client, 0, kNever, args, nullptr, nullptr) == Status::kWrongType);
  REQUIRE(k.peek<abi::HandleDisposition>(dispositions).result == Status::kWrongType);
  REQUIRE(k.read_nothing(server) == Status::kShouldWait);
}

}  // namespace
}  // namespace jacinth::kernel
