/* What programs that are measured have in common: they do something as often as their argument says. */
#pragma once

#include <stdint.h>

/* `program ROUNDS`; one round when the argument is missing. */
static inline uint64_t rounds_of(int argc, char** argv) {
  if (argc < 2) return 1;
  uint64_t rounds = 0;
  for (const char* digit = argv[1]; *digit >= '0' && *digit <= '9'; ++digit) {
    rounds = rounds * 10 + (uint64_t)(*digit - '0');
  }
  return rounds;
}
