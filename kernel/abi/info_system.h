// zx_object_get_info: the whole machine, through a resource handle.
#pragma once

#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

enum class InfoCpuFlags : uint32_t { kNone = 0, kOnline = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<InfoCpuFlags> = true;

struct InfoCpuStats {
  uint32_t cpu_number = 0;
  InfoCpuFlags flags = InfoCpuFlags::kNone;
  Duration idle_time;
  uint64_t reschedules = 0;
  uint64_t context_switches = 0;
  uint64_t irq_preempts = 0;
  uint64_t preempts = 0;
  uint64_t yields = 0;
  uint64_t ints = 0;
  uint64_t timer_ints = 0;
  uint64_t timers = 0;
  uint64_t page_faults = 0;
  uint64_t exceptions = 0;
  uint64_t syscalls = 0;
  uint64_t reschedule_ipis = 0;
  uint64_t generic_ipis = 0;
};
static_assert(WireStruct<InfoCpuStats> && sizeof(InfoCpuStats) == 120);

struct InfoKmemStats {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
  uint64_t wired_bytes = 0;
  uint64_t total_heap_bytes = 0;
  uint64_t free_heap_bytes = 0;
  uint64_t vmo_bytes = 0;
  uint64_t mmu_overhead_bytes = 0;
  uint64_t ipc_bytes = 0;
  uint64_t other_bytes = 0;
};
static_assert(WireStruct<InfoKmemStats> && sizeof(InfoKmemStats) == 72);

struct InfoKmemStatsExtended {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;
  uint64_t wired_bytes = 0;
  uint64_t total_heap_bytes = 0;
  uint64_t free_heap_bytes = 0;
  uint64_t vmo_bytes = 0;
  uint64_t vmo_pager_total_bytes = 0;
  uint64_t vmo_pager_newest_bytes = 0;
  uint64_t vmo_pager_oldest_bytes = 0;
  uint64_t vmo_discardable_locked_bytes = 0;
  uint64_t vmo_discardable_unlocked_bytes = 0;
  uint64_t mmu_overhead_bytes = 0;
  uint64_t ipc_bytes = 0;
  uint64_t other_bytes = 0;
};
static_assert(WireStruct<InfoKmemStatsExtended> && sizeof(InfoKmemStatsExtended) == 112);

struct InfoGuestStatsX86 {
  uint32_t cpu_number = 0;
  uint32_t flags = 0;
  uint64_t vm_entries = 0;
  uint64_t vm_exits = 0;
  uint64_t interrupts = 0;
  uint64_t interrupt_windows = 0;
  uint64_t cpuid_instructions = 0;
  uint64_t hlt_instructions = 0;
  uint64_t control_register_accesses = 0;
  uint64_t io_instructions = 0;
  uint64_t rdmsr_instructions = 0;
  uint64_t wrmsr_instructions = 0;
  uint64_t ept_violations = 0;
  uint64_t xsetbv_instructions = 0;
  uint64_t pause_instructions = 0;
  uint64_t vmcall_instructions = 0;
};
static_assert(WireStruct<InfoGuestStatsX86> && sizeof(InfoGuestStatsX86) == 120);

struct InfoGuestStatsArm64 {
  uint32_t cpu_number = 0;
  uint32_t flags = 0;
  uint64_t vm_entries = 0;
  uint64_t vm_exits = 0;
  uint64_t wfi_wfe_instructions = 0;
  uint64_t instruction_aborts = 0;
  uint64_t data_aborts = 0;
  uint64_t system_instructions = 0;
  uint64_t smc_instructions = 0;
  uint64_t interrupts = 0;
};
static_assert(WireStruct<InfoGuestStatsArm64> && sizeof(InfoGuestStatsArm64) == 72);

}  // namespace jacinth::abi
