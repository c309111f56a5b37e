// A workload as a Linux program: `compute ROUNDS`. The exit code is the checksum's low seven bits: QEMU's debug exit,
// through which another peer reports it, has no more.
#include "bench/peers/linux.h"
#include "bench/workloads/workload.h"

int run(int argc, char** argv) { return (int)(workload(rounds_of(argc, argv)) & 0x7f); }
