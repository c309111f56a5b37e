/* Times and durations in nanoseconds. Arithmetic stops at both ends instead of wrapping around. */
#pragma once

#include <stdint.h>
#include <zircon/compiler.h>

__BEGIN_CDECLS

typedef int64_t zx_time_t;     /* a point on the monotonic clock, or on the clock in question */
typedef int64_t zx_duration_t; /* a distance between two */
typedef int64_t zx_ticks_t;    /* either, in units of the hardware counter */

#include <zircon/generated/time.h>

__CONSTEXPR static inline zx_time_t zx_time_add_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t sum = 0;
  if (add_overflow(time, duration, &sum)) return duration > 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
  return sum;
}

__CONSTEXPR static inline zx_time_t zx_time_sub_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t difference = 0;
  if (sub_overflow(time, duration, &difference)) return duration > 0 ? ZX_TIME_INFINITE_PAST : ZX_TIME_INFINITE;
  return difference;
}

__CONSTEXPR static inline zx_duration_t zx_time_sub_time(zx_time_t a, zx_time_t b) {
  return zx_time_sub_duration(a, b);
}

__CONSTEXPR static inline zx_duration_t zx_duration_add_duration(zx_duration_t a, zx_duration_t b) {
  return zx_time_add_duration(a, b);
}

__CONSTEXPR static inline zx_duration_t zx_duration_sub_duration(zx_duration_t a, zx_duration_t b) {
  return zx_time_sub_duration(a, b);
}

__CONSTEXPR static inline zx_duration_t zx_duration_mul_int64(zx_duration_t duration, int64_t factor) {
  zx_duration_t product = 0;
  if (mul_overflow(duration, factor, &product)) {
    return (duration > 0) == (factor > 0) ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
  }
  return product;
}

__CONSTEXPR static inline int64_t zx_nsec_from_duration(zx_duration_t n) { return n; }
__CONSTEXPR static inline zx_duration_t zx_duration_from_nsec(int64_t n) { return n; }
__CONSTEXPR static inline zx_duration_t zx_duration_from_usec(int64_t n) { return zx_duration_mul_int64(1000, n); }
__CONSTEXPR static inline zx_duration_t zx_duration_from_msec(int64_t n) { return zx_duration_mul_int64(1000000, n); }
__CONSTEXPR static inline zx_duration_t zx_duration_from_sec(int64_t n) { return zx_duration_mul_int64(1000000000, n); }
__CONSTEXPR static inline zx_duration_t zx_duration_from_min(int64_t n) {
  return zx_duration_mul_int64(60000000000, n);
}
__CONSTEXPR static inline zx_duration_t zx_duration_from_hour(int64_t n) {
  return zx_duration_mul_int64(3600000000000, n);
}

/* A duration in other units. A constant stays one, for initializers in C; everything else stops at the ends. */
#define __ZX_UNITS(n, unit) (__ISCONSTANT(n) ? (zx_duration_t)(unit * (n)) : zx_duration_mul_int64(unit, n))
#define ZX_NSEC(n) __ZX_UNITS(n, 1LL)
#define ZX_USEC(n) __ZX_UNITS(n, 1000LL)
#define ZX_MSEC(n) __ZX_UNITS(n, 1000000LL)
#define ZX_SEC(n) __ZX_UNITS(n, 1000000000LL)
#define ZX_MIN(n) __ZX_UNITS(n, 60000000000LL)
#define ZX_HOUR(n) __ZX_UNITS(n, 3600000000000LL)

__END_CDECLS
