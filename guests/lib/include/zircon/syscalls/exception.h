/* Exceptions: what happened, and the message that says so. */
#pragma once

#include <zircon/generated/exception.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* Raised by the processor, not by the kernel itself. */
#define ZX_EXCP_IS_ARCH(excp) (((excp)&ZX_EXCP_SYNTH) == 0)

typedef struct zx_exception_info {
  zx_koid_t pid;
  zx_koid_t tid;
  zx_excp_type_t type;
  uint8_t padding1[4];
} zx_exception_info_t;

typedef struct zx_x86_64_exc_data {
  uint64_t vector;
  uint64_t err_code;
  uint64_t cr2;
} zx_x86_64_exc_data_t;

typedef struct zx_arm64_exc_data {
  uint32_t esr;
  uint8_t padding1[4];
  uint64_t far;
} zx_arm64_exc_data_t;

typedef struct zx_exception_header {
  uint32_t size;
  zx_excp_type_t type;
} zx_exception_header_t;

typedef struct zx_exception_context_v1 {
  struct {
    union {
      zx_x86_64_exc_data_t x86_64;
      struct {
        zx_arm64_exc_data_t arm_64;
        uint8_t padding1[8];
      };
    } u;
  } arch;
} zx_exception_context_v1_t;

typedef struct zx_exception_report_v1 {
  zx_exception_header_t header;
  zx_exception_context_v1_t context;
} zx_exception_report_v1_t;

typedef struct zx_exception_context {
  struct {
    union {
      zx_x86_64_exc_data_t x86_64;
      struct {
        zx_arm64_exc_data_t arm_64;
        uint8_t padding1[8];
      };
    } u;
  } arch;
  uint32_t synth_code; /* ZX_EXCP_POLICY_CODE_*, or the status behind a page fault */
  uint32_t synth_data;
} zx_exception_context_t;

typedef struct zx_exception_report {
  zx_exception_header_t header;
  zx_exception_context_t context;
} zx_exception_report_t;

__END_CDECLS
