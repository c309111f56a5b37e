// Calls that never reach the kernel under their own name: the vDSO answers them, or makes others (kernel/vdso).
#include <array>

#include "kernel/syscalls/families.h"

namespace jacinth::kernel {
namespace {

constexpr auto kRows = std::to_array<Row>({
    {"zx_cache_flush", nullptr, Support::kFull, "By the instructions that guests may use for it."},
    {"zx_channel_call", nullptr, Support::kFull, "channel_call_noretry, then channel_call_finish after suspensions."},
    {"zx_channel_call_etc", nullptr, Support::kFull,
     "channel_call_etc_noretry, then channel_call_etc_finish after suspensions."},
    {"zx_clock_get_monotonic", nullptr, Support::kFull, "Traps, so that the only clock is the virtual one."},
    {"zx_cprng_draw", nullptr, Support::kFull, "cprng_draw_once for every 256 bytes; a bad buffer crashes the caller."},
    {"zx_deadline_after", nullptr, Support::kFull, "Saturates at both ends."},
    {"zx_exception_get_string", nullptr, Support::kFull, "A name of July 2020."},
    {"zx_futex_wake_handle_close_thread_exit", nullptr, Support::kFull,
     "Stores, wakes, closes and exits without touching the stack."},
    {"zx_socket_shutdown", nullptr, Support::kFull, "A name of July 2020 for socket_set_disposition."},
    {"zx_status_get_string", nullptr, Support::kFull, "The name of a status."},
    {"zx_system_get_dcache_line_size", nullptr, Support::kFull, "A constant of the machine."},
    {"zx_system_get_features", nullptr, Support::kFull, "What the model of the processor has."},
    {"zx_system_get_num_cpus", nullptr, Support::kFull, "As many as the machine has (--cpus)."},
    {"zx_system_get_page_size", nullptr, Support::kFull, "4096."},
    {"zx_system_get_physmem", nullptr, Support::kFull, "The machine's RAM (--ram)."},
    {"zx_system_get_version", nullptr, Support::kFull, "A name of July 2020: copies the version string."},
    {"zx_system_get_version_string", nullptr, Support::kFull, "Names Jacinth and its version."},
    {"zx_ticks_get", nullptr, Support::kFull, "Traps, so that the only clock is the virtual one."},
    {"zx_ticks_per_second", nullptr, Support::kFull, "A tick is a nanosecond of virtual time."},
    {"zx_vcpu_resume", nullptr, Support::kAbsent, "A name of July 2020 for vcpu_enter."},
    {"zx_vmar_unmap_handle_close_thread_exit", nullptr, Support::kFull,
     "Unmaps, closes and exits without touching the stack."},
});

}  // namespace

std::span<const Row> vdso_rows() { return kRows; }

}  // namespace jacinth::kernel
