/* Something to debug: two threads that take turns, a child process that answers messages, a variable that everything
 * ends up in. Debuggers stop it, step it and go back in it (tests/debug); by itself it prints one line. */
#include "guests/debugged/debugged.h"

#include "guests/lib/expect.h"
#include "guests/lib/print.h"
#include "guests/lib/spawn.h"
#include "guests/lib/thread.h"

CHILD_IMAGE(debugged_child);

uint64_t watched;
uint64_t rounds;
static zx_handle_t turn;

__attribute__((noinline)) uint64_t add(uint64_t number) {
  watched += number;
  return watched;
}

__attribute__((noinline)) void work(uint64_t round) {
  rounds = round;
  __asm__ volatile("" ::: "memory");
}

static void worker(void* argument) {
  (void)argument;
  for (uint64_t round = 1; round <= kNumbers; ++round) {
    require_ok(zx_object_wait_one(turn, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, NULL));
    work(round);
    require_ok(zx_object_signal(turn, ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1));
  }
}

/* Sends a number to the child; what it makes of it. */
__attribute__((noinline)) uint64_t ask(zx_handle_t channel, uint64_t number) {
  uint64_t answer = 0;
  uint32_t size = 0;
  require_ok(zx_channel_write(channel, 0, &number, sizeof number, NULL, 0));
  require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
  require_ok(zx_channel_read(channel, 0, &answer, NULL, sizeof answer, 0, &size, NULL));
  return answer;
}

int main(void) {
  struct Thread thread;
  zx_handle_t ours, theirs, child;
  require_ok(zx_event_create(0, &turn));
  require_ok(thread_start(&thread, "worker", worker, NULL));
  require_ok(zx_channel_create(0, &ours, &theirs));
  struct SpawnHandle handles[] = {{PA_HND(PA_USER0, 0), theirs}};
  struct SpawnRequest request = {.name = "debugged_child",
                                 .image = CHILD_BYTES(debugged_child),
                                 .image_size = CHILD_SIZE(debugged_child),
                                 .handles = handles,
                                 .handle_count = 1};
  require_ok(spawn(&request, &child));
  for (uint64_t number = 1; number <= kNumbers; ++number) {
    add(ask(ours, number));
    require_ok(zx_object_signal(turn, 0, ZX_USER_SIGNAL_0));
    require_ok(zx_object_wait_one(turn, ZX_USER_SIGNAL_1, ZX_TIME_INFINITE, NULL));
    require_ok(zx_object_signal(turn, ZX_USER_SIGNAL_1, 0));
  }
  require_ok(thread_join(&thread));
  int64_t code = 0;
  require_ok(wait_for_exit(child, &code));
  print("%u rounds made %u, and the child returned %d\n", (unsigned)rounds, (unsigned)watched, (int)code);
  return 3;
}
