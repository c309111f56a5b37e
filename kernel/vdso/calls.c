/* Calls that the vDSO answers itself, or that take more than one trap.
 *
 * The two calls that end the thread without touching its stack are in sequences_*.S, the plain traps in the generated
 * stubs. Calls of the July 2020 SDK that the table no longer has stand at the end. */
#include "kernel/vdso/vdso.h"

/* The block that the kernel fills in; in a section of its own so that the build can tell where it lies. */
__attribute__((section(".rodata.constants"), used)) const volatile struct VdsoConstants vdso_constants = {0};

/* A channel_call interrupted by suspension stays registered on its thread; the second trap resumes it, and its
 * deadline is absolute, so that no wait grows by being interrupted. */
VDSO_CALL(zx_status_t, channel_call,
          (zx_handle_t handle, uint32_t options, zx_time_t deadline, const ChannelCallArgs* args,
           uint32_t* actual_bytes, uint32_t* actual_handles)) {
  zx_status_t status = trap_channel_call_noretry(handle, options, deadline, args, actual_bytes, actual_handles);
  while (status == ZX_ERR_INTERNAL_INTR_RETRY) {
    status = trap_channel_call_finish(deadline, args, actual_bytes, actual_handles);
  }
  return status;
}

VDSO_CALL(zx_status_t, channel_call_etc,
          (zx_handle_t handle, uint32_t options, zx_time_t deadline, ChannelCallArgs* args, uint32_t* actual_bytes,
           uint32_t* actual_handles)) {
  zx_status_t status = trap_channel_call_etc_noretry(handle, options, deadline, args, actual_bytes, actual_handles);
  while (status == ZX_ERR_INTERNAL_INTR_RETRY) {
    status = trap_channel_call_etc_finish(deadline, args, actual_bytes, actual_handles);
  }
  return status;
}

/* ZX_CPRNG_DRAW_MAX_LEN: what one trap draws at most. The call has no way to fail but a bad buffer, and then the
 * caller crashes here, where the backtrace names it. */
VDSO_CALL(void, cprng_draw, (void* buffer, size_t size)) {
  const size_t kDrawMax = 256;
  for (uint8_t* at = buffer; size > 0;) {
    size_t chunk = size < kDrawMax ? size : kDrawMax;
    if (trap_cprng_draw_once(at, chunk) != ZX_OK) __builtin_trap();
    at += chunk;
    size -= chunk;
  }
}

/* Saturates at both ends: a deadline "infinitely" far away never wraps into the past. */
VDSO_CALL(zx_time_t, deadline_after, (zx_duration_t nanoseconds)) {
  zx_time_t deadline;
  if (__builtin_add_overflow(trap_clock_get_monotonic_via_kernel(), nanoseconds, &deadline)) {
    return nanoseconds < 0 ? INT64_MIN : ZX_TIME_INFINITE;
  }
  return deadline;
}

VDSO_CALL(zx_ticks_t, ticks_per_second, (void)) { return vdso_constants.ticks_per_second; }

VDSO_CALL(uint32_t, system_get_num_cpus, (void)) { return vdso_constants.num_cpus; }

VDSO_CALL(uint32_t, system_get_page_size, (void)) { return vdso_constants.page_size; }

VDSO_CALL(uint32_t, system_get_dcache_line_size, (void)) { return vdso_constants.dcache_line_size; }

VDSO_CALL(uint64_t, system_get_physmem, (void)) { return vdso_constants.physmem; }

VDSO_CALL(zx_string_view_t, system_get_version_string, (void)) {
  zx_string_view_t version = {(const char*)vdso_constants.version_string, vdso_constants.version_string_length};
  return version;
}

/* ZX_FEATURE_KIND_*. Address tagging (kind 3) is a feature that no board of ours has. */
VDSO_CALL(zx_status_t, system_get_features, (uint32_t kind, uint32_t* features)) {
  switch (kind) {
    case 0:
      if ((vdso_constants.features_cpu & 1) == 0) return ZX_ERR_NOT_SUPPORTED;
      *features = vdso_constants.features_cpu;
      return ZX_OK;
    case 1: *features = vdso_constants.features_hw_breakpoints; return ZX_OK;
    case 2: *features = vdso_constants.features_hw_watchpoints; return ZX_OK;
    case 4: *features = vdso_constants.features_vm; return ZX_OK;
    default: return ZX_ERR_NOT_SUPPORTED;
  }
}

/* --- July 2020 only ------------------------------------------------------------------------------------------- */

/* Became zx_system_get_version_string. */
VDSO_CALL(zx_status_t, system_get_version, (char* version, size_t version_size)) {
  size_t size = vdso_constants.version_string_length + 1;
  if (version_size < size) return ZX_ERR_BUFFER_TOO_SMALL;
  for (size_t i = 0; i < size; ++i) version[i] = vdso_constants.version_string[i];
  return ZX_OK;
}

/* Became zx_socket_set_disposition: what ended one's own writing now disables it, what ended reading disables the
 * peer's writing. From programs of that time the newer call asks for the right that the older did. */
VDSO_CALL(zx_status_t, socket_shutdown, (zx_handle_t handle, uint32_t options)) {
  const uint32_t kShutdownWrite = 1, kShutdownRead = 2, kWriteDisabled = 1;
  if ((options & ~(kShutdownWrite | kShutdownRead)) != 0) return ZX_ERR_INVALID_ARGS;
  return trap_socket_set_disposition(handle, (options & kShutdownWrite) != 0 ? kWriteDisabled : 0,
                                     (options & kShutdownRead) != 0 ? kWriteDisabled : 0);
}
