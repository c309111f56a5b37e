// A Linux program without a C library, for qemu-user, for the bare engine, and natively: argv to numbers, numbers to
// exit.
#pragma once

#include <stddef.h>
#include <stdint.h>

long linux_call(long number, long a, long b, long c, long d, long e, long f);

#if defined(__aarch64__)
enum { kExitGroup = 94, kGetppid = 173, kWrite = 64 };
#else
enum { kExitGroup = 231, kGetppid = 110, kWrite = 1 };
#endif

/// `program ROUNDS`; one round when the argument is missing.
static inline uint64_t rounds_of(int argc, char** argv) {
  if (argc < 2) return 1;
  uint64_t rounds = 0;
  for (const char* digit = argv[1]; *digit >= '0' && *digit <= '9'; ++digit) {
    rounds = rounds * 10 + (uint64_t)(*digit - '0');
  }
  return rounds;
}

/// The program. What it returns is the exit code.
int run(int argc, char** argv);
