// From the first instruction to run(), and system calls, by the Linux ABI of each architecture.
#include "bench/peers/linux.h"

#if defined(__aarch64__)
__asm__(
    ".globl _start\n_start: mov x0, sp\nmov x29, xzr\nmov x30, xzr\nbl enter\n"
    ".globl linux_call\nlinux_call: mov x8, x0\nmov x0, x1\nmov x1, x2\nmov x2, x3\nmov x3, x4\nmov x4, x5\nmov x5, "
    "x6\n"
    "svc #0\nret\n");
#else
__asm__(
    ".globl _start\n_start: mov %rsp, %rdi\nxor %ebp, %ebp\ncall enter\n"
    ".globl linux_call\nlinux_call: mov %rdi, %rax\nmov %rsi, %rdi\nmov %rdx, %rsi\nmov %rcx, %rdx\nmov %r8, %r10\n"
    "mov %r9, %r8\nmov 8(%rsp), %r9\nsyscall\nret\n");
#endif

__attribute__((used, noreturn)) void enter(uintptr_t* stack) {
  int code = run((int)stack[0], (char**)(stack + 1));
  for (;;) linux_call(kExitGroup, code, 0, 0, 0, 0, 0);
}
