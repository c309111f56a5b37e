// zx_handle_t: a program's number for one of its handles (zircon/types.h).
#pragma once

#include <cstdint>

namespace jacinth::abi {

enum class Handle : uint32_t { kInvalid = 0 };

constexpr uint32_t raw(Handle handle) { return static_cast<uint32_t>(handle); }

/// Set in every valid handle value. The other bits are hidden behind a secret of each process.
inline constexpr uint32_t kHandleFixedBits = 0x3;

constexpr bool has_fixed_bits(Handle handle) { return (raw(handle) & kHandleFixedBits) == kHandleFixedBits; }

/// What zx_channel_write_etc does with the sender's handle.
enum class HandleOp : uint32_t { kMove = 0, kDuplicate = 1 };

}  // namespace jacinth::abi
