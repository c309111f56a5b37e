// The clock of a machine: it moves with executed guest code and by what the machine adds, never with the host.
//
// The unit of execution is the byte of code. Four bytes are one instruction and take one nanosecond: exact on arm64, a
// fair average on x86-64. Traps cost a fixed time on top, and when every thread sleeps the machine jumps to the next
// deadline.
//
// Left out: other speeds than one nanosecond for four bytes, and pacing to the host's clock (--realtime waits outside).
#pragma once

#include <cstdint>
#include <limits>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "emu/time/time.h"

namespace jacinth::emu {

class VirtualClock {
 public:
  static constexpr uint64_t kBytesPerNanosecond = 4;

  Time now() const { return added_ + Duration{static_cast<int64_t>(executed_bytes_ / kBytesPerNanosecond)}; }

  /// Bytes of guest code executed so far, on all CPUs that this clock times.
  uint64_t executed_bytes() const { return executed_bytes_; }

  /// The guest executed `bytes` of code.
  void advance_bytes(uint64_t bytes) { executed_bytes_ += bytes; }

  /// Something took time without guest code: a trap, a device.
  void add(Duration cost) {
    CHECK(cost.ns >= 0, "{} ns", cost.ns);
    added_ = added_ + cost;
  }

  /// Nobody has anything to do before `when`: jumps there. A time that has come already changes nothing.
  void advance_to(Time when) {
    CHECK(when != Time::never());
    if (when > now()) added_ = added_ + (when - now());
  }

  /// The least number of bytes after which now() is `when` or later: zero when it has come, the maximum when it never
  /// will.
  uint64_t bytes_until(Time when) const {
    if (when <= now()) return 0;
    constexpr uint64_t kForever = std::numeric_limits<uint64_t>::max();
    uint64_t nanoseconds = static_cast<uint64_t>((when - now()).ns);
    if (when == Time::never() || nanoseconds > kForever / kBytesPerNanosecond) return kForever;
    return nanoseconds * kBytesPerNanosecond - executed_bytes_ % kBytesPerNanosecond;
  }

  void state(Archive& ar) { ar(added_, executed_bytes_); }

 private:
  Time added_;
  uint64_t executed_bytes_ = 0;
};

}  // namespace jacinth::emu
