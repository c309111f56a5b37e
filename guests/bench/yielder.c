/* The other side of `bench_threads`: yields for ever, or ends at once when it is told nothing. */
#include "guests/lib/expect.h"

int main(int argc, char** argv) {
  (void)argv;
  while (argc > 1) require_ok(zx_thread_legacy_yield(0));
  return 0;
}
