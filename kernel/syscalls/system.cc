// Calls about the machine as a whole. zircon/kernel/lib/syscalls/system.cc.
#include "kernel/abi/system.h"

#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/kernel.h"

namespace jacinth::kernel {
namespace {

/// The events that tell how much memory is left. Whoever holds the root job may ask for them.
Status system_get_event(Call& call, Handle job_handle, abi::SystemEvent kind, UserOut<Handle> out) {
  Rights rights = kind == abi::SystemEvent::kOutOfMemory ? Rights::kManageProcess : Rights::kNone;
  Ref<Job> job = TRY(call.get<Job>(job_handle, rights));
  if (job != call.kernel().root_job()) return Status::kAccessDenied;
  if (kind < abi::SystemEvent::kOutOfMemory || kind > abi::SystemEvent::kImminentOutOfMemory) {
    return Status::kInvalidArgs;
  }
  return call.give(out, call.kernel().system_event(kind), abi::kSystemEventRights);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_system_get_event", bind<system_get_event>, Support::kPartial,
     "The events are there, but memory pressure always counts as normal."},
    {"zx_system_get_performance_info", unsupported, Support::kAbsent, "Every CPU has the same constant speed."},
    {"zx_system_mexec", unsupported, Support::kAbsent, "There is no other kernel to change to."},
    {"zx_system_mexec_payload_get", unsupported, Support::kAbsent, "There is no other kernel to change to."},
    {"zx_system_powerctl", unsupported, Support::kAbsent,
     "The machine has no power control; exit the initial process instead."},
    {"zx_system_set_performance_info", unsupported, Support::kAbsent, "Every CPU has the same constant speed."},
});

}  // namespace

std::span<const Row> system_rows() { return kRows; }

}  // namespace jacinth::kernel
