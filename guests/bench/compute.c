/* Computes: `bench_integer ROUNDS`, `bench_mixed ROUNDS`. Returns the low seven bits of the checksum, so that all
 * engines that run it can be seen to agree. */
#include "bench/workloads/workload.h"
#include "guests/bench/rounds.h"

int main(int argc, char** argv) { return (int)(workload(rounds_of(argc, argv)) & 0x7f); }
