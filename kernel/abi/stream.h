// Streams, and the vectors that they read and write (zircon/types.h).
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// zx_stream_create.
enum class StreamOptions : uint32_t { kNone = 0, kModeRead = 1u << 0, kModeWrite = 1u << 1, kModeAppend = 1u << 2 };
template <>
inline constexpr bool kIsFlagSet<StreamOptions> = true;

/// zx_stream_writev.
enum class StreamWriteOptions : uint32_t { kNone = 0, kAppend = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<StreamWriteOptions> = true;

enum class SeekOrigin : uint32_t { kStart = 0, kCurrent = 1, kEnd = 2 };

struct Iovec {
  uint64_t buffer = 0;
  uint64_t capacity = 0;
};
static_assert(WireStruct<Iovec> && sizeof(Iovec) == 16);

}  // namespace jacinth::abi
