// Who runs: N emulated CPUs share one line of ready threads per priority.
//
//   ready[31] ==> t t t           CPU 0 --> current
//   ready[16] ==> t t     --choose-->  ...
//   ready[0]  ==>                 CPU N --> current
//
// The most urgent ready thread runs; equals take turns, one slice each. Priorities are Zircon's (0..31, 16 by default,
// kernel/scheduler of the years before its fair scheduler). Every decision is taken in choose(), from state that the
// guest's own actions made: the same run takes the same decisions. Each operation costs the same however many threads
// there are.
//
// Left out: fair weights, deadline profiles, affinity masks and priority inheritance.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "emu/time/time.h"
#include "kernel/object/ref.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Scheduler;
class Thread;

/// The scheduler's part of a thread.
struct Turn {
  enum class Place : uint8_t { kStopped, kReady, kRunning };

  Place place = Place::kStopped;
  uint8_t priority = 16;
  uint32_t cpu = 0;     ///< Where it runs, or ran last.
  Duration left;        ///< Of its slice.
  Time since;           ///< When it was put on its CPU, or last charged for its time there.
  Duration runtime;     ///< All the time it had on CPUs.
  Time ready_since;     ///< When it got in line.
  Duration queue_time;  ///< All the time it stood in line.
  Thread* previous = nullptr;
  Thread* next = nullptr;

  void state(Archive& ar);
};

class Scheduler {
 public:
  static constexpr unsigned kPriorities = 32;
  static constexpr uint8_t kDefaultPriority = 16;
  static constexpr Duration kSlice{10'000'000};

  explicit Scheduler(unsigned cpus) : cpus_(cpus) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  unsigned cpu_count() const { return static_cast<unsigned>(cpus_.size()); }
  Thread* current(unsigned cpu) const { return cpus_[cpu].current; }

  /// The thread may run: it gets in line behind its equals. No effect when it may already.
  void ready(Thread& thread, Time now);
  /// The thread may not run any more, wherever it stands.
  void stop(Thread& thread, Time now);
  /// The current thread lets its equals go first.
  void yield(unsigned cpu, Time now);
  /// Changes the priority of a thread, which goes behind its new equals if it stands in line.
  void set_priority(Thread& thread, uint8_t priority, Time now);

  /// What `cpu` runs from now on: the current thread while its slice lasts and nobody more urgent waits. Null: idle.
  Thread* choose(unsigned cpu, Time now);
  /// Whether choose() would take the CPU from its current thread.
  bool should_switch(unsigned cpu) const {
    const Cpu& at = cpus_[cpu];
    return at.current == nullptr || at.yielding || (ready_mask_ >> at.urgency) > 1;
  }
  /// Whether a ready thread has no CPU.
  bool work_waiting() const { return ready_mask_ != 0; }
  /// What is left of the current thread's slice.
  Duration slice(unsigned cpu, Time now) const;

  /// The time a thread had on CPUs so far, and the time it waited for one.
  static Duration runtime(const Thread& thread, Time now);
  static Duration queue_time(const Thread& thread, Time now);

  /// How long `cpu` had nothing to do, all together.
  Duration idle_time(unsigned cpu, Time now) const;
  /// What ZX_INFO_CPU_STATS tells of a CPU.
  struct Counts {
    uint64_t reschedules = 0;       ///< The CPU let go of a thread.
    uint64_t context_switches = 0;  ///< It took another one than before.
    uint64_t slices_over = 0;       ///< A thread's slice was over and an equal came.
    uint64_t preempts = 0;          ///< A more urgent one came.
    uint64_t yields = 0;            ///< A thread asked for it.
    void state(Archive& ar);
  };
  const Counts& counts(unsigned cpu) const { return cpus_[cpu].counts; }
  uint64_t context_switches(unsigned cpu) const { return cpus_[cpu].counts.context_switches; }

  /// No thread is on a CPU or in line any more.
  void clear();
  /// Lines and current threads by koid; the threads' own part is theirs.
  void state(Archive& ar);

 private:
  struct Line {
    Thread* first = nullptr;
    Thread* last = nullptr;
  };
  struct Cpu {
    Thread* current = nullptr;
    uint8_t urgency = 0;  // The current thread's priority.
    bool yielding = false;
    Time idle_since;
    Duration idle;
    Counts counts;
    uint64_t previous = 0;  // Koid of who ran before.
  };

  void push_back(Thread& thread);
  void push_front(Thread& thread);
  void unlink(Thread& thread);
  void charge(Thread& thread, Time now);
  void put_on(unsigned cpu, Thread& thread, Time now);
  void take_off(unsigned cpu, Time now);

  std::vector<Cpu> cpus_;
  std::array<Line, kPriorities> lines_;
  uint32_t ready_mask_ = 0;  // Bit p: lines_[p] is not empty.
};

}  // namespace jacinth::kernel
