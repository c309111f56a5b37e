/* zx_thread_read_state and zx_thread_write_state, for the architecture that is compiled for. */
#pragma once

#include <zircon/generated/debug.h>
#include <zircon/types.h>

__BEGIN_CDECLS

#if defined(__x86_64__)

typedef struct zx_thread_state_general_regs {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rip, rflags;
  uint64_t fs_base, gs_base;
} zx_thread_state_general_regs_t;

typedef struct zx_thread_state_fp_regs {
  uint16_t fcw;
  uint16_t fsw;
  uint8_t ftw;
  uint8_t reserved;
  uint16_t fop;
  uint64_t fip;
  uint64_t fdp;
  uint8_t padding1[8];
  struct {
    uint64_t low, high;
  } st[8];
} zx_thread_state_fp_regs_t;

typedef struct zx_thread_state_vector_regs {
  struct {
    uint64_t v[8];
  } zmm[32];
  uint64_t opmask[8];
  uint32_t mxcsr;
  uint8_t padding1[4];
} zx_thread_state_vector_regs_t;

typedef struct zx_thread_state_debug_regs {
  uint64_t dr[4];
  uint64_t dr6;
  uint64_t dr7;
} zx_thread_state_debug_regs_t;

#elif defined(__aarch64__)

typedef struct zx_thread_state_general_regs {
  uint64_t r[30];
  uint64_t lr;
  uint64_t sp;
  uint64_t pc;
  uint64_t cpsr;
  uint64_t tpidr;
} zx_thread_state_general_regs_t;

typedef struct zx_thread_state_fp_regs {
  uint32_t unused; /* floating point is in the vector registers */
} zx_thread_state_fp_regs_t;

typedef struct zx_thread_state_vector_regs {
  uint32_t fpcr;
  uint32_t fpsr;
  struct {
    uint64_t low, high;
  } v[32];
} zx_thread_state_vector_regs_t;

#define AARCH64_MAX_HW_BREAKPOINTS 16
#define AARCH64_MAX_HW_WATCHPOINTS 16

typedef struct zx_thread_state_debug_regs {
  struct {
    uint32_t dbgbcr;
    uint8_t padding1[4];
    uint64_t dbgbvr;
  } hw_bps[AARCH64_MAX_HW_BREAKPOINTS];
  struct {
    uint32_t dbgwcr;
    uint8_t padding1[4];
    uint64_t dbgwvr;
  } hw_wps[AARCH64_MAX_HW_WATCHPOINTS];
  uint64_t far;
  uint32_t esr;
  uint8_t hw_bps_count;
  uint8_t hw_wps_count;
  uint8_t padding1[2];
} zx_thread_state_debug_regs_t;

#endif

typedef uint32_t zx_thread_state_single_step_t;

__END_CDECLS
