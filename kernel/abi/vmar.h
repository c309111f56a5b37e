// Address regions and mappings (zircon/types.h).
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"

namespace jacinth::abi {

/// zx_vm_option_t. The top byte holds log2 of the alignment asked for, 0 for none.
enum class VmOptions : uint32_t {
  kNone = 0,
  kPermRead = 1u << 0,
  kPermWrite = 1u << 1,
  kPermExecute = 1u << 2,
  kCompact = 1u << 3,
  kSpecific = 1u << 4,
  kSpecificOverwrite = 1u << 5,
  kCanMapSpecific = 1u << 6,
  kCanMapRead = 1u << 7,
  kCanMapWrite = 1u << 8,
  kCanMapExecute = 1u << 9,
  kMapRange = 1u << 10,
  kRequireNonResizable = 1u << 11,
  kAllowFaults = 1u << 12,
  kOffsetIsUpperLimit = 1u << 13,
  kPermReadIfXomUnsupported = 1u << 14,

  kPermMask = kPermRead | kPermWrite | kPermExecute,
  kCanMapMask = kCanMapRead | kCanMapWrite | kCanMapExecute,
  kAlignMask = 0xff00'0000,
};
template <>
inline constexpr bool kIsFlagSet<VmOptions> = true;

inline constexpr uint32_t kVmAlignShift = 24;
inline constexpr uint32_t kVmAlignMinLog2 = 10;
inline constexpr uint32_t kVmAlignMaxLog2 = 32;

/// log2 of the alignment that `options` asks for, 0 for none.
constexpr uint32_t align_log2(VmOptions options) { return raw(options) >> kVmAlignShift; }

/// zx_vmar_op_range. The numbers are those of the VMO's operations where both have one.
enum class VmarOp : uint32_t { kCommit = 1, kDecommit = 2, kMapRange = 3, kDontNeed = 12, kAlwaysNeed = 13 };

}  // namespace jacinth::abi
