// Interrupts and message-signalled interrupts (zircon/types.h).
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"

namespace jacinth::abi {

/// zx_interrupt_create. Bits 3..1 are one number, the trigger mode.
enum class InterruptOptions : uint32_t {
  kNone = 0,
  kRemapIrq = 1u << 0,
  kModeDefault = 0u << 1,
  kModeEdgeLow = 1u << 1,
  kModeEdgeHigh = 2u << 1,
  kModeLevelLow = 3u << 1,
  kModeLevelHigh = 4u << 1,
  kModeEdgeBoth = 5u << 1,
  kModeMask = 7u << 1,
  kVirtual = 1u << 4,
};
template <>
inline constexpr bool kIsFlagSet<InterruptOptions> = true;

/// zx_interrupt_bind.
enum class InterruptBind : uint32_t { kBind = 0, kUnbind = 1 };

/// zx_msi_create.
enum class MsiOptions : uint32_t { kNone = 0, kModeMsiX = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<MsiOptions> = true;

}  // namespace jacinth::abi
