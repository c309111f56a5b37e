// VMOs: how they are made, cloned and operated on (zircon/types.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// zx_vmo_create; kTrapDirty with zx_pager_create_vmo alone.
enum class VmoOptions : uint32_t { kNone = 0, kResizable = 1u << 1, kDiscardable = 1u << 2, kTrapDirty = 1u << 3 };
template <>
inline constexpr bool kIsFlagSet<VmoOptions> = true;

/// zx_vmo_create_child: exactly one kind of child, and how it differs from its parent.
enum class VmoChildOptions : uint32_t {
  kNone = 0,
  kSnapshot = 1u << 0,
  kResizable = 1u << 2,
  kSlice = 1u << 3,
  kSnapshotAtLeastOnWrite = 1u << 4,
  kNoWrite = 1u << 5,
};
template <>
inline constexpr bool kIsFlagSet<VmoChildOptions> = true;

/// zx_vmo_op_range. 5 is retired.
enum class VmoOp : uint32_t {
  kCommit = 1,
  kDecommit = 2,
  kLock = 3,
  kUnlock = 4,
  kCacheSync = 6,
  kCacheInvalidate = 7,
  kCacheClean = 8,
  kCacheCleanInvalidate = 9,
  kZero = 10,
  kTryLock = 11,
  kDontNeed = 12,
  kAlwaysNeed = 13,
};

enum class CachePolicy : uint32_t { kCached = 0, kUncached = 1, kUncachedDevice = 2, kWriteCombining = 3 };

/// What VmoOp::kLock tells the owner of a discardable VMO.
struct VmoLockState {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t discarded_offset = 0;
  uint64_t discarded_size = 0;
};
static_assert(WireStruct<VmoLockState> && sizeof(VmoLockState) == 32);

}  // namespace jacinth::abi
