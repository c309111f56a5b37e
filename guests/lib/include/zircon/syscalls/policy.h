/* zx_job_set_policy. */
#pragma once

#include <zircon/generated/policy.h>
#include <zircon/types.h>

/* The topic's name from before there were two versions. */
#define ZX_JOB_POL_BASIC ZX_JOB_POL_BASIC_V1

__BEGIN_CDECLS

typedef struct zx_policy_basic_v1 {
  uint32_t condition;
  uint32_t policy;
} zx_policy_basic_v1_t;

typedef struct zx_policy_basic_v2 {
  uint32_t condition;
  uint32_t action;
  uint32_t flags;
} zx_policy_basic_v2_t;

typedef zx_policy_basic_v1_t zx_policy_basic;
typedef zx_policy_basic_v1_t zx_policy_basic_t;

typedef struct zx_policy_timer_slack {
  zx_duration_t min_slack;
  uint32_t default_mode;
  uint8_t padding1[4];
} zx_policy_timer_slack_t;

__END_CDECLS
