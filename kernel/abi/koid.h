// zx_koid_t: a number that no two objects of one run share (zircon/types.h).
#pragma once

#include <cstdint>

namespace jacinth::abi {

enum class Koid : uint64_t {
  kInvalid = 0,
  kKernel = 1,
  /// The first object gets this one, the next the following. Bit 63 stays clear: such numbers belong to tools.
  kFirst = 1024,
};

constexpr uint64_t raw(Koid koid) { return static_cast<uint64_t>(koid); }

}  // namespace jacinth::abi
