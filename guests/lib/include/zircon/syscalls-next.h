/* Calls that are not settled yet, and what they take. */
#pragma once

#include <zircon/generated/constants-next.h>
#include <zircon/syscalls.h>

__BEGIN_CDECLS

typedef struct zx_vmo_dirty_range {
  uint64_t offset;
  uint64_t length;
  uint64_t options; /* ZX_VMO_DIRTY_RANGE_IS_ZERO */
} zx_vmo_dirty_range_t;

typedef struct zx_pager_vmo_stats {
  uint32_t modified;
} zx_pager_vmo_stats_t;

#if defined(__x86_64__)
typedef struct zx_restricted_state {
  uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t ip, flags;
  uint64_t fs_base, gs_base;
} zx_restricted_state_t;
#elif defined(__aarch64__)
typedef struct zx_restricted_state {
  uint64_t x[31];
  uint64_t sp;
  uint32_t cpsr;
  uint8_t padding1[4];
} zx_restricted_state_t;
#endif

#include <zircon/generated/syscalls-next.h>

__END_CDECLS
