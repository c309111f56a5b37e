// A generic x86-64 machine. RAM begins behind the first megabyte. Devices follow with the drivers that need them.
#include "boards/virt_x86_64.h"

namespace jacinth::boards {

const Board kVirtX86_64 = {
    .name = "virt-x86-64",
    .arch = Arch::kX86_64,
    .description = "generic x86-64 machine",
    .cpu = "x86-64 with SSE4.2, AES and PCLMULQDQ, no AVX",
    .ram_base = PhysAddr(0x10'0000),
    .default_ram = uint64_t{1} << 30,
    .max_ram = uint64_t{64} << 30,
    .max_cpus = 32,
};

}  // namespace jacinth::boards
