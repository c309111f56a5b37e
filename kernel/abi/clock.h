// Clock objects (zircon/syscalls/clock.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// The version of the argument structure, in the top bits of the options of every call that takes one.
inline constexpr uint32_t kClockArgsVersionShift = 58;
inline constexpr uint64_t kClockArgsVersionMask = uint64_t{0x3f} << kClockArgsVersionShift;
constexpr uint64_t clock_args_version(uint64_t options) { return options >> kClockArgsVersionShift; }

/// zx_clock_create.
enum class ClockOptions : uint64_t {
  kNone = 0,
  kMonotonic = 1u << 0,
  kContinuous = 1u << 1,
  kAutoStart = 1u << 2,
  kArgsVersion1 = uint64_t{1} << kClockArgsVersionShift,
};
template <>
inline constexpr bool kIsFlagSet<ClockOptions> = true;

/// zx_clock_get_details.
enum class ClockDetailsOptions : uint64_t { kNone = 0, kArgsVersion1 = uint64_t{1} << kClockArgsVersionShift };
template <>
inline constexpr bool kIsFlagSet<ClockDetailsOptions> = true;

/// zx_clock_update.
enum class ClockUpdateOptions : uint64_t {
  kNone = 0,
  kSyntheticValueValid = 1u << 0,
  kRateAdjustValid = 1u << 1,
  kErrorBoundValid = 1u << 2,
  kReferenceValueValid = 1u << 3,  // in version 2 alone
  kArgsVersion1 = uint64_t{1} << kClockArgsVersionShift,
  kArgsVersion2 = uint64_t{2} << kClockArgsVersionShift,
};
template <>
inline constexpr bool kIsFlagSet<ClockUpdateOptions> = true;

inline constexpr int32_t kClockMinRateAdjust = -1000;  // parts per million
inline constexpr int32_t kClockMaxRateAdjust = 1000;
inline constexpr uint64_t kClockUnknownError = ~uint64_t{0};

struct ClockCreateArgsV1 {
  Time backstop_time;
};
static_assert(WireStruct<ClockCreateArgsV1> && sizeof(ClockCreateArgsV1) == 8);

struct ClockUpdateArgsV1 {
  int32_t rate_adjust = 0;
  std::array<uint8_t, 4> padding1 = {};
  int64_t value = 0;
  uint64_t error_bound = 0;
};
static_assert(WireStruct<ClockUpdateArgsV1> && sizeof(ClockUpdateArgsV1) == 24);

struct ClockUpdateArgsV2 {
  int32_t rate_adjust = 0;
  std::array<uint8_t, 4> padding1 = {};
  int64_t synthetic_value = 0;
  int64_t reference_value = 0;
  uint64_t error_bound = 0;
};
static_assert(WireStruct<ClockUpdateArgsV2> && sizeof(ClockUpdateArgsV2) == 32);

struct ClockRate {
  uint32_t synthetic_ticks = 0;
  uint32_t reference_ticks = 0;
};

/// synthetic = (reference - reference_offset) * rate + synthetic_offset
struct ClockTransformation {
  int64_t reference_offset = 0;
  int64_t synthetic_offset = 0;
  ClockRate rate;
};
static_assert(WireStruct<ClockTransformation> && sizeof(ClockTransformation) == 24);

struct ClockDetailsV1 {
  uint64_t options = 0;
  Time backstop_time;
  ClockTransformation ticks_to_synthetic;
  ClockTransformation mono_to_synthetic;
  uint64_t error_bound = kClockUnknownError;
  int64_t query_ticks = 0;
  int64_t last_value_update_ticks = 0;
  int64_t last_rate_adjust_update_ticks = 0;
  int64_t last_error_bounds_update_ticks = 0;
  uint32_t generation_counter = 0;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<ClockDetailsV1> && sizeof(ClockDetailsV1) == 112);
static_assert(offsetof(ClockDetailsV1, mono_to_synthetic) == 40 && offsetof(ClockDetailsV1, generation_counter) == 104);

}  // namespace jacinth::abi
