/* zx_profile_create. */
#pragma once

#include <zircon/generated/profile.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/scheduler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef struct zx_profile_info {
  uint32_t flags; /* ZX_PROFILE_INFO_FLAG_*: which of the rest counts */
  uint8_t padding1[4];
  union {
    struct {
      int32_t priority;
      uint8_t padding2[20];
    };
    zx_sched_deadline_params_t deadline_params;
  };
  zx_cpu_set_t cpu_affinity_mask;
} zx_profile_info_t;

__END_CDECLS
