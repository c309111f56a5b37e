// Ports. zircon/kernel/lib/syscalls/port.cc; waiting for signals through one is in wait.cc.
#include "kernel/ipc/port.h"

#include <array>

#include "kernel/syscalls/families.h"

namespace jacinth::kernel {
namespace {

using abi::KtraceEvent;

Status port_create(Call& call, abi::PortOptions options, UserOut<Handle> out) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewPort));
  if (!within(options, abi::PortOptions::kBindToInterrupt)) return Status::kInvalidArgs;
  auto port = make_object<Port>(call.core(), options);
  call.core().trace(KtraceEvent::kPortCreate, abi::raw(port->koid()));
  return call.give(out, port, abi::default_rights(ObjectType::kPort));
}

Status port_queue(Call& call, Handle handle, UserIn<abi::PortPacket> packet) {
  Ref<Port> port = TRY(call.get<Port>(handle, Rights::kWrite));
  Status status = port->queue_user(TRY(packet.read()));
  // Whatever the job's policy says. Who handles the exception finds that the call returned kShouldWait.
  if (status == Status::kShouldWait) call.raise(abi::ExceptionPolicyCode::kPortTooManyPackets);
  return status;
}

Status port_wait(Call& call, Handle handle, Time deadline, UserOut<abi::PortPacket> out) {
  Ref<Port> port = TRY(call.get<Port>(handle, Rights::kRead));
  auto done = [&](Status status) {
    if (status != Status::kParked) {
      call.core().trace(KtraceEvent::kPortWaitDone, abi::raw(port->koid()), abi::raw(status));
    }
    return status;
  };
  if (!call.resumed()) call.core().trace(KtraceEvent::kPortWait, abi::raw(port->koid()));
  const abi::PortPacket* packet = port->front();
  if (packet == nullptr) {
    if (call.resumed() && call.woken_with() == Status::kOk) port->count_spurious_wakeup();
    return done(call.park(port->waiters(), BlockReason::kPort, deadline));
  }
  // A packet that cannot be written is lost, as on Zircon; but not while the page for it is on its way.
  Status status = out.write(*packet);
  if (status != Status::kParked) port->pop_front();
  return done(status);
}

Status port_cancel(Call& call, Handle handle, Handle source, uint64_t key) {
  Ref<Port> port = TRY(call.get<Port>(handle, Rights::kWrite));
  HandleEntry watched = TRY(call.entry(source, Rights::kWait));
  if (!watched.object->waitable()) return Status::kNotSupported;
  return port->cancel(call.handles().id(source), key);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_port_cancel", bind<port_cancel>, Support::kFull,
     "Removes waits and packets made through that very handle with that key."},
    {"zx_port_create", bind<port_create>, Support::kFull, "With or without ZX_PORT_BIND_TO_INTERRUPT."},
    {"zx_port_queue", bind<port_queue>, Support::kFull,
     "4097 packets of programs fit; one more raises a policy exception, as in 2022."},
    {"zx_port_wait", bind<port_wait>, Support::kFull,
     "Interrupt packets first, then in order; threads wake by priority, then in the order in which they came."},
});

}  // namespace

std::span<const Row> port_rows() { return kRows; }

}  // namespace jacinth::kernel
