/* What a vDSO of July 2020 does besides trapping, each thing as that one does it: it reads the counter by itself, calls
 * its stubs as functions, and has its constants in a block of that year's layout. */
#include "kernel/vdso/vdso.h"

enum { kUnfilled = 0xdeadbeef };

struct DataConstants {
  uint32_t num_cpus, features_cpu, features_hw_breakpoints, features_hw_watchpoints, dcache_line_size, icache_line_size;
  uint32_t ticks_per_second[2];
  uint32_t numerator, denominator;
  uint32_t physmem[2];
  uint32_t version_length[2];
  uint32_t version[16];
};
#define TWICE kUnfilled, kUnfilled
#define EIGHT_TIMES TWICE, TWICE, TWICE, TWICE
__attribute__((section(".rodata.constants"), used)) const volatile struct DataConstants DATA_CONSTANTS = {
    kUnfilled, kUnfilled, kUnfilled, kUnfilled, kUnfilled, kUnfilled,
    {TWICE},   kUnfilled, kUnfilled, {TWICE},   {TWICE},   {EIGHT_TIMES, EIGHT_TIMES},
};

/* cache.c looks here. */
const volatile struct VdsoConstants vdso_constants = {.dcache_line_size = 64, .icache_line_size = 64};

static uint64_t both(const volatile uint32_t* halves) { return halves[0] | (uint64_t)halves[1] << 32; }

VDSO_CALL(zx_ticks_t, ticks_get, (void)) {
#ifdef __x86_64__
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (zx_ticks_t)(low | (uint64_t)high << 32);
#else
  uint64_t ticks;
  __asm__ volatile("mrs %0, CNTVCT_EL0" : "=r"(ticks));
  return (zx_ticks_t)ticks;
#endif
}

VDSO_CALL(zx_time_t, clock_get_monotonic, (void)) {
  uint32_t denominator = DATA_CONSTANTS.denominator;
  if (denominator == 0) __builtin_trap();
  return _zx_ticks_get() * DATA_CONSTANTS.numerator / denominator;
}

VDSO_CALL(zx_time_t, deadline_after, (zx_duration_t nanoseconds)) {
  zx_time_t deadline;
  if (!__builtin_add_overflow(_zx_clock_get_monotonic(), nanoseconds, &deadline)) return deadline;
  return nanoseconds < 0 ? INT64_MIN : ZX_TIME_INFINITE;
}

VDSO_CALL(zx_status_t, channel_call,
          (zx_handle_t handle, uint32_t options, zx_time_t deadline, const ChannelCallArgs* args,
           uint32_t* actual_bytes, uint32_t* actual_handles)) {
  zx_status_t status = trap_channel_call_noretry(handle, options, deadline, args, actual_bytes, actual_handles);
  while (status == ZX_ERR_INTERNAL_INTR_RETRY)
    status = trap_channel_call_finish(deadline, args, actual_bytes, actual_handles);
  return status;
}

VDSO_CALL(zx_status_t, channel_call_etc,
          (zx_handle_t handle, uint32_t options, zx_time_t deadline, ChannelCallArgs* args, uint32_t* actual_bytes,
           uint32_t* actual_handles)) {
  zx_status_t status = trap_channel_call_etc_noretry(handle, options, deadline, args, actual_bytes, actual_handles);
  while (status == ZX_ERR_INTERNAL_INTR_RETRY)
    status = trap_channel_call_etc_finish(deadline, args, actual_bytes, actual_handles);
  return status;
}

VDSO_CALL(void, cprng_draw, (void* buffer, size_t size)) {
  for (uint8_t* at = buffer; size > 0;) {
    size_t chunk = size < 256 ? size : 256;
    if (trap_cprng_draw_once(at, chunk) != ZX_OK) __builtin_trap();
    at += chunk;
    size -= chunk;
  }
}

VDSO_CALL(zx_ticks_t, ticks_per_second, (void)) { return (zx_ticks_t)both(DATA_CONSTANTS.ticks_per_second); }
VDSO_CALL(uint32_t, system_get_num_cpus, (void)) { return DATA_CONSTANTS.num_cpus; }
VDSO_CALL(uint32_t, system_get_page_size, (void)) { return 4096; }
VDSO_CALL(uint32_t, system_get_dcache_line_size, (void)) { return DATA_CONSTANTS.dcache_line_size; }
VDSO_CALL(uint64_t, system_get_physmem, (void)) { return both(DATA_CONSTANTS.physmem); }

VDSO_CALL(zx_string_view_t, system_get_version_string, (void)) {
  zx_string_view_t version = {(const char*)DATA_CONSTANTS.version, both(DATA_CONSTANTS.version_length)};
  return version;
}

VDSO_CALL(zx_status_t, system_get_version, (char* version, size_t version_size)) {
  size_t size = both(DATA_CONSTANTS.version_length) + 1;
  if (version_size < size) return ZX_ERR_BUFFER_TOO_SMALL;
  for (size_t i = 0; i < size; ++i) version[i] = ((const volatile char*)DATA_CONSTANTS.version)[i];
  return ZX_OK;
}

VDSO_CALL(zx_status_t, system_get_features, (uint32_t kind, uint32_t* features)) {
  if (kind > 2 || (kind == 0 && (DATA_CONSTANTS.features_cpu & 1) == 0)) return ZX_ERR_NOT_SUPPORTED;
  *features = (&DATA_CONSTANTS.features_cpu)[kind];
  return ZX_OK;
}
