// An empty system call as a Linux program: `getppid ROUNDS`.
#include "bench/peers/linux.h"

int run(int argc, char** argv) {
  for (uint64_t rounds = rounds_of(argc, argv); rounds > 0; --rounds) linux_call(kGetppid, 0, 0, 0, 0, 0, 0);
  return 0;
}
