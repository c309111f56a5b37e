// Calls on channels come in two forms, for handles as they are and for handles with dispositions: what both promise,
// and what the second form does where the tests of the first stand elsewhere (kernel/syscalls/channel.cc).
#include <string>

#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

constexpr Time kNever = Time::never();

/// The arguments of both forms are laid out alike; only what their handles point to differs.
struct Form {
  std::string_view begin;
  std::string_view finish;
  bool etc;
};
constexpr Form kForms[] = {{"channel_call_noretry", "channel_call_finish", false},
                           {"channel_call_etc_noretry", "channel_call_etc_finish", true}};

struct Rig : IpcRig {
  using IpcRig::IpcRig;

  struct Exchange {
    abi::ChannelCallArgs args;
    GuestAddr at;
    GuestAddr actual;
    Thread* thread = nullptr;
    Made* made = nullptr;
    Status status() const { return made->status(); }
  };
  Exchange exchange(uint32_t room_for_reply = 64) {
    Exchange e;
    e.args = {.wr_bytes = user_text("....").value,
              .rd_bytes = room(64).value,
              .rd_handles = room(64).value,
              .wr_num_bytes = 4,
              .rd_num_bytes = room_for_reply,
              .rd_num_handles = 2};
    e.at = user(e.args);
    e.actual = room(8);
    return e;
  }
  void begin(const Form& form, Handle channel, Exchange& e, Time deadline = kNever,
             abi::ChannelWriteOptions options = abi::ChannelWriteOptions::kNone) {
    poke(e.at, e.args);
    e.thread = &thread();
    e.made = &start(*e.thread, form.begin, channel, options, deadline, e.at, e.actual, e.actual + 4);
  }
  /// Interrupts the call by a suspension and goes on with its second half.
  void interrupt(const Form& form, Exchange& e, Time deadline = kNever) {
    REQUIRE(e.thread->suspend() == Status::kOk);
    run();
    REQUIRE(e.status() == Status::kInterruptedRetry);
    e.thread->resume();
    e.made = &start(*e.thread, form.finish, deadline, e.at, e.actual, e.actual + 4);
  }
  /// One handle to send, as the form wants it.
  void attach(const Form& form, Exchange& e, Handle handle) {
    e.args.wr_num_handles = 1;
    e.args.wr_handles = form.etc ? user(abi::HandleDisposition{.handle = handle, .rights = Rights::kSameRights}).value
                                 : user(handle).value;
  }
  Status refused(const Form& form, Handle channel, Exchange& e) {
    begin(form, channel, e);
    REQUIRE(e.made->over);
    return e.status();
  }
};

TEST_CASE(
    "Both forms of a call end alike, whether they were interrupted or not",
    "[zx_channel_call_noretry][zx_channel_call_etc_noretry][zx_channel_call_finish][zx_channel_call_etc_finish]") {
  for (const Form& form : kForms) {
    for (bool interrupted : {false, true}) {
      Rig k;
      INFO(form.begin << (interrupted ? ", interrupted" : ""));
      auto [client, server] = k.channel();
      auto waiting = [&, end = client](uint32_t room_for_reply = 64) {
        Rig::Exchange e = k.exchange(room_for_reply);
        k.begin(form, end, e, Time{1000});
        if (interrupted) k.interrupt(form, e, Time{1000});
        REQUIRE(e.status() == Status::kParked);
        return e;
      };
      auto answer = [&, end = server](std::string_view text) {
        k.send(end, k.receive(end).text + std::string(text));
        k.run();
      };

      Rig::Exchange good = waiting();
      answer("reply");
      REQUIRE(good.status() == Status::kOk);
      REQUIRE(k.text(GuestAddr(good.args.rd_bytes), k.peek<uint32_t>(good.actual)).substr(4) == "reply");

      Rig::Exchange narrow = waiting(6);
      answer("reply");
      REQUIRE(narrow.status() == Status::kBufferTooSmall);

      Rig::Exchange late = waiting();
      k.advance_to(Time{1000});
      REQUIRE(late.status() == Status::kTimedOut);
    }
  }
}

TEST_CASE(
    "Both forms of a call end with their channel, whichever end goes",
    "[zx_channel_call_noretry][zx_channel_call_etc_noretry][zx_channel_call_finish][zx_channel_call_etc_finish]") {
  for (const Form& form : kForms) {
    for (bool interrupted : {false, true}) {
      for (bool own : {false, true}) {
        Rig k;
        auto [client, server] = k.channel();
        Rig::Exchange e = k.exchange();
        k.begin(form, client, e);
        if (interrupted) k.interrupt(form, e);
        k.close(own ? client : server);
        k.run();
        INFO(form.begin << (interrupted ? ", interrupted" : "") << (own ? ", its own end" : ", the other end"));
        REQUIRE(e.status() == (own ? Status::kCanceled : Status::kPeerClosed));
      }
    }
  }
}

TEST_CASE("Both forms of a call survive a snapshot, and the kernel that they were saved in may go",
          "[zx_channel_call_noretry][zx_channel_call_etc_noretry]") {
  for (const Form& form : kForms) {
    for (bool answered : {false, true}) {
      Rig k;
      INFO(form.begin);
      auto [client, server] = k.channel();
      Rig::Exchange e = k.exchange();
      k.begin(form, client, e);
      std::string request = k.receive(server).text;
      k.reload();
      if (!answered) continue;  // The kernel goes in the middle of the call.
      k.send(server, request + "reply");
      k.run();
      REQUIRE(e.status() == Status::kOk);
    }
  }
}

TEST_CASE("Both forms of a call refuse what cannot be sent", "[zx_channel_call_noretry][zx_channel_call_etc_noretry]") {
  for (const Form& form : kForms) {
    Rig k;
    INFO(form.begin);
    auto [client, server] = k.channel();
    Rig::Exchange self = k.exchange();
    k.attach(form, self, client);
    REQUIRE(k.refused(form, client, self) == Status::kNotSupported);

    auto [a, b] = k.channel();
    Rig::Exchange unknown = k.exchange();
    k.attach(form, unknown, Rig::kBad);
    REQUIRE(k.refused(form, a, unknown) == Status::kBadHandle);
    Rig::Exchange fixed = k.exchange();
    k.attach(form, fixed, k.without(k.event(), Rights::kTransfer));
    REQUIRE(k.refused(form, a, fixed) == Status::kAccessDenied);

    Rig::Exchange much = k.exchange();
    much.args.wr_num_bytes = abi::kChannelMaxMsgBytes + 1;
    REQUIRE(k.refused(form, a, much) == Status::kOutOfRange);
    Rig::Exchange many = k.exchange();
    many.args.wr_handles = k.room(4096).value;
    many.args.wr_num_handles = abi::kChannelMaxMsgHandles + 1;
    REQUIRE(k.refused(form, a, many) == Status::kOutOfRange);
    Rig::Exchange little = k.exchange();
    little.args.wr_num_bytes = 3;
    REQUIRE(k.refused(form, a, little) == Status::kInvalidArgs);
    REQUIRE(k.read_nothing(b) == Status::kShouldWait);
  }
}

TEST_CASE("Both forms of a call gather their request from several places",
          "[zx_channel_call_noretry][zx_channel_call_etc_noretry]") {
  for (const Form& form : kForms) {
    Rig k;
    INFO(form.begin);
    auto [client, server] = k.channel();
    Rig::Exchange e = k.exchange();
    std::array parts = {abi::ChannelIovec{.buffer = k.user_text("....").value, .capacity = 4},
                        abi::ChannelIovec{.buffer = k.user_text("two parts").value, .capacity = 9}};
    e.args.wr_bytes = k.user(parts).value;
    e.args.wr_num_bytes = 2;
    k.begin(form, client, e, kNever, abi::ChannelWriteOptions::kUseIovec);
    std::string request = k.receive(server).text;
    REQUIRE(request.substr(4) == "two parts");
    k.send(server, request);
    k.run();
    REQUIRE(e.status() == Status::kOk);
  }
}

TEST_CASE("channel_read_etc finds what channel_read would, and fails as it would", "[zx_channel_read_etc]") {
  Rig k;
  auto [a, b] = k.channel();
  GuestAddr bytes = k.room(64);
  GuestAddr infos = k.room(64);
  GuestAddr actual = k.room(8);
  auto read = [&, end = a](abi::ChannelReadOptions options, uint32_t num_bytes, uint32_t num_handles) {
    return k.call("channel_read_etc", end, options, bytes, infos, num_bytes, num_handles, actual, actual + 4);
  };
  using enum abi::ChannelReadOptions;
  REQUIRE(read(kNone, 64, 2) == Status::kShouldWait);
  REQUIRE(read(abi::ChannelReadOptions{2}, 64, 2) == Status::kNotSupported);

  k.send(b, "message", {k.event()});
  REQUIRE(read(kNone, 6, 2) == Status::kBufferTooSmall);
  REQUIRE(k.peek<uint32_t>(actual) == 7);
  REQUIRE(k.peek<uint32_t>(actual, 1) == 1);
  REQUIRE(read(kNone, 7, 0) == Status::kBufferTooSmall);
  REQUIRE(read(kMayDiscard, 7, 1) == Status::kOk);
  REQUIRE(k.text(bytes, 7) == "message");
  REQUIRE(k.peek<abi::HandleInfo>(infos).type == ObjectType::kEvent);

  k.send(b, "too long");
  REQUIRE(read(kMayDiscard, 1, 0) == Status::kBufferTooSmall);
  REQUIRE(read(kNone, 64, 2) == Status::kShouldWait);
  k.close(b);
  REQUIRE(read(kNone, 64, 2) == Status::kPeerClosed);
}

TEST_CASE("channel_write_etc writes what channel_write would, and fails as it would", "[zx_channel_write_etc]") {
  Rig k;
  auto [a, b] = k.channel();
  auto write = [&, end = a](abi::ChannelWriteOptions options, GuestAddr bytes, uint32_t num_bytes, GuestAddr handles,
                            uint32_t num_handles) {
    return k.call("channel_write_etc", end, options, bytes, num_bytes, handles, num_handles);
  };
  using enum abi::ChannelWriteOptions;
  std::array parts = {abi::ChannelIovec{.buffer = k.user_text("one").value, .capacity = 3},
                      abi::ChannelIovec{.buffer = k.user_text("two").value, .capacity = 3}};
  REQUIRE(write(kUseIovec, k.user(parts), 2, {}, 0) == Status::kOk);
  REQUIRE(k.receive(b).text == "onetwo");

  GuestAddr room = k.room(8192);
  REQUIRE(write(kNone, room, abi::kChannelMaxMsgBytes + 1, {}, 0) == Status::kOutOfRange);
  REQUIRE(write(kNone, room, 0, room, abi::kChannelMaxMsgHandles + 1) == Status::kOutOfRange);
  REQUIRE(write(abi::ChannelWriteOptions{4}, room, 1, {}, 0) == Status::kInvalidArgs);
  k.close(b);
  GuestAddr moved = k.user(abi::HandleDisposition{.handle = k.event(), .rights = Rights::kSameRights});
  REQUIRE(write(kNone, room, 1, moved, 1) == Status::kPeerClosed);
  REQUIRE_FALSE(k.valid(k.peek<abi::HandleDisposition>(moved).handle));
}

}  // namespace
}  // namespace jacinth::kernel
