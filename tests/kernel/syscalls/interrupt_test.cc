// Interrupts that programs trigger, by themselves and through ports (kernel/hw/interrupt.h,
// kernel/syscalls/interrupt.cc).
#include "kernel/hw/interrupt.h"

#include "kernel/abi/interrupt.h"
#include "kernel/hw/resource.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

struct Rig : IpcRig {
  using IpcRig::IpcRig;
  Handle interrupt() { return make("interrupt_create", 0, 0, abi::InterruptOptions::kVirtual); }
  Handle interrupt_port() { return port(abi::PortOptions::kBindToInterrupt); }
  Status trigger(Handle handle, Time when) { return call("interrupt_trigger", handle, 0, when); }
  Status bind(Handle handle, Handle port, uint64_t key = 0, uint32_t options = 0) {
    return call("interrupt_bind", handle, port, key, options);
  }
  Status ack(Handle handle) { return call("interrupt_ack", handle); }
};

TEST_CASE("interrupt_wait sleeps until the interrupt fires and tells when",
          "[zx_interrupt_wait][zx_interrupt_trigger]") {
  Rig k;
  Handle handle = k.interrupt();
  GuestAddr out = k.room(8);
  Made& waiter = k.start(k.thread(), "interrupt_wait", handle, out);
  REQUIRE(waiter.status() == Status::kParked);
  REQUIRE(k.trigger(handle, Time{500}) == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(k.peek<Time>(out) == Time{500});
}

TEST_CASE("an interrupt that fired before is there at once, with the first time", "[zx_interrupt_wait]") {
  Rig k;
  Handle handle = k.interrupt();
  REQUIRE(k.trigger(handle, Time{10}) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{20}) == Status::kOk);
  GuestAddr out = k.room(8);
  REQUIRE(k.call("interrupt_wait", handle, out) == Status::kOk);
  REQUIRE(k.peek<Time>(out) == Time{10});
  // Delivered once; the time of the next is its own. Nobody needs to hear it.
  REQUIRE(k.trigger(handle, Time{30}) == Status::kOk);
  REQUIRE(k.call("interrupt_wait", handle, nullptr) == Status::kOk);
}

TEST_CASE("one thread waits for an interrupt at a time", "[zx_interrupt_wait][zx_interrupt_bind]") {
  Rig k;
  Handle handle = k.interrupt();
  Made& waiter = k.start(k.thread(), "interrupt_wait", handle, nullptr);
  REQUIRE(k.call("interrupt_wait", handle, nullptr) == Status::kBadState);
  REQUIRE(k.bind(handle, k.interrupt_port()) == Status::kBadState);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
}

TEST_CASE("a thread that dies waiting leaves the interrupt to others", "[zx_interrupt_wait]") {
  Rig k;
  Handle handle = k.interrupt();
  Thread& thread = k.thread();
  k.start(thread, "interrupt_wait", handle, nullptr);
  thread.kill();
  k.kernel().settle();
  Made& waiter = k.start(k.thread(), "interrupt_wait", handle, nullptr);
  REQUIRE(waiter.status() == Status::kParked);
}

TEST_CASE("interrupt_destroy ends waits, and nothing works afterwards", "[zx_interrupt_destroy]") {
  Rig k;
  Handle handle = k.interrupt();
  Made& waiter = k.start(k.thread(), "interrupt_wait", handle, nullptr);
  REQUIRE(k.call("interrupt_destroy", handle) == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kCanceled);
  REQUIRE(k.call("interrupt_wait", handle, nullptr) == Status::kCanceled);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kCanceled);
  REQUIRE(k.bind(handle, k.interrupt_port()) == Status::kCanceled);
  REQUIRE(k.ack(handle) == Status::kBadState);
  REQUIRE(k.call("interrupt_destroy", handle) == Status::kOk);
}

TEST_CASE("closing the last handle destroys the interrupt under a waiter", "[zx_interrupt_wait]") {
  Rig k;
  Handle handle = k.interrupt();
  Made& waiter = k.start(k.thread(), "interrupt_wait", handle, nullptr);
  k.close(handle);
  k.run();
  REQUIRE(waiter.status() == Status::kCanceled);
}

TEST_CASE("a bound interrupt comes as a packet, before all others", "[zx_interrupt_bind][zx_port_wait]") {
  Rig k;
  Handle handle = k.interrupt();
  Handle port = k.interrupt_port();
  REQUIRE(k.bind(handle, port, 77) == Status::kOk);
  REQUIRE(k.bind(handle, port, 77) == Status::kAlreadyBound);
  REQUIRE(k.call("interrupt_wait", handle, nullptr) == Status::kBadState);
  REQUIRE(k.queue(port, 1) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{5}) == Status::kOk);
  abi::PortPacket packet = k.packet(port);
  REQUIRE(packet.key == 77);
  REQUIRE(packet.type == abi::PacketType::kInterrupt);
  REQUIRE(packet.status == Status::kOk);
  REQUIRE(packet.interrupt.timestamp == Time{5});
  REQUIRE(packet.interrupt.reserved0 == 0);
  REQUIRE(k.packet(port).key == 1);
}

TEST_CASE("a bound interrupt fires again when it is acknowledged", "[zx_interrupt_ack]") {
  Rig k;
  Handle handle = k.interrupt();
  Handle port = k.interrupt_port();
  REQUIRE(k.ack(handle) == Status::kBadState);
  REQUIRE(k.bind(handle, port) == Status::kOk);
  REQUIRE(k.ack(handle) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{2}) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{3}) == Status::kOk);
  REQUIRE(k.packet(port).interrupt.timestamp == Time{1});
  REQUIRE(k.keys(port).empty());

  REQUIRE(k.ack(handle) == Status::kOk);  // What fired meanwhile, with the first time.
  REQUIRE(k.packet(port).interrupt.timestamp == Time{2});
  REQUIRE(k.ack(handle) == Status::kOk);
  REQUIRE(k.keys(port).empty());
  REQUIRE(k.trigger(handle, Time{4}) == Status::kOk);
  REQUIRE(k.packet(port).interrupt.timestamp == Time{4});
}

TEST_CASE("an acknowledgement before the packet was read is a mistake", "[zx_interrupt_ack]") {
  Rig k;
  Handle handle = k.interrupt();
  Handle port = k.interrupt_port();
  REQUIRE(k.bind(handle, port) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{2}) == Status::kOk);
  REQUIRE(k.ack(handle) == Status::kBadState);
  REQUIRE(k.keys(port).size() == 1);
}

TEST_CASE("destroying a bound interrupt takes its packet back", "[zx_interrupt_destroy]") {
  Rig k;
  Handle port = k.interrupt_port();
  Handle unread = k.interrupt();
  REQUIRE(k.bind(unread, port) == Status::kOk);
  REQUIRE(k.trigger(unread, Time{1}) == Status::kOk);
  REQUIRE(k.call("interrupt_destroy", unread) == Status::kOk);
  REQUIRE(k.keys(port).empty());

  Handle read = k.interrupt();
  REQUIRE(k.bind(read, port) == Status::kOk);
  REQUIRE(k.trigger(read, Time{1}) == Status::kOk);
  REQUIRE(k.keys(port).size() == 1);
  REQUIRE(k.call("interrupt_destroy", read) == Status::kNotFound);
  REQUIRE(k.trigger(read, Time{1}) == Status::kCanceled);
  REQUIRE(k.ack(read) == Status::kCanceled);
}

TEST_CASE("unbinding takes the packet back and leaves the interrupt to wait for", "[zx_interrupt_bind]") {
  Rig k;
  Handle handle = k.interrupt();
  Handle port = k.interrupt_port();
  REQUIRE(k.bind(handle, port, 0, 1) == Status::kNotFound);
  REQUIRE(k.bind(handle, port) == Status::kOk);
  REQUIRE(k.bind(handle, k.interrupt_port(), 0, 1) == Status::kNotFound);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kOk);
  REQUIRE(k.bind(handle, port, 0, 1) == Status::kOk);
  REQUIRE(k.keys(port).empty());
  REQUIRE(k.trigger(handle, Time{2}) == Status::kOk);
  GuestAddr out = k.room(8);
  REQUIRE(k.call("interrupt_wait", handle, out) == Status::kOk);
  REQUIRE(k.peek<Time>(out) == Time{2});
}

TEST_CASE("a port that is gone takes no packets, and the interrupt does not mind", "[zx_interrupt_trigger]") {
  Rig k;
  Handle handle = k.interrupt();
  Handle port = k.interrupt_port();
  REQUIRE(k.bind(handle, port) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kOk);
  k.close(port);
  REQUIRE(k.ack(handle) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{2}) == Status::kOk);
}

TEST_CASE("interrupts and the packets that they wait in survive a save and load", "[zx_interrupt_bind]") {
  Rig k;
  Handle handle = k.interrupt();
  Handle port = k.interrupt_port();
  REQUIRE(k.bind(handle, port, 9) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kOk);
  REQUIRE(k.trigger(handle, Time{2}) == Status::kOk);
  Handle lonely = k.interrupt();
  Made& waiter = k.start(k.thread(), "interrupt_wait", lonely, nullptr);
  k.reload();
  REQUIRE(k.packet(port).interrupt.timestamp == Time{1});
  REQUIRE(k.ack(handle) == Status::kOk);
  REQUIRE(k.packet(port).interrupt.timestamp == Time{2});
  REQUIRE(k.trigger(lonely, Time{3}) == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
}

TEST_CASE("interrupt calls check options, handles, types, rights and pointers",
          "[zx_interrupt_create][zx_interrupt_bind][zx_interrupt_ack][zx_interrupt_wait][zx_interrupt_trigger]"
          "[zx_interrupt_destroy]") {
  Rig k;
  Handle handle = k.interrupt();
  Handle port = k.interrupt_port();
  REQUIRE(k.basic(handle).rights == abi::default_rights(ObjectType::kInterrupt));

  GuestAddr out = k.room(8);
  auto create = [&](Handle resource, uint32_t number, uint32_t options, GuestAddr to) {
    return k.call("interrupt_create", resource, number, options, to);
  };
  REQUIRE(create(Handle{0}, 0, 0x12, out) == Status::kInvalidArgs);  // A mode, of a virtual one.
  REQUIRE(create(Handle{0}, 0, 0x10, IpcRig::kNowhere) == Status::kInvalidArgs);
  // One of the machine's needs the right to it.
  REQUIRE(create(Handle{0}, 40, 0, out) == Status::kBadHandle);
  REQUIRE(create(port, 40, 0, out) == Status::kWrongType);
  Handle resource =
      k.handle(*Resource::create(k.core(), abi::ResourceKind::kIrq, 50, 1, abi::ResourceFlags::kNone, "irq"));
  REQUIRE(create(resource, 40, 0, out) == Status::kOutOfRange);
  REQUIRE(create(resource, 50, 0, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(create(resource, 50, 0, out) == Status::kOk);

  REQUIRE(k.bind(handle, port, 0, 2) == Status::kInvalidArgs);
  REQUIRE(k.bind(IpcRig::kBad, port) == Status::kBadHandle);
  REQUIRE(k.bind(handle, IpcRig::kBad) == Status::kBadHandle);
  REQUIRE(k.bind(port, port) == Status::kWrongType);
  REQUIRE(k.bind(handle, handle) == Status::kWrongType);
  REQUIRE(k.bind(handle, k.port()) == Status::kWrongType);
  REQUIRE(k.bind(k.handle(k.object<Object>(handle), Rights::kWrite), port) == Status::kAccessDenied);
  REQUIRE(k.bind(handle, k.handle(k.object<Object>(port), Rights::kRead)) == Status::kAccessDenied);

  for (auto name : {"interrupt_ack", "interrupt_destroy"}) {
    REQUIRE(k.call(name, IpcRig::kBad) == Status::kBadHandle);
    REQUIRE(k.call(name, port) == Status::kWrongType);
  }
  Handle weak = k.handle(k.object<Object>(handle), Rights::kNone);
  REQUIRE(k.ack(weak) == Status::kAccessDenied);
  REQUIRE(k.call("interrupt_wait", weak, nullptr) == Status::kAccessDenied);
  REQUIRE(k.call("interrupt_wait", port, nullptr) == Status::kWrongType);
  REQUIRE(k.trigger(weak, Time{1}) == Status::kAccessDenied);
  REQUIRE(k.trigger(port, Time{1}) == Status::kWrongType);
  REQUIRE(k.call("interrupt_trigger", handle, 1, Time{1}) == Status::kInvalidArgs);
  REQUIRE(k.trigger(handle, Time{1}) == Status::kOk);
  REQUIRE(k.call("interrupt_wait", handle, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.call("interrupt_destroy", weak) == Status::kOk);  // No right is needed.
}

TEST_CASE("a hardware interrupt is one input of the board's controller, for one program at a time",
          "[zx_interrupt_create]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Rig k(arch);
    uint32_t count = arch == Arch::kArm64 ? 288 : 24;
    Handle inputs = k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kIrq, "all"));
    auto create = [&](uint32_t vector, abi::InterruptOptions options = abi::InterruptOptions::kNone) {
      return k.call("interrupt_create", inputs, vector, options, k.room(4));
    };
    Handle mine = k.make("interrupt_create", inputs, 20, 0);
    REQUIRE(create(20) == Status::kAlreadyBound);
    REQUIRE(create(count - 1) == Status::kOk);
    REQUIRE(create(count) == Status::kInvalidArgs);
    REQUIRE(k.call("interrupt_create", Handle{0}, 21, 0, k.room(4)) == Status::kBadHandle);
    REQUIRE(k.call("interrupt_create", k.event(), 21, 0, k.room(4)) == Status::kWrongType);
    // What the kernel itself listens to.
    REQUIRE(create(arch == Arch::kArm64 ? 33 : 4) == Status::kAlreadyBound);

    REQUIRE(k.trigger(mine, Time{5}) == Status::kBadState);
    REQUIRE(k.bind(mine, k.interrupt_port()) == Status::kOk);
    REQUIRE(k.call("interrupt_destroy", mine) == Status::kOk);
    REQUIRE(create(20) == Status::kOk);
    k.reload();
    REQUIRE(create(20) == Status::kAlreadyBound);
    REQUIRE(k.core().counter("dispatcher.interrupt_event.create") == 3);
    k.close(mine);
    REQUIRE(k.core().counter("dispatcher.interrupt_event.destroy") == 1);
  }
}

TEST_CASE("a hardware interrupt fires in the modes that its controller has", "[zx_interrupt_create]") {
  using enum abi::InterruptOptions;
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Rig k(arch);
    Handle inputs = k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kIrq, "all"));
    uint32_t first = arch == Arch::kArm64 ? 40 : 10;
    auto create = [&](abi::InterruptOptions options, uint32_t vector) {
      return k.call("interrupt_create", inputs, vector, options, k.room(4));
    };
    REQUIRE(create(kModeEdgeHigh, first) == Status::kOk);
    REQUIRE(create(kModeLevelHigh | kRemapIrq, first + 1) == Status::kOk);
    Status low = arch == Arch::kArm64 ? Status::kNotSupported : Status::kOk;
    REQUIRE(create(kModeEdgeLow, first + 2) == low);
    REQUIRE(create(kModeLevelLow, first + 3) == low);
    REQUIRE(create(kModeEdgeBoth, first + 4) == Status::kInvalidArgs);
    REQUIRE(create(abi::InterruptOptions{0x20}, first + 4) == Status::kInvalidArgs);
    // Each processor has its own of these, as they are.
    if (arch == Arch::kArm64) REQUIRE(create(kModeEdgeHigh, 20) == Status::kInvalidArgs);
  }
}

}  // namespace
}  // namespace jacinth::kernel
