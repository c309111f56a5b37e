/* How a deadline thread is scheduled. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

typedef struct zx_sched_deadline_params {
  zx_duration_t capacity;
  zx_duration_t relative_deadline;
  zx_duration_t period;
} zx_sched_deadline_params_t;

__END_CDECLS
