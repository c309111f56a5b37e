// Threads that are ready and a scheduler to choose among them; the kernel's own stands aside.
#pragma once

#include "kernel/task/scheduler.h"
#include "kernel/task/thread.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {

struct SchedulerRig {
  explicit SchedulerRig(unsigned cpus = 1) : scheduler(cpus) { k.main_thread(); }
  ~SchedulerRig() { scheduler.clear(); }

  Thread& thread(uint8_t priority = 16) {
    Thread& t = k.thread();
    k.kernel().tasks().scheduler().stop(t, now);
    t.turn() = {};
    t.turn().priority = t.turn().base_priority = priority;
    return t;
  }
  Thread& ready(uint8_t priority = 16) {
    Thread& t = thread(priority);
    scheduler.ready(t, now);
    return t;
  }
  /// A thread that may run `capacity` of each period.
  Thread& deadline(int64_t capacity, int64_t relative, int64_t period) {
    Thread& t = thread();
    scheduler.set_deadline(
        t, {.capacity = Duration{capacity}, .relative_deadline = Duration{relative}, .period = Duration{period}}, now);
    scheduler.ready(t, now);
    return t;
  }
  void pin(Thread& t, unsigned cpu) { scheduler.set_affinity(t, 1u << cpu, now); }
  Thread* choose(unsigned cpu = 0) { return scheduler.choose(cpu, now); }
  void pass(int64_t ns) { now = now + Duration{ns}; }

  KernelRig k;
  Scheduler scheduler;
  Time now;
};

}  // namespace jacinth::kernel
