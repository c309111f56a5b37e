// What CPUID says: one fixed processor, whatever the host (Intel SDM vol. 2A, CPUID).
#pragma once

#include <cstdint>

namespace jacinth::emu {

struct CpuidResult {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  bool operator==(const CpuidResult&) const = default;
};

/// The leaves of a Westmere-class core without TSC deadline, VMX or AVX: what the engine's model really runs.
CpuidResult cpuid(uint32_t leaf, uint32_t subleaf);

}  // namespace jacinth::emu
