// Resources: the right to a range of something that only the system gives out (zircon/syscalls/resource.h).
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"

namespace jacinth::abi {

/// As of 2022. In 2020 hypervisor, root, vmex and smc were kinds 3, 4, 5 and 6.
enum class ResourceKind : uint32_t { kMmio = 0, kIrq = 1, kIoport = 2, kRoot = 3, kSmc = 4, kSystem = 5 };
inline constexpr uint32_t kResourceKindCount = 6;

/// The options of zx_resource_create: a kind in the low half, flags in the high one.
inline constexpr uint32_t kResourceKindMask = 0x0000'ffff;
inline constexpr uint32_t kResourceFlagsMask = 0xffff'0000;

enum class ResourceFlags : uint32_t { kNone = 0, kExclusive = 0x0001'0000 };
template <>
inline constexpr bool kIsFlagSet<ResourceFlags> = true;

/// The ranges of ResourceKind::kSystem, each one number wide.
enum class ResourceSystemBase : uint64_t {
  kHypervisor = 0,
  kVmex = 1,
  kDebug = 2,
  kInfo = 3,
  kCpu = 4,
  kPower = 5,
  kMexec = 6,
};

}  // namespace jacinth::abi
