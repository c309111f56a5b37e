// Waiting for signals: zx_object_wait_many and zx_object_wait_async (zircon/types.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/handle.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/signals.h"

namespace jacinth::abi {

inline constexpr size_t kWaitManyMaxItems = 64;

/// zx_object_wait_async. Without kEdge a signal that is already active counts as a match.
enum class WaitAsyncOptions : uint32_t { kOnce = 0, kTimestamp = 1u << 0, kEdge = 1u << 1 };
template <>
inline constexpr bool kIsFlagSet<WaitAsyncOptions> = true;

struct WaitItem {
  Handle handle = Handle::kInvalid;
  Signals waitfor = Signals::kNone;
  Signals pending = Signals::kNone;  // filled by the kernel
};
static_assert(WireStruct<WaitItem> && sizeof(WaitItem) == 12);

}  // namespace jacinth::abi
