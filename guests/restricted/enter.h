// Entering restricted mode as if it were a function, and code to run there.
#pragma once

#include <zircon/syscalls-next.h>

#include "guests/lib/guest.h"

namespace guest {

inline void set_restricted_state(const zx_restricted_state_t& state) {
  expect_ok(zx_restricted_write_state(&state, sizeof state));
}

inline zx_restricted_state_t restricted_state() {
  zx_restricted_state_t state = {};
  expect_ok(zx_restricted_read_state(&state, sizeof state));
  return state;
}

}  // namespace guest

#if defined(__x86_64__)

/// Saves what a function has to save, enters, and returns ZX_OK with the reason when restricted mode ends.
extern "C" zx_status_t enter_restricted(uint64_t* reason);

// The way back finds nothing but the context, which is the stack pointer of the way in.
asm(R"(
  .text
  .globl enter_restricted
enter_restricted:
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  push %rdi
  mov %rsp, %rdx
  xor %edi, %edi
  lea 1f(%rip), %rsi
  call zx_restricted_enter
  pop %rdi
  jmp 2f
1:
  mov %rdi, %rsp
  pop %rdx
  mov %rsi, (%rdx)
  xor %eax, %eax
2:
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret
)");

#endif
