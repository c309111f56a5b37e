// Does a little arithmetic while somebody looks; with "spin", goes round until somebody changes a register.
#include "guests/debugger/debuggee.h"

#include "guests/lib/guest.h"

using namespace guest;

extern "C" {
uint64_t twice_and_one(uint64_t n);
uint64_t spin(uint64_t nothing, uint64_t until);
volatile uint64_t total;
}

#if defined(__aarch64__)
asm(R"(
  .text
  .globl twice_and_one
twice_and_one:
  add x0, x0, x0
  add x0, x0, #1
  ret
  .globl spin
spin:
  mov x2, #0x1234
  mov x3, #0
1:
  add x3, x3, #1
  cbz x1, 1b
  mov x0, x1
  ret
)");
#else
asm(R"(
  .text
  .globl twice_and_one
twice_and_one:
  leaq (%rdi,%rdi), %rax
  addq $1, %rax
  retq
  .globl spin
spin:
  movq $0x1234, %rdx
  xorl %ecx, %ecx
1:
  addq $1, %rcx
  testq %rsi, %rsi
  jz 1b
  movq %rsi, %rax
  retq
)");
#endif

int main(int argc, char** argv) {
  Handle channel(zx_take_startup_handle(PA_HND(PA_USER0, 0)));
  const Landmarks landmarks = {.twice_and_one = reinterpret_cast<uint64_t>(&twice_and_one),
                               .total = reinterpret_cast<uint64_t>(&total),
                               .spin = reinterpret_cast<uint64_t>(&spin)};
  require_ok(zx_channel_write(channel, 0, &landmarks, sizeof landmarks, nullptr, 0));
  require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));

  if (argc > 1 && strcmp(argv[1], "spin") == 0) return static_cast<int>(spin(0, 0));
  for (uint64_t n = 1; n <= 4; ++n) {
    total = total + twice_and_one(n);
    zx_nanosleep(zx_deadline_after(10 * kMicrosecond));
  }
  return static_cast<int>(total);
}
