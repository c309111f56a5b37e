// Timers, events and event pairs through calls (kernel/syscalls/{timer,event}.cc).
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

TEST_CASE("timer_create knows one clock and three modes", "[zx_timer_create]") {
  IpcRig k;
  GuestAddr out = k.room(4);
  for (uint32_t mode : {0u, 1u, 2u}) REQUIRE(k.call("timer_create", mode, 0, out) == Status::kOk);
  REQUIRE(k.call("timer_create", 3, 0, out) == Status::kInvalidArgs);
  REQUIRE(k.call("timer_create", 0, 1, out) == Status::kInvalidArgs);
  REQUIRE(k.call("timer_create", 0, 0, IpcRig::kNowhere) == Status::kInvalidArgs);
}

TEST_CASE("timer_set signals at the deadline and can be asked about", "[zx_timer_set][zx_object_get_info]") {
  IpcRig k;
  Handle timer = k.timer(abi::TimerSlack::kEarly);
  REQUIRE(k.call("timer_set", timer, Time{100}, Duration{20}) == Status::kOk);
  GuestAddr out = k.room(sizeof(abi::InfoTimer));
  auto info = [&] {
    REQUIRE(k.call("object_get_info", timer, abi::InfoTopic::kTimer, out, sizeof(abi::InfoTimer), nullptr, nullptr) ==
            Status::kOk);
    return k.peek<abi::InfoTimer>(out);
  };
  REQUIRE(info().options == 1);
  REQUIRE(info().deadline == Time{100});
  REQUIRE(info().slack == Duration{20});

  Made& waiter = k.start(k.thread(), "object_wait_one", timer, Signals::kTimerSignaled, Time::never(), nullptr);
  k.advance_to(Time{99});
  REQUIRE(waiter.status() == Status::kParked);
  k.advance_to(Time{100});
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(info().deadline == Time{0});
  REQUIRE(k.signals(timer) == Signals::kTimerSignaled);
}

TEST_CASE("timer_set checks slack, handle, type and right", "[zx_timer_set]") {
  IpcRig k;
  Handle timer = k.timer();
  auto set = [&](Handle handle, Duration slack) { return k.call("timer_set", handle, Time{1}, slack); };
  REQUIRE(set(IpcRig::kBad, Duration{-1}) == Status::kOutOfRange);
  REQUIRE(set(IpcRig::kBad, Duration{0}) == Status::kBadHandle);
  REQUIRE(set(k.event(), Duration{0}) == Status::kWrongType);
  REQUIRE(set(k.without(timer, Rights::kWrite), Duration{0}) == Status::kAccessDenied);
}

TEST_CASE("timer_cancel takes back deadline and signal", "[zx_timer_cancel]") {
  IpcRig k;
  Handle timer = k.timer();
  REQUIRE(k.call("timer_set", timer, Time{0}, Duration{0}) == Status::kOk);
  REQUIRE(k.signals(timer) == Signals::kTimerSignaled);
  REQUIRE(k.call("timer_cancel", timer) == Status::kOk);
  REQUIRE(k.signals(timer) == Signals::kNone);
  REQUIRE(k.call("timer_set", timer, Time{50}, Duration{0}) == Status::kOk);
  REQUIRE(k.call("timer_cancel", timer) == Status::kOk);
  k.advance_to(Time{60});
  REQUIRE(k.signals(timer) == Signals::kNone);

  REQUIRE(k.call("timer_cancel", IpcRig::kBad) == Status::kBadHandle);
  REQUIRE(k.call("timer_cancel", k.event()) == Status::kWrongType);
  REQUIRE(k.call("timer_cancel", k.without(timer, Rights::kWrite)) == Status::kAccessDenied);
}

TEST_CASE("a timer fires into a port", "[zx_timer_set][zx_object_wait_async]") {
  IpcRig k;
  Handle timer = k.timer();
  Handle port = k.port();
  k.watch(timer, port, 3, Signals::kTimerSignaled, abi::WaitAsyncOptions::kTimestamp);
  REQUIRE(k.call("timer_set", timer, Time{1000}, Duration{0}) == Status::kOk);
  k.advance_to(Time{1000});
  REQUIRE(k.packet(port).signal.timestamp == Time{1000});
}

TEST_CASE("events and event pairs take no options, each in its own words", "[zx_event_create][zx_eventpair_create]") {
  IpcRig k;
  GuestAddr out = k.room(8);
  REQUIRE(k.call("event_create", 1, out) == Status::kInvalidArgs);
  REQUIRE(k.call("event_create", 0, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.call("eventpair_create", 1, out, out + 4) == Status::kNotSupported);
  REQUIRE(k.call("eventpair_create", 0, out, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.call("eventpair_create", 0, IpcRig::kNowhere, out) == Status::kInvalidArgs);
  REQUIRE(k.core().counter("dispatcher.eventpair.create") == k.core().counter("dispatcher.eventpair.destroy"));
  REQUIRE(k.basic(k.event()).rights == abi::default_rights(ObjectType::kEvent));
}

}  // namespace
}  // namespace jacinth::kernel
