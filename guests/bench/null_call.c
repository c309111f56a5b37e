/* A system call that does nothing but come and go: `bench_null_call ROUNDS`. */
#include "guests/bench/rounds.h"
#include "guests/lib/zircon.h"

int main(int argc, char** argv) {
  for (uint64_t rounds = rounds_of(argc, argv); rounds > 0; --rounds) {
    if (zx_handle_close(ZX_HANDLE_INVALID) != ZX_OK) return 1;
  }
  return 0;
}
