// Threads and processes of the host that come, go and take turns: `native_threads WHAT ROUNDS`, as bench_threads has
// them. Those that yield to each other must be kept on one processor.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static void check(int good) {
  if (!good) _exit(1);
}

static void* end_at_once(void* argument) { return argument; }

static void* yield_for_ever(void* argument) {
  for (;;) sched_yield();
  return argument;
}

int main(int argc, char** argv) {
  if (argc < 3) return 0;  // The child of `spawn`.
  uint64_t rounds = strtoull(argv[2], NULL, 10);
  pthread_t thread;
  pid_t child;
  int status = 1;
  switch (argv[1][1]) {
    case 'i':
      for (; rounds > 0; --rounds) {
        check(pthread_create(&thread, NULL, end_at_once, NULL) == 0);
        check(pthread_join(thread, NULL) == 0);
      }
      break;
    case 'w':
      check(pthread_create(&thread, NULL, yield_for_ever, NULL) == 0);
      for (; rounds > 0; --rounds) sched_yield();
      break;
    case 'r':
      child = fork();
      check(child >= 0);
      if (child == 0) yield_for_ever(NULL);
      for (; rounds > 0; --rounds) sched_yield();
      check(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
      break;
    default:
      for (; rounds > 0; --rounds) {
        char* arguments[] = {argv[0], NULL};
        check(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
        check(waitpid(child, &status, 0) == child && status == 0);
      }
  }
  _exit(0);
}
