/* Threads and processes that come, go and take turns: `bench_threads WHAT ROUNDS`.
 *
 *   life        a thread made, started, ended and waited for
 *   switch      two threads of one process that yield to each other, on one CPU: there and back
 *   processes   the same with a thread in another process
 *   spawn       a process made from an ELF file, started, ended and waited for */
#include "guests/bench/rounds.h"
#include "guests/lib/expect.h"
#include "guests/lib/spawn.h"
#include "guests/lib/thread.h"

CHILD_IMAGE(bench_yielder);

static char stack[16384] __attribute__((aligned(16)));

static void end_at_once(uintptr_t a, uintptr_t b) {
  (void)a, (void)b;
  zx_thread_exit();
}

static void life(uint64_t rounds) {
  const zx_vaddr_t top = initial_stack_pointer((zx_vaddr_t)(stack + sizeof stack));
  for (; rounds > 0; --rounds) {
    zx_handle_t thread;
    require_ok(zx_thread_create(zx_process_self(), "short", 5, 0, &thread));
    require_ok(zx_thread_start(thread, (zx_vaddr_t)end_at_once, top, 0, 0));
    require_ok(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, NULL));
    require_ok(zx_handle_close(thread));
  }
}

static void yield(void) { require_ok(zx_thread_legacy_yield(0)); }

static void yield_for_ever(void* argument) {
  (void)argument;
  for (;;) yield();
}

static void switches(uint64_t rounds) {
  static struct Thread other;
  require_ok(thread_start(&other, "other", yield_for_ever, NULL));
  for (; rounds > 0; --rounds) yield();
}

static zx_handle_t start_child(const char* what) {
  const char* arguments[] = {"yielder", what, NULL};
  struct SpawnRequest request = {.name = "yielder",
                                 .image = CHILD_BYTES(bench_yielder),
                                 .image_size = CHILD_SIZE(bench_yielder),
                                 .arguments = arguments};
  zx_handle_t child;
  require_ok(spawn(&request, &child));
  return child;
}

static void processes(uint64_t rounds) {
  zx_handle_t child = start_child("yield");
  for (; rounds > 0; --rounds) yield();
  require_ok(zx_task_kill(child));
}

static void spawns(uint64_t rounds) {
  for (; rounds > 0; --rounds) {
    zx_handle_t child = start_child(NULL);
    int64_t code = -1;
    require_ok(wait_for_exit(child, &code));
    require(code == 0);
    require_ok(zx_handle_close(child));
  }
}

int main(int argc, char** argv) {
  require(argc == 3);
  uint64_t rounds = rounds_of(2, argv + 1);
  switch (argv[1][1]) {
    case 'i': life(rounds); break;
    case 'w': switches(rounds); break;
    case 'r': processes(rounds); break;
    default: spawns(rounds); break;
  }
  /* Whoever still yields ends with us. */
  zx_process_exit(guest_failures());
}
