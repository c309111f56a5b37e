// Timers: a signal at a time (zircon/kernel/object/timer_dispatcher.h).
//
// Slack is leave to fire a little early or late together with others (kernel/object/deadlines.h); which way, the
// timer's mode says once and for all.
#pragma once

#include "kernel/abi/info_handle.h"
#include "kernel/abi/time.h"
#include "kernel/object/object.h"

namespace jacinth::kernel {

class Timer final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kTimer;
  Timer(Core& core, abi::TimerSlack mode);
  /// For loading.
  explicit Timer(Core& core) : Timer(core, abi::TimerSlack::kCenter) {}

  /// Replaces what was set before; a deadline that has come, or is 0, signals at once.
  void set(Time deadline, Duration slack);
  /// Also takes back the signal. No effect when nothing is set.
  void cancel();
  /// Deadline and slack are 0 when nothing is set.
  abi::InfoTimer info() const;

  void on_deadline() override;
  void state(Archive& ar) override;

 private:
  ~Timer() override;
  void on_zero_handles() override { cancel(); }
  void disarm();

  abi::TimerSlack mode_;
  Time deadline_;  // 0 when not armed.
  Duration slack_;
  uint64_t armed_ = 0;
};

}  // namespace jacinth::kernel
