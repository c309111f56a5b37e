/* A program to read symbols of: never run. Each line that a test asks for is marked by a symbol of its own. */

int global;

static inline __attribute__((always_inline)) int inlined(int a) {
  __asm__ volatile(".globl inlined_place\ninlined_place: nop" ::: "memory");
  return a + global;
}

__attribute__((noinline)) int outer(int a) {
  int b = inlined(a);
  __asm__ volatile(".globl outer_place\nouter_place: nop" ::: "memory");
  return b * 2;
}

/* What assembly looks like: no size, no line, call frame rules written by hand. */
#if defined(__x86_64__)
__asm__(
    ".text\n.globl by_hand, in_frame, after_frame\n"
    "by_hand: .cfi_startproc\n"
    "push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_offset rbx, -16\n"
    "sub $0x20, %rsp\n.cfi_adjust_cfa_offset 0x20\n"
    "in_frame: nop\n"
    "add $0x20, %rsp\n.cfi_adjust_cfa_offset -0x20\n"
    "pop %rbx\n.cfi_adjust_cfa_offset -8\n.cfi_restore rbx\n"
    "after_frame: ret\n.cfi_endproc\n");
#else
__asm__(
    ".text\n.globl by_hand, in_frame, after_frame\n"
    "by_hand: .cfi_startproc\n"
    "stp x19, x30, [sp, #-0x30]!\n.cfi_adjust_cfa_offset 0x30\n.cfi_offset x19, -0x30\n.cfi_offset x30, -0x28\n"
    "in_frame: nop\n"
    "ldp x19, x30, [sp], #0x30\n.cfi_adjust_cfa_offset -0x30\n.cfi_restore x19\n.cfi_restore x30\n"
    "after_frame: ret\n.cfi_endproc\n");
#endif

int by_hand(void);

/* One place, two names, of which the compiler's sorts first. */
void __checked_stop(void) { __asm__ volatile("nop"); }
void stop_here(void) __attribute__((alias("__checked_stop")));

void _start(void) {
  outer(by_hand());
  for (;;) {
  }
}
