/* The cheapest system call that really traps: `bench_empty_call ROUNDS`. */
#include "guests/bench/rounds.h"
#include "guests/lib/zircon.h"

int main(int argc, char** argv) {
  zx_time_t last = zx_clock_get_monotonic();
  for (uint64_t rounds = rounds_of(argc, argv); rounds > 0; --rounds) {
    zx_time_t now = zx_clock_get_monotonic();
    if (now <= last) return 1; /* Each instruction takes time. */
    last = now;
  }
  return 0;
}
