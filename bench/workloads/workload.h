// What a compute benchmark runs: the same C on every engine. Plain functions, no library, no I/O.
#pragma once

#include <stdint.h>

/// Runs `rounds` rounds and returns a checksum of all of them.
uint64_t workload(uint64_t rounds);
