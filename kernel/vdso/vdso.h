/* What the C parts of the vDSO share: the few types and constants they need, the constants block, and the traps.
 * Nothing of a C library, and nothing that would need a relocation. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/vdso/constants.h"

typedef int32_t zx_status_t;
typedef uint32_t zx_handle_t;
typedef int64_t zx_time_t;
typedef int64_t zx_duration_t;
typedef int64_t zx_ticks_t;
typedef struct {
  const char* c_str;
  size_t length;
} zx_string_view_t;

enum {
  ZX_OK = 0,
  ZX_ERR_NOT_SUPPORTED = -2,
  ZX_ERR_INTERNAL_INTR_RETRY = -6,
  ZX_ERR_INVALID_ARGS = -10,
  ZX_ERR_BUFFER_TOO_SMALL = -15,
};

#define ZX_TIME_INFINITE INT64_MAX

#pragma GCC visibility push(hidden)

/* The kernel writes through its own mapping of the page, so the compiler must load the values each time. */
extern const volatile struct VdsoConstants vdso_constants;

/* Defines a public call: strong `_zx_<name>`, and weak `zx_<name>` that a program may override. */
#define VDSO_CALL(result, name, parameters)                                                      \
  __attribute__((visibility("default"))) result _zx_##name parameters;                           \
  __attribute__((visibility("default"), weak, alias("_zx_" #name))) result zx_##name parameters; \
  result _zx_##name parameters

/* Traps that only the vDSO makes (stubs.S): each returns what the kernel returned, retry codes included. */
typedef struct ChannelCallArgs ChannelCallArgs;
zx_status_t trap_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                      const ChannelCallArgs* args, uint32_t* actual_bytes, uint32_t* actual_handles);
zx_status_t trap_channel_call_finish(zx_time_t deadline, const ChannelCallArgs* args, uint32_t* actual_bytes,
                                     uint32_t* actual_handles);
zx_status_t trap_channel_call_etc_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                          ChannelCallArgs* args, uint32_t* actual_bytes, uint32_t* actual_handles);
zx_status_t trap_channel_call_etc_finish(zx_time_t deadline, ChannelCallArgs* args, uint32_t* actual_bytes,
                                         uint32_t* actual_handles);
zx_status_t trap_cprng_draw_once(void* buffer, size_t size);
zx_time_t trap_clock_get_monotonic_via_kernel(void);
zx_status_t trap_socket_set_disposition(zx_handle_t handle, uint32_t disposition, uint32_t disposition_peer);

#pragma GCC visibility pop
