/* Where a process begins on arm64: x0 = bootstrap channel, x1 = base of the vDSO, sp = 16n, everything else zero. */
  .section .text._start, "ax", @progbits
  .globl _start
  .type _start, %function
_start:
  .cfi_startproc
  .cfi_undefined x30  /* The outermost frame: nothing called us. */
  mov x29, #0
  mov x30, #0
  bl guest_start
  brk #1
  .cfi_endproc
  .size _start, . - _start

/* A call of the vDSO: jumps to where guest_link_vdso() found it. Arguments stay where they are, on the stack too.
 * The entry in `vdso_calls` lives and dies with its jump, so that a program looks up only what it calls. */
.macro VDSO_JUMP name
  .section .text.\name, "ax", @progbits
  .globl \name
  .type \name, %function
\name:
  adrp x16, 0f
  ldr x16, [x16, :lo12:0f]
  br x16
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
