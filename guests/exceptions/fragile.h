// A load that a handler can make good: where it is in a program's code, and how long.
#pragma once

#include "guests/lib/guest.h"

/// Returns what lies at `address`.
extern "C" uint64_t fragile_load(const volatile uint64_t* address);

#if defined(__aarch64__)
constexpr uint64_t kLoadSize = 4;
asm(R"(
  .text
  .globl fragile_load
fragile_load:
  ldr x0, [x0]
  ret
)");
#else
constexpr uint64_t kLoadSize = 3;
asm(R"(
  .text
  .globl fragile_load
fragile_load:
  movq (%rdi), %rax
  retq
)");
#endif

// The general registers by names that both architectures have.
inline uint64_t& pc_of(zx_thread_state_general_regs_t& regs) {
#if defined(__aarch64__)
  return regs.pc;
#else
  return regs.rip;
#endif
}
inline uint64_t& result_of(zx_thread_state_general_regs_t& regs) {
#if defined(__aarch64__)
  return regs.r[0];
#else
  return regs.rax;
#endif
}
inline uint64_t& argument_of(zx_thread_state_general_regs_t& regs) {
#if defined(__aarch64__)
  return regs.r[0];
#else
  return regs.rdi;
#endif
}
