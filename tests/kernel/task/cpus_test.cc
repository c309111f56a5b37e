// CPUs that are taken away or slower than others, and what the scheduler expects of threads.
#include <vector>

#include "tests/kernel/task/scheduler_rig.h"

namespace jacinth::kernel {
namespace {

constexpr int64_t kMs = 1'000'000;

/// Runs for a while and then waits.
void run_once(SchedulerRig& rig, Thread& thread, int64_t ns) {
  rig.scheduler.ready(thread, rig.now);
  REQUIRE(rig.choose(thread.turn().cpu) == &thread);
  rig.pass(ns);
  rig.scheduler.stop(thread, rig.now);
}

}  // namespace

TEST_CASE("what a thread is expected to run rises at once and falls by a quarter of the difference") {
  SchedulerRig rig;
  Thread& thread = rig.thread();
  REQUIRE(thread.turn().expected == Duration{8 * kMs});
  run_once(rig, thread, 4 * kMs);
  REQUIRE(thread.turn().expected == Duration{7 * kMs});
  run_once(rig, thread, 3 * kMs);
  REQUIRE(thread.turn().expected == Duration{6 * kMs});
  run_once(rig, thread, 7 * kMs);
  REQUIRE(thread.turn().expected == Duration{7 * kMs});
}

TEST_CASE("a run that is interrupted counts as one") {
  SchedulerRig rig;
  Thread& thread = rig.ready();
  REQUIRE(rig.choose() == &thread);
  rig.pass(2 * kMs);
  Thread& urgent = rig.deadline(1 * kMs, 2 * kMs, 50 * kMs);
  REQUIRE(rig.choose() == &urgent);
  REQUIRE(thread.turn().expected == Duration{8 * kMs});
  rig.scheduler.stop(urgent, rig.now);
  REQUIRE(rig.choose() == &thread);
  rig.pass(2 * kMs);
  rig.scheduler.stop(thread, rig.now);
  REQUIRE(thread.turn().expected == Duration{7 * kMs});
}

TEST_CASE("a CPU with next to nothing to do is as good as an idle one") {
  for (auto [busy, expected] : {std::pair<int64_t, uint32_t>{25'000, 0}, {25'001, 1}}) {
    SchedulerRig rig(2);
    Thread& small = rig.thread();
    small.turn().expected = Duration{busy};
    rig.scheduler.ready(small, rig.now);
    REQUIRE(small.turn().cpu == 0);
    REQUIRE(rig.ready().turn().cpu == expected);
  }
}

TEST_CASE("deadline threads go where their shares fit, before they go where there is less to do") {
  SchedulerRig rig(2);
  // Three quarters of CPU 0 are promised, and nothing of CPU 1, which has more to do.
  Thread& first = rig.deadline(3 * kMs, 4 * kMs, 4 * kMs);
  REQUIRE(first.turn().cpu == 0);
  Thread& fair = rig.thread();
  rig.pin(fair, 1);
  rig.scheduler.ready(fair, rig.now);
  fair.turn().affinity = ~uint32_t{0};
  Thread& second = rig.deadline(2 * kMs, 4 * kMs, 4 * kMs);
  REQUIRE(second.turn().cpu == 1);
}

TEST_CASE("a CPU that is taken away gives up what runs and waits there, and gets nothing new") {
  SchedulerRig rig(2);
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  Thread& late = rig.deadline(1 * kMs, 10 * kMs, 10 * kMs);
  rig.choose(0);
  rig.choose(1);
  rig.pass(1 * kMs);
  rig.scheduler.set_online(1, rig.now);
  for (unsigned cpu : {0u, 1u}) rig.choose(cpu);
  REQUIRE(rig.scheduler.current(1) == nullptr);
  REQUIRE(rig.choose(1) == nullptr);
  for (Thread* thread : {&a, &b, &late}) REQUIRE(thread->turn().cpu == 0);
  REQUIRE(rig.ready().turn().cpu == 0);
  REQUIRE_FALSE(rig.scheduler.work_waiting());

  // A thread that may run nowhere else does so anyway.
  Thread& pinned = rig.thread();
  rig.pin(pinned, 1);
  rig.scheduler.ready(pinned, rig.now);
  REQUIRE(pinned.turn().cpu == 0);

  rig.scheduler.set_online(3, rig.now);
  REQUIRE(rig.scheduler.work_waiting());  // It asks for something to do at once.
  REQUIRE(rig.choose(1) != nullptr);
}

TEST_CASE("all threads get their turn on the CPU that is left") {
  SchedulerRig rig(4);
  std::vector<Thread*> threads;
  for (int i = 0; i < 8; ++i) threads.push_back(&rig.ready());
  for (unsigned cpu = 0; cpu < 4; ++cpu) rig.choose(cpu);
  rig.scheduler.set_online(1, rig.now);
  for (unsigned cpu = 4; cpu-- > 0;) rig.choose(cpu);
  for (int i = 0; i < 16; ++i) {
    rig.pass(rig.scheduler.slice(0, rig.now).ns);
    rig.choose(0);
  }
  for (Thread* thread : threads) REQUIRE(Scheduler::runtime(*thread, rig.now).ns > 0);
}

TEST_CASE("a deadline thread gets more time where a CPU is slower, and no more than until its deadline") {
  SchedulerRig rig;
  rig.scheduler.set_speed(0, Scheduler::kFullSpeed / 2, rig.now);
  Thread& thread = rig.deadline(2 * kMs, 10 * kMs, 10 * kMs);
  REQUIRE(rig.choose() == &thread);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{4 * kMs});
  rig.pass(3 * kMs);
  REQUIRE(rig.choose() == &thread);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{1 * kMs});
  // At full speed half a millisecond is left of what it was promised.
  rig.scheduler.set_speed(0, Scheduler::kFullSpeed, rig.now);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{kMs / 2});
  rig.pass(kMs / 2);
  REQUIRE(rig.choose() == nullptr);

  rig.scheduler.set_speed(0, Scheduler::kFullSpeed / 100, rig.now);
  rig.pass(10 * kMs - 3 * kMs - kMs / 2);
  REQUIRE(rig.choose() == &thread);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{10 * kMs});
}

TEST_CASE("a fair thread has the same slice on a slow CPU, and counts for less there") {
  SchedulerRig rig;
  rig.scheduler.set_speed(0, Scheduler::kFullSpeed / 4, rig.now);
  Thread& thread = rig.thread();
  rig.scheduler.ready(thread, rig.now);
  REQUIRE(rig.choose() == &thread);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Scheduler::kTargetLatency);
  rig.pass(8 * kMs);
  rig.scheduler.stop(thread, rig.now);
  REQUIRE(thread.turn().expected == Duration{8 * kMs - 6 * kMs / 4});
}

TEST_CASE("no slow CPU takes a thread that would need more than all of it") {
  SchedulerRig rig(2);
  Thread& runs = rig.deadline(3 * kMs, 4 * kMs, 4 * kMs);
  rig.pin(runs, 0);
  REQUIRE(rig.choose(0) == &runs);
  Thread& waits = rig.thread();
  rig.pin(waits, 0);
  rig.scheduler.set_deadline(
      waits, {.capacity = Duration{3 * kMs}, .relative_deadline = Duration{5 * kMs}, .period = Duration{5 * kMs}},
      rig.now);
  rig.scheduler.ready(waits, rig.now);
  waits.turn().affinity = 3;
  rig.scheduler.set_speed(1, Scheduler::kFullSpeed / 2, rig.now);
  REQUIRE(rig.choose(1) == nullptr);
  rig.scheduler.set_speed(1, Scheduler::kFullSpeed, rig.now);
  REQUIRE(rig.choose(1) == &waits);
}

}  // namespace jacinth::kernel
