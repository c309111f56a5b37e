// Waiting for signals through calls (kernel/syscalls/wait.cc).
#include "kernel/abi/task.h"
#include "kernel/event/event.h"
#include "kernel/ipc/port.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

constexpr Time kNever = Time::never();

struct Rig : IpcRig {
  GuestAddr seen = user(Signals{0x1234});
  Made& wait(Handle handle, Signals signals, Time deadline = kNever) {
    poke(seen, Signals{0x1234});
    return start(thread(), "object_wait_one", handle, signals, deadline, seen);
  }
  Signals observed() { return peek<Signals>(seen); }

  GuestAddr items(const std::vector<std::pair<Handle, Signals>>& wanted) {
    GuestAddr at = room(wanted.size() * sizeof(abi::WaitItem) + 1);
    for (size_t i = 0; i < wanted.size(); ++i) {
      poke(at + i * sizeof(abi::WaitItem),
           abi::WaitItem{.handle = wanted[i].first, .waitfor = wanted[i].second, .pending = Signals{0x1234}});
    }
    return at;
  }
  Signals pending(GuestAddr items, size_t index) { return peek<abi::WaitItem>(items, index).pending; }
};

TEST_CASE("wait_one returns at once when a signal is active, whatever the deadline", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  k.signal(event, Signals::kUser0 | Signals::kUser5);
  k.advance_to(Time{1000});
  for (Time deadline : {kNever, Time{0}, Time{-5}, Time::long_ago(), Time{1000}}) {
    Made& waiter = k.wait(event, Signals::kUser0 | Signals::kUser1, deadline);
    REQUIRE(waiter.status() == Status::kOk);
    REQUIRE(k.observed() == (Signals::kUser0 | Signals::kUser5));
  }
}

TEST_CASE("wait_one sleeps until a signal comes and tells all that are active", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  Made& waiter = k.wait(event, Signals::kUser0);
  k.signal(event, Signals::kUser1);
  k.run();
  REQUIRE(waiter.status() == Status::kParked);
  k.signal(event, Signals::kUser0);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(k.observed() == (Signals::kUser0 | Signals::kUser1));
}

TEST_CASE("wait_one sees a signal that is gone before its thread runs", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  Made& waiter = k.wait(event, Signals::kUser0);
  k.signal(event, Signals::kUser0);
  k.signal(event, Signals::kNone, Signals::kUser0);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(k.observed() == Signals::kUser0);
}

TEST_CASE("wait_one times out with the signals of then", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  Made& waiter = k.wait(event, Signals::kUser0, Time{100});
  k.signal(event, Signals::kUser1);
  k.advance_to(Time{99});
  REQUIRE(waiter.status() == Status::kParked);
  k.advance_to(Time{100});
  REQUIRE(waiter.status() == Status::kTimedOut);
  REQUIRE(k.observed() == Signals::kUser1);
}

TEST_CASE("wait_one is canceled when its handle is closed, and only that", "[zx_object_wait_one][zx_handle_close]") {
  Rig k;
  Handle event = k.event();
  Handle other = k.duplicate(event);
  Made& waiter = k.wait(event, Signals::kUser0);
  k.signal(event, Signals::kUser1);
  k.close(other);
  k.run();
  REQUIRE(waiter.status() == Status::kParked);
  k.close(event);
  k.run();
  REQUIRE(waiter.status() == Status::kCanceled);
  REQUIRE(k.observed() == (Signals::kUser1 | Signals::kHandleClosed));
}

TEST_CASE("a moved handle cancels its waits when the message is read, not before",
          "[zx_object_wait_one][zx_channel_read]") {
  Rig k;
  Handle event = k.event();
  Handle other = k.duplicate(event);
  auto [a, b] = k.channel();
  Made& moved = k.wait(event, Signals::kUser0);
  k.send(a, "", {event});
  k.run();
  REQUIRE(moved.status() == Status::kParked);
  k.receive(b);
  k.run();
  REQUIRE(moved.status() == Status::kCanceled);

  Handle again = k.duplicate(other);
  Made& woken = k.wait(again, Signals::kUser0);
  k.send(a, "", {again});
  k.signal(other, Signals::kUser0);
  k.run();
  REQUIRE(woken.status() == Status::kOk);
}

TEST_CASE("wait_one needs no place for what it observed", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  k.signal(event, Signals::kUser0);
  REQUIRE(k.call("object_wait_one", event, Signals::kUser0, Time{0}, nullptr) == Status::kOk);
  REQUIRE(k.call("object_wait_one", event, Signals::kUser0, Time{0}, Rig::kNowhere) == Status::kInvalidArgs);
}

TEST_CASE("wait_one checks handle, right and object", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  auto wait = [&](Handle handle) { return k.call("object_wait_one", handle, Signals::kUser0, Time{0}, nullptr); };
  REQUIRE(wait(Rig::kBad) == Status::kBadHandle);
  REQUIRE(wait(Handle::kInvalid) == Status::kBadHandle);
  REQUIRE(wait(k.without(event, Rights::kWait)) == Status::kAccessDenied);
  REQUIRE(wait(k.port()) == Status::kAccessDenied);
  REQUIRE(wait(k.handle(k.object<Object>(k.port()), Rights::kWait)) == Status::kNotSupported);
}

TEST_CASE("a suspended thread makes its wait again", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  Thread& thread = k.thread();
  Ref<Thread> kept(&thread);
  Made& waiter = k.start(thread, "object_wait_one", event, Signals::kUser0, kNever, nullptr);
  REQUIRE(thread.suspend() == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kInterruptedRetry);
  REQUIRE(k.object<Object>(event)->observers().empty());
  thread.resume();
}

TEST_CASE("a thread that is killed in a wait leaves the object alone", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  Thread& thread = k.thread();
  k.start(thread, "object_wait_one", event, Signals::kUser0, kNever, nullptr);
  REQUIRE(k.object<Object>(event)->observers().size() == 1);
  thread.kill();
  k.kernel().settle();
  REQUIRE(k.object<Object>(event)->observers().empty());
}

TEST_CASE("a thousand threads wait for one event and all wake", "[zx_object_wait_one]") {
  Rig k;
  Handle event = k.event();
  std::vector<Made*> waiters;
  for (int i = 0; i < 1000; ++i) {
    waiters.push_back(&k.start(k.thread(), "object_wait_one", event, Signals::kUser0, kNever, nullptr));
  }
  k.signal(event, Signals::kUser0);
  k.run();
  for (Made* waiter : waiters) REQUIRE(waiter->status() == Status::kOk);
}

TEST_CASE("wait_many fills in every item when one matches", "[zx_object_wait_many]") {
  Rig k;
  Handle a = k.event();
  Handle b = k.event();
  k.signal(b, Signals::kUser4);
  GuestAddr items = k.items({{a, Signals::kUser0}, {b, Signals::kUser1}, {a, Signals::kUser2}});
  Made& waiter = k.start(k.thread(), "object_wait_many", items, 3, kNever);
  REQUIRE(waiter.status() == Status::kParked);
  k.signal(a, Signals::kUser7);
  k.signal(b, Signals::kUser1);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(k.pending(items, 0) == Signals::kUser7);
  REQUIRE(k.pending(items, 1) == (Signals::kUser1 | Signals::kUser4));
  REQUIRE(k.pending(items, 2) == Signals::kUser7);
  REQUIRE(k.peek<abi::WaitItem>(items, 1).handle == b);
  REQUIRE(k.peek<abi::WaitItem>(items, 1).waitfor == Signals::kUser1);
}

TEST_CASE("wait_many puts its items back as they were, whatever became of them meanwhile", "[zx_object_wait_many]") {
  Rig k;
  Handle a = k.event();
  GuestAddr items = k.items({{a, Signals::kUser0}});
  Made& waiter = k.start(k.thread(), "object_wait_many", items, 1, kNever);
  k.poke(items, abi::WaitItem{});
  k.signal(a, Signals::kUser0);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(k.peek<abi::WaitItem>(items).handle == a);
  REQUIRE(k.peek<abi::WaitItem>(items).waitfor == Signals::kUser0);
}

TEST_CASE("wait_many times out with what is pending then", "[zx_object_wait_many]") {
  Rig k;
  Handle a = k.event();
  Handle b = k.event();
  GuestAddr items = k.items({{a, Signals::kUser0}, {b, Signals::kUser0}});
  Made& waiter = k.start(k.thread(), "object_wait_many", items, 2, Time{50});
  k.signal(b, Signals::kUser1);
  k.advance_to(Time{50});
  REQUIRE(waiter.status() == Status::kTimedOut);
  REQUIRE(k.pending(items, 0) == Signals::kNone);
  REQUIRE(k.pending(items, 1) == Signals::kUser1);
}

TEST_CASE("wait_many is canceled when one of its handles closes", "[zx_object_wait_many]") {
  Rig k;
  Handle a = k.event();
  Handle b = k.event();
  GuestAddr items = k.items({{a, Signals::kUser0}, {b, Signals::kUser0}});
  Made& waiter = k.start(k.thread(), "object_wait_many", items, 2, kNever);
  k.signal(b, Signals::kUser2);
  k.close(b);
  k.run();
  REQUIRE(waiter.status() == Status::kCanceled);
  REQUIRE(k.pending(items, 0) == Signals::kNone);
  REQUIRE(k.pending(items, 1) == (Signals::kUser2 | Signals::kHandleClosed));
}

TEST_CASE("a closed handle counts more than a match in wait_many", "[zx_object_wait_many]") {
  Rig k;
  Handle a = k.event();
  Handle b = k.event();
  GuestAddr items = k.items({{a, Signals::kUser0}, {b, Signals::kUser0}});
  Made& waiter = k.start(k.thread(), "object_wait_many", items, 2, kNever);
  k.object<Object>(a)->update_signals(Signals::kNone, Signals::kUser0);
  REQUIRE(k.process()->handles().close(b) == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kCanceled);
  REQUIRE(k.pending(items, 0) == Signals::kUser0);
}

TEST_CASE("wait_many for nothing sleeps until its deadline", "[zx_object_wait_many]") {
  Rig k;
  REQUIRE(k.call("object_wait_many", nullptr, 0, Time{0}) == Status::kTimedOut);
  Made& sleeper = k.start(k.thread(), "object_wait_many", nullptr, 0, Time{70});
  k.advance_to(Time{69});
  REQUIRE(sleeper.status() == Status::kParked);
  k.advance_to(Time{70});
  REQUIRE(sleeper.status() == Status::kTimedOut);
}

TEST_CASE("wait_many takes 64 items and refuses 65", "[zx_object_wait_many]") {
  Rig k;
  Handle event = k.event();
  std::vector<std::pair<Handle, Signals>> wanted(65, {event, Signals::kUser0});
  GuestAddr items = k.items(wanted);
  REQUIRE(k.call("object_wait_many", items, 65, Time{0}) == Status::kOutOfRange);
  REQUIRE(k.call("object_wait_many", items, uint64_t{1} << 40, Time{0}) == Status::kOutOfRange);
  Made& waiter = k.start(k.thread(), "object_wait_many", items, 64, kNever);
  k.signal(event, Signals::kUser0);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(k.pending(items, 63) == Signals::kUser0);
}

TEST_CASE("wait_many checks each item and watches nothing when one is wrong", "[zx_object_wait_many]") {
  Rig k;
  Handle event = k.event();
  auto wait = [&](Handle second) {
    Status status =
        k.call("object_wait_many", k.items({{event, Signals::kUser0}, {second, Signals::kUser0}}), 2, kNever);
    REQUIRE(k.object<Object>(event)->observers().empty());
    return status;
  };
  REQUIRE(wait(Rig::kBad) == Status::kBadHandle);
  REQUIRE(wait(k.port()) == Status::kAccessDenied);
  REQUIRE(wait(k.handle(k.object<Object>(k.port()), Rights::kWait)) == Status::kNotSupported);
  REQUIRE(k.call("object_wait_many", Rig::kNowhere, 1, kNever) == Status::kInvalidArgs);
}

TEST_CASE("wait_async sends one packet when a signal comes", "[zx_object_wait_async][zx_port_wait]") {
  Rig k;
  Handle event = k.event();
  Handle port = k.port();
  k.watch(event, port, 42, Signals::kUser0 | Signals::kUser1);
  REQUIRE(k.keys(port).empty());
  k.signal(event, Signals::kUser1 | Signals::kUser6);
  abi::PortPacket packet = k.packet(port);
  REQUIRE(packet.key == 42);
  REQUIRE(packet.type == abi::PacketType::kSignalOne);
  REQUIRE(packet.status == Status::kOk);
  REQUIRE(packet.signal.trigger == (Signals::kUser0 | Signals::kUser1));
  REQUIRE(packet.signal.observed == (Signals::kUser1 | Signals::kUser6));
  REQUIRE(packet.signal.count == 1);
  REQUIRE(packet.signal.timestamp == Time{0});
  REQUIRE(packet.signal.reserved1 == 0);
  k.signal(event, Signals::kNone, Signals::kUser1);
  k.signal(event, Signals::kUser1);
  REQUIRE(k.keys(port).empty());
}

TEST_CASE("wait_async with a timestamp tells when it matched", "[zx_object_wait_async]") {
  Rig k;
  Handle event = k.event();
  Handle port = k.port();
  k.watch(event, port, 1, Signals::kUser0, abi::WaitAsyncOptions::kTimestamp);
  k.advance_to(Time{500});
  k.signal(event, Signals::kUser0);
  k.watch(event, port, 2, Signals::kUser0, abi::WaitAsyncOptions::kTimestamp);
  k.advance_to(Time{900});
  REQUIRE(k.packet(port).signal.timestamp == Time{500});
  REQUIRE(k.packet(port).signal.timestamp == Time{500});
}

TEST_CASE("wait_async for an edge needs a signal to become active", "[zx_object_wait_async]") {
  Rig k;
  Handle event = k.event();
  Handle port = k.port();
  k.signal(event, Signals::kUser0);
  k.watch(event, port, 1, Signals::kUser0);
  k.watch(event, port, 2, Signals::kUser0, abi::WaitAsyncOptions::kEdge);
  REQUIRE(k.keys(port) == std::vector<uint64_t>{1});
  k.signal(event, Signals::kUser1);
  REQUIRE(k.keys(port).empty());
  k.signal(event, Signals::kNone, Signals::kUser0);
  k.signal(event, Signals::kUser0);
  REQUIRE(k.keys(port) == std::vector<uint64_t>{2});
}

TEST_CASE("wait_async ends silently with its handle", "[zx_object_wait_async][zx_handle_close]") {
  Rig k;
  Handle event = k.event();
  Handle same = k.duplicate(event);
  Handle port = k.port();
  k.watch(same, port, 1, Signals::kUser0);
  k.watch(same, port, 2, Signals::kUser1);
  k.signal(event, Signals::kUser0);
  k.close(same);
  k.signal(event, Signals::kUser1);
  REQUIRE(k.keys(port) == std::vector<uint64_t>{1});
}

TEST_CASE("wait_async checks options, port, handle and rights in the kernel's order", "[zx_object_wait_async]") {
  Rig k;
  Handle event = k.event();
  Handle port = k.port();
  REQUIRE(k.call("object_wait_async", Rig::kBad, Rig::kBad, 0, Signals::kUser0, 1u << 9) == Status::kInvalidArgs);
  REQUIRE(k.wait_async(Rig::kBad, Rig::kBad, 0, Signals::kUser0) == Status::kBadHandle);
  REQUIRE(k.wait_async(Rig::kBad, event, 0, Signals::kUser0) == Status::kWrongType);
  REQUIRE(k.wait_async(Rig::kBad, k.without(k.port(), Rights::kWrite), 0, Signals::kUser0) == Status::kAccessDenied);
  REQUIRE(k.wait_async(Rig::kBad, port, 0, Signals::kUser0) == Status::kBadHandle);
  REQUIRE(k.wait_async(k.port(), port, 0, Signals::kUser0) == Status::kAccessDenied);
  REQUIRE(k.wait_async(k.handle(k.object<Object>(port), Rights::kWait), port, 0, Signals::kUser0) ==
          Status::kNotSupported);
}

TEST_CASE("too many observers raise a policy exception and are registered all the same", "[zx_object_wait_async]") {
  IpcRig k(Arch::kArm64, {{"kernel.port.max-observers", "2"}});
  Handle event = k.event();
  Handle port = k.port();
  k.watch(event, port, 1, Signals::kUser0);
  k.watch(event, port, 2, Signals::kUser0);
  // Nobody handles the exception, which ends the process.
  Ref<Process> process = k.make_process("watcher");
  Handle its_event = k.handle(process, k.object<Object>(event), Rights::kWait);
  Handle its_port = k.handle(process, k.object<Object>(port), Rights::kWrite);
  k.start(*process->threads().begin()->second, "object_wait_async", its_event, its_port, 3, Signals::kUser0, 0);
  k.run();
  REQUIRE(process->dead());
  REQUIRE(k.core().counter("dispatcher.observer.add") == 3);
}

TEST_CASE("a crowded port raises a policy exception for one more wait, and takes it", "[zx_object_wait_async]") {
  IpcRig k(Arch::kArm64, {{"kernel.port.max-observers", "2"}});
  Ref<Process> other = k.make_process();
  Thread& thread = k.make_thread(other);
  auto port = make_object<Port>(k.core(), abi::PortOptions::kNone);
  auto event = make_object<Event>(k.core());
  Handle port_handle = k.handle(other, port, abi::default_rights(ObjectType::kPort));
  Handle watched = k.handle(other, event, abi::default_rights(ObjectType::kEvent));
  auto watch = [&] { return k.call_as(thread, "object_wait_async", watched, port_handle, 1, Signals::kSignaled, 0); };
  REQUIRE(watch() == Status::kOk);
  REQUIRE(watch() == Status::kOk);
  REQUIRE(port->observer_count() == 2);
  REQUIRE_FALSE(other->dead());
  static_cast<void>(watch());
  k.run();
  REQUIRE(other->dead());  // Nobody handles the exception.
  REQUIRE(other->return_code() == static_cast<int64_t>(abi::TaskRetcode::kExceptionKill));
}

TEST_CASE("a program of July 2020 waits as often as it likes", "[zx_object_wait_async]") {
  IpcRig k(Arch::kArm64, {{"kernel.port.max-observers", "2"}});
  k.core().vm().set_july_2020();
  Handle port = k.port();
  for (uint64_t key = 0; key < 10; ++key) k.watch(k.event(), port, key, Signals::kUser0);
  REQUIRE(k.object<Port>(port)->observer_count() == 10);

  // But it knows one option less.
  auto watch = [&](uint32_t options) {
    return k.call("object_wait_async", k.event(), port, 11, Signals::kUser0, options);
  };
  REQUIRE(watch(1) == Status::kOk);
  for (uint32_t options : {2, 3, 4}) REQUIRE(watch(options) == Status::kInvalidArgs);
}

TEST_CASE("waits and packets that find no memory are refused", "[zx_object_wait_async][zx_port_queue]") {
  IpcRig k;
  Handle port = k.port();
  Handle event = k.event();
  GuestAddr packet = k.user(abi::PortPacket{.key = 1});
  k.core().vm().pmm().fail_after(0);
  REQUIRE(k.wait_async(event, port, 1, Signals::kSignaled) == Status::kNoMemory);
  REQUIRE(k.call("port_queue", port, packet) == Status::kNoMemory);
  k.core().vm().pmm().never_fail();
  REQUIRE(k.wait_async(event, port, 1, Signals::kSignaled) == Status::kOk);
  REQUIRE(k.call("port_queue", port, packet) == Status::kOk);
}

}  // namespace
}  // namespace jacinth::kernel
