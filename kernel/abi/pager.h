// User pagers (zircon/types.h, zircon/syscalls-next.h). Their requests are packets: kernel/abi/port_packet.h.
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// zx_pager_op_range.
enum class PagerOp : uint32_t { kFail = 1, kDirty = 2, kWritebackBegin = 3, kWritebackEnd = 4 };

/// zx_pager_query_vmo_stats.
enum class PagerStatsOptions : uint32_t { kNone = 0, kResetVmoStats = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<PagerStatsOptions> = true;

struct PagerVmoStats {
  uint32_t modified = 0;  // 1 when written to since the last reset
};
static_assert(WireStruct<PagerVmoStats> && sizeof(PagerVmoStats) == 4);

enum class VmoDirtyRangeOptions : uint64_t { kNone = 0, kIsZero = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<VmoDirtyRangeOptions> = true;

/// One record of zx_pager_query_dirty_ranges.
struct VmoDirtyRange {
  uint64_t offset = 0;
  uint64_t length = 0;
  VmoDirtyRangeOptions options = VmoDirtyRangeOptions::kNone;
};
static_assert(WireStruct<VmoDirtyRange> && sizeof(VmoDirtyRange) == 24);

}  // namespace jacinth::abi
