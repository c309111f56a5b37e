// How the calls on jobs, processes and threads fail where the task itself says no, and what they take at all.
#include "kernel/abi/policy.h"
#include "kernel/abi/time.h"
#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {
namespace {

using abi::PolicyAction;
using abi::PolicyCondition;
using abi::PolicyOption;
using abi::PolicyTopic;

struct Rig : ExceptionRig {
  using ExceptionRig::ExceptionRig;
  Handle new_job(Handle parent) { return make("job_create", parent, 0); }
  template <class T>
  Status set_policy(Handle job, PolicyOption option, PolicyTopic topic, const T& policy) {
    return call("job_set_policy", job, option, topic, user(policy), 1);
  }
  void kill_victim() {
    victim_process().kill(0);
    run();
  }
};

TEST_CASE("jobs nest thirty-two deep", "[zx_job_create]") {
  Rig k;
  Handle deepest = k.handle(k.kernel().root_job());
  // The root job may have 32 generations below it.
  for (int depth = 0; depth < 32; ++depth) deepest = k.new_job(deepest);
  REQUIRE(k.call("job_create", deepest, 0, k.room(4)) == Status::kOutOfRange);
}

TEST_CASE("a policy that an ancestor fixed stays, and ABSOLUTE says so", "[zx_job_set_policy]") {
  Rig k;
  Handle parent = k.new_job(k.handle(k.job()));
  abi::PolicyBasicV2 fixed = {
      .condition = PolicyCondition::kNewEvent, .action = PolicyAction::kDeny, .flags = abi::PolicyOverride::kDeny};
  REQUIRE(k.set_policy(parent, PolicyOption::kAbsolute, PolicyTopic::kBasicV2, fixed) == Status::kOk);
  Handle child = k.new_job(parent);
  abi::PolicyBasicV1 other = {.condition = PolicyCondition::kNewEvent, .policy = PolicyAction::kAllow};
  REQUIRE(k.set_policy(child, PolicyOption::kAbsolute, PolicyTopic::kBasicV1, other) == Status::kAlreadyExists);
  REQUIRE(k.set_policy(child, PolicyOption::kRelative, PolicyTopic::kBasicV1, other) == Status::kOk);
  Ref<Process> process = k.make_process(k.object<Job>(child), "bound");
  REQUIRE(k.call_as(*process->threads().begin()->second, "event_create", 0, k.room(4)) == Status::kAccessDenied);
}

TEST_CASE("a job takes timer slack as RELATIVE alone", "[zx_job_set_policy]") {
  Rig k;
  Handle job = k.new_job(k.handle(k.job()));
  abi::PolicyTimerSlack slack = {.min_slack = Duration{500}, .default_mode = abi::TimerSlack::kLate};
  REQUIRE(k.set_policy(job, PolicyOption::kAbsolute, PolicyTopic::kTimerSlack, slack) == Status::kInvalidArgs);
  REQUIRE(k.set_policy(job, PolicyOption::kRelative, PolicyTopic::kTimerSlack, slack) == Status::kOk);
}

TEST_CASE("nothing is made in what is dead", "[zx_process_create][zx_thread_create]") {
  Rig k;
  GuestAddr out = k.room(8);
  k.kill_victim();
  REQUIRE(k.call("thread_create", k.process_handle, k.user_text("t"), 1, 0, out) == Status::kBadState);
  k.object<Job>(k.inner_job)->kill(0);
  k.run();
  REQUIRE(k.call("process_create", k.inner_job, k.user_text("p"), 1, 0, out, out + 4) == Status::kBadState);
}

TEST_CASE("both names of task_suspend refuse the caller and the dead", "[zx_task_suspend][zx_task_suspend_token]") {
  for (std::string_view name : {"task_suspend", "task_suspend_token"}) {
    Rig k;
    INFO(name);
    GuestAddr out = k.room(4);
    REQUIRE(k.call(name, k.handle(Ref<Object>(&k.main_thread())), out) == Status::kNotSupported);
    REQUIRE(k.call(name, k.handle(k.process()), out) == Status::kNotSupported);
    REQUIRE(k.call(name, k.process_handle, out) == Status::kOk);
    k.kill_victim();
    REQUIRE(k.call(name, k.thread_handle, out) == Status::kBadState);
  }
}

}  // namespace
}  // namespace jacinth::kernel
