// Interrupts. zircon/kernel/lib/syscalls/ddk.cc.
#include "kernel/hw/interrupt.h"

#include <array>

#include "kernel/abi/interrupt.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/resources.h"

namespace jacinth::kernel {
namespace {

Status interrupt_create(Call& call, Handle resource, uint32_t number, abi::InterruptOptions options,
                        UserOut<Handle> out) {
  if (!contains(options, abi::InterruptOptions::kVirtual)) {
    TRY_STATUS(validate_resource(call, resource, abi::ResourceKind::kIrq, number, 1));
    Ref<Interrupt> interrupt = TRY(Interrupt::create(call.core(), number, options));
    return call.give(out, std::move(interrupt), abi::default_rights(ObjectType::kInterrupt));
  }
  if (options != abi::InterruptOptions::kVirtual) return Status::kInvalidArgs;
  return call.give(out, make_object<Interrupt>(call.core()), abi::default_rights(ObjectType::kInterrupt));
}

Status interrupt_bind(Call& call, Handle handle, Handle port_handle, uint64_t key, abi::InterruptBind options) {
  if (options != abi::InterruptBind::kBind && options != abi::InterruptBind::kUnbind) return Status::kInvalidArgs;
  Ref<Interrupt> interrupt = TRY(call.get<Interrupt>(handle, Rights::kRead));
  Ref<Port> port = TRY(call.get<Port>(port_handle, Rights::kWrite));
  if (!port->takes_interrupts()) return Status::kWrongType;
  return options == abi::InterruptBind::kBind ? interrupt->bind(std::move(port), key) : interrupt->unbind(*port);
}

Status interrupt_ack(Call& call, Handle handle) { return TRY(call.get<Interrupt>(handle, Rights::kWrite))->ack(); }

/// One thread at a time, without a deadline.
Status interrupt_wait(Call& call, Handle handle, UserOut<Time> out) {
  Ref<Interrupt> interrupt = TRY(call.get<Interrupt>(handle, Rights::kWait));
  Result<Time> fired = interrupt->take();
  if (fired.status() == Status::kShouldWait) {
    return call.park(interrupt->waiters(), BlockReason::kInterrupt, Time::never());
  }
  Time when = TRY(std::move(fired));
  return out.null() ? Status::kOk : call.tell(out.address(), std::as_bytes(std::span(&when, 1)));
}

Status interrupt_destroy(Call& call, Handle handle) {
  return TRY(call.get<Interrupt>(handle, Rights::kNone))->destroy();
}

Status interrupt_trigger(Call& call, Handle handle, uint32_t options, Time when) {
  if (options != 0) return Status::kInvalidArgs;
  return TRY(call.get<Interrupt>(handle, Rights::kSignal))->trigger(when);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_interrupt_ack", bind<interrupt_ack>, Support::kFull, "Of interrupts that are bound to a port."},
    {"zx_interrupt_bind", bind<interrupt_bind>, Support::kFull,
     "Binds and unbinds; the packet goes first in its port."},
    {"zx_interrupt_create", bind<interrupt_create>, Support::kFull,
     "Virtual ones, and inputs of the interrupt controller, to which no board has connected a device."},
    {"zx_interrupt_destroy", bind<interrupt_destroy>, Support::kFull,
     "ZX_ERR_NOT_FOUND when its packet was read and never acknowledged."},
    {"zx_interrupt_trigger", bind<interrupt_trigger>, Support::kFull,
     "Of virtual interrupts; hardware ones are ZX_ERR_BAD_STATE."},
    {"zx_interrupt_wait", bind<interrupt_wait>, Support::kFull, "One thread waits at a time."},
});

}  // namespace

std::span<const Row> interrupt_rows() { return kRows; }

}  // namespace jacinth::kernel
