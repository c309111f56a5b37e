// Clocks: a program's own idea of time, as a line over the monotonic clock (zircon/kernel/object/clock_dispatcher.cc).
//
//   synthetic = synthetic offset + (reference - reference offset) * rate        rounded down, at the ends of the range
//                                                                               it stays there
// An update replaces the line. What it may do depends on the options: monotonic clocks never go back, continuous ones
// never jump. Ticks and nanoseconds are the same here, so that the two lines of the ABI differ in nothing but the terms
// of their rates, which the one from ticks has lowest.
#pragma once

#include "kernel/abi/clock.h"
#include "kernel/object/object.h"

namespace jacinth::kernel {

class Clock final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kClock;

  /// kInvalidArgs for options that do not go together, and for a backstop that is negative or, where the clock starts
  /// at once, still to come.
  static Result<Ref<Clock>> create(Core& core, abi::ClockOptions options, Time backstop);
  /// For loading.
  explicit Clock(Core& core) : Object(core, kType) {}

  bool started() const { return contains(signals(), Signals::kClockStarted); }
  /// The backstop as long as it has not started.
  int64_t read() const;
  abi::ClockDetailsV1 details() const;

  struct Update {
    abi::ClockUpdateOptions options = abi::ClockUpdateOptions::kNone;  ///< Without the version.
    int32_t rate_adjust = 0;
    int64_t synthetic_value = 0;
    int64_t reference_value = 0;
    uint64_t error_bound = 0;
  };
  /// kBadState for a first update without a value, kInvalidArgs for what the clock's options forbid. `version` is that
  /// of the arguments, 1 or 2: the second may say when the update counts from.
  Status update(const Update& update, unsigned version);

  void state(Archive& ar) override;

 private:
  bool has(abi::ClockOptions option) const { return contains(options_, option); }
  static int64_t apply(const abi::ClockTransformation& line, int64_t reference);

  abi::ClockOptions options_ = abi::ClockOptions::kNone;
  Time backstop_;
  abi::ClockTransformation line_;
  uint64_t error_bound_ = abi::kClockUnknownError;
  int32_t rate_adjust_ = 0;
  uint32_t generation_ = 0;
  int64_t value_updated_ = 0;
  int64_t rate_updated_ = 0;
  int64_t error_updated_ = 0;
};

}  // namespace jacinth::kernel
