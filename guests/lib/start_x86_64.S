/* Where a process begins on x86-64: rdi = bootstrap channel, rsi = base of the vDSO, rsp = 16n - 8 as if called,
 * everything else zero. */
  .section .text._start, "ax", @progbits
  .globl _start
  .type _start, @function
_start:
  .cfi_startproc
  .cfi_undefined %rip  /* The outermost frame: nothing called us. */
  xor %ebp, %ebp
  and $-16, %rsp
  call guest_start
  ud2
  .cfi_endproc
  .size _start, . - _start

/* A call of the vDSO: jumps to where guest_link_vdso() found it. Arguments stay where they are, on the stack too.
 * The entry in `vdso_calls` lives and dies with its jump, so that a program looks up only what it calls. */
.macro VDSO_JUMP name
  .section .text.\name, "ax", @progbits
  .globl \name
  .type \name, @function
\name:
  jmp *0f(%rip)
  .size \name, . - \name
  .globl _\name
  .set _\name, \name
  .section vdso_calls, "awo", @progbits, .text.\name
  .balign 8
0:
  .quad 0
  .quad 1f
  .section .rodata.vdso_names, "ao", @progbits, .text.\name
1:
  .asciz "\name"
.endm

#include "guests/vdso_jumps.inc"

  .section .note.GNU-stack, "", @progbits
