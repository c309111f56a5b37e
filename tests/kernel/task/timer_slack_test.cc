// The timer slack of a job's policy: leave for the waits of its processes to end together with others.
#include "kernel/abi/policy.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

/// A process whose job has slack, and a thread of the first process that sleeps until 1000.
struct SlackRig : KernelRig {
  explicit SlackRig(abi::TimerSlack mode, int64_t slack = 50) {
    Ref<Job> slack_job = *Job::create(job());
    REQUIRE(slack_job->set_timer_slack({.min_slack = Duration{slack}, .default_mode = mode}) == Status::kOk);
    sleeper = &make_thread(make_process(slack_job, "lenient"));
    start(thread(), "nanosleep", Time{1000});
  }
  /// When a sleep until `when` ends.
  Time end_of(Time when) {
    Made& made = start(*sleeper, "nanosleep", when);
    for (int64_t at = std::min<int64_t>(when.ns, 1000) - 100; at <= when.ns + 100; at += 10) {
      advance_to(Time{at});
      if (made.over) return Time{at};
    }
    return Time::never();
  }
  Thread* sleeper = nullptr;
};

}  // namespace

TEST_CASE("a wait joins a deadline within its slack", "[zx_job_set_policy][zx_nanosleep]") {
  REQUIRE(SlackRig(abi::TimerSlack::kCenter).end_of(Time{1040}) == Time{1000});
  REQUIRE(SlackRig(abi::TimerSlack::kCenter).end_of(Time{960}) == Time{1000});
}

TEST_CASE("it joins only one that its mode allows", "[zx_job_set_policy][zx_nanosleep]") {
  REQUIRE(SlackRig(abi::TimerSlack::kEarly).end_of(Time{1040}) == Time{1000});
  REQUIRE(SlackRig(abi::TimerSlack::kEarly).end_of(Time{960}) == Time{960});
  REQUIRE(SlackRig(abi::TimerSlack::kLate).end_of(Time{1040}) == Time{1040});
  REQUIRE(SlackRig(abi::TimerSlack::kLate).end_of(Time{960}) == Time{1000});
}

TEST_CASE("a wait that finds nothing within its slack is exact", "[zx_job_set_policy][zx_nanosleep]") {
  REQUIRE(SlackRig(abi::TimerSlack::kCenter).end_of(Time{1060}) == Time{1060});
  REQUIRE(SlackRig(abi::TimerSlack::kCenter, 0).end_of(Time{1010}) == Time{1010});
}

TEST_CASE("every call that waits has the slack", "[zx_job_set_policy][zx_futex_wait]") {
  SlackRig k(abi::TimerSlack::kCenter);
  GuestAddr word = k.user(int32_t{0});
  Made& made = k.start(*k.sleeper, "futex_wait", word, 0, Handle{0}, Time{1040});
  k.advance_to(Time{1000});
  REQUIRE(made.status() == Status::kTimedOut);
}

}  // namespace jacinth::kernel
