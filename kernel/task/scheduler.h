// Who runs: each emulated CPU has a queue of its own, as in zircon/kernel/kernel/scheduler.cc.
//
//   CPU 0:  runs t   deadlines, released: t t   throttled: t   fair: t t t
//                              (by deadline)    (by release)   (by virtual finish)
//   CPU 1:  runs t   ...
//
// Fair threads share a CPU by weight: one gets a slice of the period that is its share of the total, and the queue is
// sorted by when it would be done if all ran at once. A deadline thread may run `capacity` of every `period` and goes
// before all fair ones, the earliest deadline first; what it did not use is gone at its deadline, and before the next
// period it stands aside. A thread that becomes ready goes to the CPU where it ran last if that has next to nothing to
// do, then to the first other one of which that is true, then to the one with the least to do; an idle CPU takes from
// those that have more than they run. All CPUs are one cluster.
//
// A CPU can be taken away, and it can be said to be slower than others: then threads with deadlines get more time there
// for what they were promised, and what threads do there counts less when it is foreseen.
//
// A fair thread that becomes ready takes no CPU from another: it makes the other's slice smaller, which may be used up
// by that. Every decision is taken from state that the guest's own actions made, or by who explores
// (schedule_choices.h): the same run takes the same decisions. Each costs the logarithm of the threads in the queue.
//
// Left out: virtual start times, by which no thread is held back there either; migration functions; the periodic load
// balancer, which is turned off there.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "emu/time/time.h"
#include "kernel/object/ref.h"
#include "kernel/task/schedule_choices.h"
#include "kernel/task/turn.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Thread;

class Scheduler {
 public:
  /// The smallest slice, and the period in which every thread has its turn while they are few enough for it
  /// (kDefaultMinimumGranularity and kDefaultTargetLatency of kernel/scheduler.h, as they are since 2021).
  static constexpr Duration kGranularity{1'000'000};
  static constexpr Duration kTargetLatency{8'000'000};

  /// A CPU with less to do than this is as good as an idle one (kIntraClusterThreshold).
  static constexpr Duration kNextToNothing{25'000};
  /// How fast a CPU is, in 2^31ths of the fastest (SchedPerformanceScale).
  static constexpr int64_t kFullSpeed = int64_t{1} << 31;

  explicit Scheduler(unsigned cpus) : cpus_(cpus), online_(all_cpus()) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  unsigned cpu_count() const { return static_cast<unsigned>(cpus_.size()); }
  Thread* current(unsigned cpu) const { return cpus_[cpu].current; }
  /// Whoever answers where more than one answer is right; null: the usual. Not owned.
  void set_choices(ScheduleChoices* choices) { choices_ = choices; }
  /// The kernel works on this CPU: threads that never ran begin their search for one here.
  void enter(unsigned cpu) { here_ = cpu; }

  /// The thread may run: it gets in line on some CPU. No effect when it may already.
  void ready(Thread& thread, Time now);
  /// The thread may not run any more, wherever it stands.
  void stop(Thread& thread, Time now);
  /// The current thread lets its equals go first.
  void yield(unsigned cpu, Time now);

  /// Makes it a fair thread of this priority, or keeps it one.
  void set_priority(Thread& thread, uint8_t priority, Time now);
  void set_deadline(Thread& thread, const abi::SchedDeadlineParams& params, Time now);
  /// What it gets from those who wait for what it owns; Turn::kNothingInherited for nothing. True when that changed
  /// its priority. Threads with deadlines inherit nothing.
  bool inherit(Thread& thread, int8_t priority, Time now);
  /// Which CPUs it may run on; one that has none of these may run on all.
  void set_affinity(Thread& thread, uint32_t mask, Time now);

  /// The CPUs of the mask run threads, and no others do.
  void set_online(uint32_t mask, Time now);
  uint32_t online() const { return online_; }
  /// More than 0.
  void set_speed(unsigned cpu, int64_t speed, Time now);

  /// What `cpu` runs from now on: the current thread while its slice lasts and no deadline is nearer. Null: idle.
  Thread* choose(unsigned cpu, Time now);
  /// Whether choose() has to be asked before the current thread goes on.
  bool should_switch(unsigned cpu) const { return cpus_[cpu].current == nullptr || cpus_[cpu].reschedule; }
  /// The same, by looking: true when the current thread keeps the CPU after all, though its slice may have changed.
  bool keeps(unsigned cpu, Time now);
  /// Whether an idle CPU has something to run.
  bool work_waiting() const { return ready_count_ != 0 && idle_has_work(); }
  /// Threads that wait for a CPU.
  size_t ready_count() const { return ready_count_; }
  /// How long the current thread may run on.
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
    uint64_t slices_over = 0;       ///< A thread's slice was over and another came.
    uint64_t preempts = 0;          ///< One with a deadline came.
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
  using Question = ScheduleChoices::Question;
  /// How a thread gets its place in a queue: anew, back after being pushed aside, or as one that was there.
  enum class Placement : uint8_t { kInsertion, kPreemption, kAdjustment };

  struct Entry {
    Time key;  // Deadline, release or virtual finish.
    uint64_t generation = 0;
    Thread* thread = nullptr;
    bool operator<(const Entry& other) const {
      return key != other.key ? key < other.key : generation < other.generation;
    }
  };
  using Queue = std::set<Entry>;

  struct Cpu {
    Thread* current = nullptr;
    bool reschedule = false;
    Queue fair;
    Queue released;
    Queue throttled;
    // Of all that are in its queues, and of the current one.
    int64_t weight = 0;
    int64_t fair_count = 0;
    int64_t deadline_count = 0;
    int64_t utilization = 0;
    Duration expected;
    int64_t speed = kFullSpeed;
    int64_t scheduled_weight = 0;  // When the current thread's slice was made.
    Time virtual_time;
    Time updated;      // When virtual time was.
    Time slice_start;  // Of the current thread's slice.
    Time idle_since;
    Duration idle;
    Counts counts;
    uint64_t previous = 0;  // Koid of who ran before.

    bool has_work() const { return !fair.empty() || !released.empty(); }
    size_t ready() const { return fair.size() + released.size(); }
    /// What time on this CPU is worth on the fastest, and the other way round.
    Duration worth(Duration here) const;
    Duration takes(Duration worth) const;
  };

  uint32_t ask(Question question, size_t answers, size_t usual) const;
  uint32_t all_cpus() const { return cpus_.size() >= 32 ? ~uint32_t{0} : (uint32_t{1} << cpus_.size()) - 1; }
  uint32_t allowed(const Turn& turn) const;
  unsigned find_cpu(const Turn& turn) const;
  bool idle_has_work() const;

  void insert(unsigned cpu, Thread& thread, Time now);
  void remove(Thread& thread);
  void account(Cpu& at, const Turn& turn, int sign);
  void enqueue(Thread& thread, Placement placement, Time now, Duration ran = {});
  void dequeue(Thread& thread);
  Queue& queue_of(const Turn& turn);
  static Time key_of(const Turn& turn);
  void release_due(Cpu& at, Time now);
  Thread* take_next(unsigned cpu, Time now);
  Thread* steal(unsigned cpu);

  static void update_timeline(Cpu& at, Time now);
  static Duration period(const Cpu& at);
  static Duration fair_slice(const Cpu& at, const Turn& turn);
  static void adjust_slice(Cpu& at, Turn& turn, Time now);
  bool expired(const Cpu& at, const Turn& turn, Time now) const;
  bool outranked(const Cpu& at, const Turn& turn) const;
  static void charge(Turn& turn, Time now);
  static void average(Cpu& at, Turn& turn, Time now, bool over);
  void put_on(unsigned cpu, Thread& thread, Time now);
  /// `over`: its time is up, or it has nothing more to do.
  void take_off(Cpu& at, Time now, bool over);
  /// Does `change` to what a thread is, wherever it stands.
  template <class F>
  void change(Thread& thread, Time now, F&& change);

  std::vector<Cpu> cpus_;
  ScheduleChoices* choices_ = nullptr;
  uint32_t online_ = 0;
  size_t ready_count_ = 0;  // In all queues, but for who is throttled.
  uint64_t generation_ = 0;
  uint32_t here_ = 0;
};

}  // namespace jacinth::kernel
