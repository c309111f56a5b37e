// A generic arm64 machine. RAM lies where QEMU's "virt" has it. Devices follow with the drivers that need them.
#include "boards/virt_arm64.h"

namespace jacinth::boards {

const Board kVirtArm64 = {
    .name = "virt-arm64",
    .arch = Arch::kArm64,
    .description = "generic 64-bit Arm machine",
    .cpu = "ARMv8 with LSE atomics and AES, SHA and CRC32 instructions, no SVE",
    .ram_base = PhysAddr(0x4000'0000),
    .default_ram = uint64_t{1} << 30,
    .max_ram = uint64_t{64} << 30,
    .max_cpus = 32,
};

}  // namespace jacinth::boards
