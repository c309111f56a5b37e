// Bus transaction initiators and IOMMUs (zircon/types.h, zircon/syscalls/iommu.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// zx_bti_pin.
enum class BtiPinOptions : uint32_t {
  kNone = 0,
  kPermRead = 1u << 0,
  kPermWrite = 1u << 1,
  kPermExecute = 1u << 2,
  kCompress = 1u << 3,
  kContiguous = 1u << 4,
};
template <>
inline constexpr bool kIsFlagSet<BtiPinOptions> = true;

enum class IommuType : uint32_t { kDummy = 0, kIntel = 1 };
inline constexpr size_t kIommuMaxDescLen = 4096;

struct IommuDescDummy {
  uint8_t reserved = 0;
};
static_assert(WireStruct<IommuDescDummy> && sizeof(IommuDescDummy) == 1);

enum class IommuIntelScope : uint8_t { kEndpoint = 0, kBridge = 1 };

/// One device of an Intel IOMMU.
struct IommuDescIntelScope {
  IommuIntelScope type = IommuIntelScope::kEndpoint;
  uint8_t start_bus = 0;
  uint8_t num_hops = 0;
  std::array<uint8_t, 5> dev_func = {};
};
static_assert(WireStruct<IommuDescIntelScope> && sizeof(IommuDescIntelScope) == 8);

/// Memory that the firmware keeps for itself, followed by the scopes that it holds for.
struct IommuDescIntelReservedMemory {
  uint64_t base_addr = 0;
  uint64_t len = 0;
  uint8_t scope_bytes = 0;
  std::array<uint8_t, 7> reserved = {};
};
static_assert(WireStruct<IommuDescIntelReservedMemory> && sizeof(IommuDescIntelReservedMemory) == 24);

/// Followed by scope_bytes of scopes and reserved_memory_bytes of reserved memory.
struct IommuDescIntel {
  uint64_t register_base = 0;
  uint16_t pci_segment = 0;
  uint8_t whole_segment = 0;  // a bool that a program may have filled with anything
  uint8_t scope_bytes = 0;
  uint16_t reserved_memory_bytes = 0;
  std::array<uint8_t, 2> reserved = {};
};
static_assert(WireStruct<IommuDescIntel> && sizeof(IommuDescIntel) == 16);

}  // namespace jacinth::abi
