/* The other side of `bench_fault`: stops as often as it is told. */
#include "guests/bench/conversation.h"

/* A system call that is none: the one exception that, handled, does not come again by itself on both architectures. */
static void stop(void) {
#if defined(__aarch64__)
  __asm__ volatile("mov x16, #0x7fff\n svc #0" ::: "x0", "x16", "memory");
#else
  __asm__ volatile("syscall" ::"a"(0x7fff) : "rcx", "r11", "memory");
#endif
}

int main(void) {
  struct Side side = {.channel = zx_take_startup_handle(kConversationChannel)};
  require_ok(zx_port_create(0, &side.port));
  uint64_t rounds = 0;
  require(hear(&side, &rounds));
  while (rounds-- > 0) stop();
  return guest_failures();
}
