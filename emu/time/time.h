// Virtual time: nanoseconds since the machine was switched on. The only time a guest can see.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace jacinth {

/// A span of virtual time in nanoseconds; may be negative.
struct Duration {
  int64_t ns = 0;
  constexpr auto operator<=>(const Duration&) const = default;
};

/// A point in virtual time, as zx_time_t has it: signed nanoseconds, with both ends standing for "never" and "long
/// ago".
struct Time {
  int64_t ns = 0;

  constexpr auto operator<=>(const Time&) const = default;
  static constexpr Time never() { return Time{std::numeric_limits<int64_t>::max()}; }
  static constexpr Time long_ago() { return Time{std::numeric_limits<int64_t>::min()}; }

  /// Saturates at both ends, so that a deadline far away never wraps into the past (zx_time_add_duration).
  constexpr Time operator+(Duration d) const {
    int64_t sum = 0;
    if (__builtin_add_overflow(ns, d.ns, &sum)) return d.ns > 0 ? never() : long_ago();
    return Time{sum};
  }
  constexpr Time operator-(Duration d) const {
    int64_t difference = 0;
    if (__builtin_sub_overflow(ns, d.ns, &difference)) return d.ns > 0 ? long_ago() : never();
    return Time{difference};
  }
  constexpr Duration operator-(Time other) const {
    int64_t difference = 0;
    if (__builtin_sub_overflow(ns, other.ns, &difference))
      return Duration{other.ns > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max()};
    return Duration{difference};
  }
};

}  // namespace jacinth
