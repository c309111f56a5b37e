// Threads with deadlines: a share of each period, the earliest deadline first, before everybody who is fair.
#include "tests/kernel/task/scheduler_rig.h"

namespace jacinth::kernel {
namespace {

constexpr int64_t kMs = 1'000'000;

}  // namespace

TEST_CASE("a deadline thread goes before every fair one, and takes the CPU from it") {
  SchedulerRig rig;
  Thread& fair = rig.ready(31);
  REQUIRE(rig.choose() == &fair);
  Thread& thread = rig.deadline(2 * kMs, 5 * kMs, 10 * kMs);
  REQUIRE_FALSE(rig.scheduler.keeps(0, rig.now));
  REQUIRE(rig.choose() == &thread);
  REQUIRE(rig.scheduler.counts(0).preempts == 1);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{2 * kMs});
}

TEST_CASE("a deadline thread gets its capacity in each period and no more, and the rest is for others") {
  SchedulerRig rig;
  Thread& fair = rig.ready();
  Thread& thread = rig.deadline(2 * kMs, 5 * kMs, 10 * kMs);
  for (int period = 0; period < 5; ++period) {
    REQUIRE(rig.choose() == &thread);
    rig.pass(2 * kMs);
    REQUIRE(rig.choose() == &fair);
    REQUIRE(thread.turn().place == Turn::Place::kThrottled);
    rig.pass(7 * kMs);
    REQUIRE(rig.choose() == &fair);
    rig.pass(1 * kMs);
  }
  REQUIRE(Scheduler::runtime(thread, rig.now) == Duration{10 * kMs});
}

TEST_CASE("the alarm comes when a throttled thread may run again, also on an idle CPU") {
  SchedulerRig rig;
  Thread& thread = rig.deadline(2 * kMs, 5 * kMs, 10 * kMs);
  REQUIRE(rig.choose() == &thread);
  rig.pass(2 * kMs);
  REQUIRE(rig.choose() == nullptr);
  REQUIRE(rig.k.platform().alarm() == Time{10 * kMs});
  rig.pass(8 * kMs);
  REQUIRE(rig.choose() == &thread);
}

TEST_CASE("the earliest deadline goes first, and one that is earlier still preempts") {
  SchedulerRig rig;
  Thread& late = rig.deadline(2 * kMs, 9 * kMs, 20 * kMs);
  Thread& early = rig.deadline(2 * kMs, 5 * kMs, 20 * kMs);
  REQUIRE(rig.choose() == &early);
  rig.pass(2 * kMs);
  REQUIRE(rig.choose() == &late);
  rig.pass(1 * kMs);
  Thread& urgent = rig.deadline(1 * kMs, 2 * kMs, 20 * kMs);
  REQUIRE(rig.choose() == &urgent);
  rig.pass(1 * kMs);
  REQUIRE(rig.choose() == &late);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{1 * kMs});  // What it had left.
}

TEST_CASE("a later deadline does not preempt") {
  SchedulerRig rig;
  Thread& early = rig.deadline(2 * kMs, 5 * kMs, 20 * kMs);
  REQUIRE(rig.choose() == &early);
  rig.deadline(2 * kMs, 9 * kMs, 20 * kMs);
  REQUIRE(rig.scheduler.keeps(0, rig.now));
}

TEST_CASE("what a deadline thread did not use is gone at its deadline") {
  SchedulerRig rig;
  Thread& thread = rig.deadline(4 * kMs, 5 * kMs, 10 * kMs);
  REQUIRE(rig.choose() == &thread);
  rig.pass(1 * kMs);
  rig.scheduler.stop(thread, rig.now);
  rig.choose();

  rig.pass(2 * kMs);  // Two are left until the deadline, and three of the capacity.
  rig.scheduler.ready(thread, rig.now);
  REQUIRE(rig.choose() == &thread);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{2 * kMs});
  rig.scheduler.stop(thread, rig.now);
  rig.choose();

  rig.pass(4 * kMs);  // After it: it waits for its next period.
  rig.scheduler.ready(thread, rig.now);
  REQUIRE(thread.turn().place == Turn::Place::kThrottled);
  REQUIRE(thread.turn().start == Time{10 * kMs});
  REQUIRE(rig.choose() == nullptr);
}

TEST_CASE("a thread that sleeps longer than a period begins a new one when it is ready") {
  SchedulerRig rig;
  Thread& thread = rig.deadline(4 * kMs, 5 * kMs, 10 * kMs);
  rig.choose();
  rig.scheduler.stop(thread, rig.now);
  rig.pass(57 * kMs);
  rig.scheduler.ready(thread, rig.now);
  REQUIRE(rig.choose() == &thread);
  REQUIRE(thread.turn().finish == Time{62 * kMs});
}

TEST_CASE("a thread can change between the two kinds wherever it stands") {
  SchedulerRig rig;
  Thread& runs = rig.ready();
  Thread& waits = rig.ready();
  Thread& sleeps = rig.thread();
  REQUIRE(rig.choose() == &runs);
  abi::SchedDeadlineParams params{
      .capacity = Duration{kMs}, .relative_deadline = Duration{2 * kMs}, .period = Duration{4 * kMs}};
  for (Thread* thread : {&runs, &waits, &sleeps}) rig.scheduler.set_deadline(*thread, params, rig.now);
  REQUIRE(rig.choose() == &runs);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{kMs});
  rig.pass(kMs);
  REQUIRE(rig.choose() == &waits);
  rig.pass(kMs);
  REQUIRE(rig.choose() == nullptr);

  for (Thread* thread : {&runs, &waits, &sleeps}) rig.scheduler.set_priority(*thread, 16, rig.now);
  rig.scheduler.ready(sleeps, rig.now);
  REQUIRE(rig.choose() != nullptr);
  REQUIRE(rig.scheduler.slice(0, rig.now).ns >= 2 * kMs);
}

TEST_CASE("deadline threads spread over CPUs by the share that they take") {
  SchedulerRig rig(2);
  Thread& a = rig.deadline(8 * kMs, 10 * kMs, 10 * kMs);
  Thread& b = rig.deadline(2 * kMs, 10 * kMs, 10 * kMs);
  Thread& c = rig.deadline(2 * kMs, 10 * kMs, 10 * kMs);
  REQUIRE(a.turn().cpu == 0);
  REQUIRE(b.turn().cpu == 1);
  REQUIRE(c.turn().cpu == 1);
}

}  // namespace jacinth::kernel
