/* Power, performance. */
#pragma once

#include <zircon/generated/system.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef struct zx_system_powerctl_arg {
  union {
    struct {
      uint8_t target_s_state;
      uint8_t sleep_type_a;
      uint8_t sleep_type_b;
      uint8_t padding1[9];
    } acpi_transition_s_state;
    struct {
      uint32_t power_limit;
      uint32_t time_window;
      uint8_t clamp;
      uint8_t enable;
      uint8_t padding2[2];
    } x86_power_limit;
  };
} zx_system_powerctl_arg_t;

typedef struct zx_cpu_performance_scale {
  uint32_t integral_part;
  uint32_t fractional_part;
} zx_cpu_performance_scale_t;

typedef struct zx_cpu_performance_info {
  uint32_t logical_cpu_number;
  zx_cpu_performance_scale_t performance_scale;
} zx_cpu_performance_info_t;

__END_CDECLS
