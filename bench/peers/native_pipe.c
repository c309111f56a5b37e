// Messages to another process of the host and back, through two pipes: `native_pipe ROUNDS`.
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int good) {
  if (!good) _exit(1);
}

int main(int argc, char** argv) {
  uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  int there[2], back[2];
  check(pipe(there) == 0 && pipe(back) == 0);
  pid_t child = fork();
  check(child >= 0);
  uint64_t number = 0;
  if (child == 0) {
    close(there[1]);
    while (read(there[0], &number, sizeof number) == sizeof number) {
      ++number;
      check(write(back[1], &number, sizeof number) == sizeof number);
    }
    _exit(0);
  }
  for (uint64_t round = 0; round < rounds; ++round) {
    uint64_t answer = 0;
    check(write(there[1], &number, sizeof number) == sizeof number);
    check(read(back[0], &answer, sizeof answer) == sizeof answer && answer == number + 1);
    number = answer;
  }
  close(there[1]);
  int status = 1;
  check(waitpid(child, &status, 0) == child);
  return status != 0;
}
