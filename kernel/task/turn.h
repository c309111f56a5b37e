// The scheduler's part of a thread: how it is to be scheduled, and where it stands.
#pragma once

#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/profile.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

/// What share of a CPU a priority gets: 1.225 to the power of (priority - 31), in 65536ths, so that one step is worth
/// about 10 % of the bandwidth of two competitors (zircon/kernel/include/kernel/scheduler_state.h).
int64_t weight_of(uint8_t priority);

struct Turn {
  enum class Place : uint8_t { kStopped, kReady, kThrottled, kRunning };
  enum class Discipline : uint8_t { kFair, kDeadline };

  static constexpr uint8_t kPriorities = 32;
  static constexpr uint8_t kDefaultPriority = 16;
  static constexpr int8_t kNothingInherited = -1;
  /// Shares of a whole time slice are 2^20ths.
  static constexpr int64_t kWhole = int64_t{1} << 20;

  Place place = Place::kStopped;
  Discipline discipline = Discipline::kFair;
  uint8_t priority = kDefaultPriority;  ///< What counts: the larger of the next two.
  uint8_t base_priority = kDefaultPriority;
  int8_t inherited = kNothingInherited;  ///< From those who wait for what it owns.
  abi::SchedDeadlineParams deadline;
  uint32_t affinity = ~uint32_t{0};  ///< Bit n: may run on CPU n.

  uint32_t cpu = 0;      ///< Whose queue it is in; where it runs, or ran last.
  bool placed = false;   ///< It was on some CPU before.
  bool yielded = false;  ///< Its slice ends at once, by its own wish.
  Time start;            ///< Fair: in the CPU's virtual time. Deadline: of the period, when it may run.
  Time finish;           ///< Fair: in virtual time, what the queue is sorted by. Deadline: the deadline.
  Duration slice;        ///< What it may run.
  Duration whole_slice;  ///< What a fair thread had got if it had not been pushed aside.
  int64_t remainder = kWhole;
  Duration expected{8'000'000};  ///< How long it runs at a time: up at once, down by a quarter.
  Duration banked;               ///< What it ran of this time before it was pushed aside.
  uint64_t generation = 0;       ///< Who came first, among equals.

  Time since;           ///< When it was put on its CPU, or last charged for its time there.
  Duration runtime;     ///< All the time it had on CPUs.
  Time ready_since;     ///< When it got in line.
  Duration queue_time;  ///< All the time it stood in line.

  bool fair() const { return discipline == Discipline::kFair; }
  int64_t weight() const { return weight_of(priority); }
  /// Share of a CPU that its deadline parameters take, in 2^20ths.
  int64_t utilization() const;
  void state(Archive& ar);
};

}  // namespace jacinth::kernel
