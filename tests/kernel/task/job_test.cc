// Jobs: the tree, its limits, and how it dies.
#include "kernel/task/job.h"

#include <array>

#include "kernel/abi/task.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

constexpr int64_t kSyscallKill = static_cast<int64_t>(abi::TaskRetcode::kSyscallKill);

Ref<Job> child_of(const Ref<Job>& parent) {
  Result<Ref<Job>> job = Job::create(parent);
  REQUIRE(job.has_value());
  return *job;
}

Handle job_create(KernelRig& k, Handle parent) {
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("job_create", parent, 0, out) == Status::kOk);
  return k.peek<Handle>(out);
}

}  // namespace

TEST_CASE("jobs nest 32 deep and no deeper", "[zx_job_create]") {
  KernelRig k;
  Ref<Job> job = k.kernel().root_job();
  std::vector<Ref<Job>> chain;
  for (uint32_t height = Job::kRootHeight; height > 0; --height) {
    REQUIRE(job->height() == height);
    job = child_of(job);
    chain.push_back(job);
  }
  REQUIRE(job->height() == 0);
  REQUIRE(Job::create(job).status() == Status::kOutOfRange);
}

TEST_CASE("job_create takes MANAGE_JOB, or WRITE in its place", "[zx_job_create]") {
  KernelRig k;
  GuestAddr out = k.room(sizeof(Handle));
  Handle manage = k.handle(k.job(), Rights::kManageJob);
  Handle write = k.handle(k.job(), Rights::kWrite);
  Handle neither = k.handle(k.job(), Rights::kRead | Rights::kManageProcess);

  REQUIRE(k.call("job_create", manage, 0, out) == Status::kOk);
  REQUIRE(k.call("job_create", write, 0, out) == Status::kOk);
  REQUIRE(k.call("job_create", neither, 0, out) == Status::kAccessDenied);
  REQUIRE(k.call("job_create", manage, 1, out) == Status::kInvalidArgs);
  REQUIRE(k.call("job_create", Handle{0}, 0, out) == Status::kBadHandle);
  REQUIRE(k.call("job_create", k.handle(k.process()), 0, out) == Status::kWrongType);
}

TEST_CASE("job_create leaves no handle behind when its result cannot be stored", "[zx_job_create]") {
  KernelRig k;
  Handle parent = k.handle(k.job());
  size_t before = k.process()->handles().size();
  REQUIRE(k.call("job_create", parent, 0, GuestAddr(0x10)) == Status::kInvalidArgs);
  REQUIRE(k.process()->handles().size() == before);
  REQUIRE(k.job()->jobs().empty());
}

TEST_CASE("NO_JOBS and NO_PROCESSES follow the first and the last child") {
  KernelRig k;
  Ref<Job> job = child_of(k.job());
  REQUIRE(job->signals() == (Signals::kJobNoJobs | Signals::kJobNoProcesses));

  Ref<Job> inner = child_of(job);
  REQUIRE(job->signals() == Signals::kJobNoProcesses);
  inner = nullptr;
  k.kernel().settle();
  REQUIRE(job->signals() == (Signals::kJobNoJobs | Signals::kJobNoProcesses));

  Ref<Process> process = *Process::create(job, "p");
  REQUIRE(job->signals() == Signals::kJobNoJobs);
  process->kill(0);
  k.kernel().settle();
  REQUIRE(job->signals() == (Signals::kJobNoJobs | Signals::kJobNoProcesses));
}

TEST_CASE("killing a job kills all that is below, and it is dead when the last has left", "[zx_task_kill]") {
  KernelRig k;
  Handle job_handle = job_create(k, k.handle(k.job()));
  Ref<Job> job = k.object<Job>(job_handle);
  Ref<Job> inner = child_of(job);
  Ref<Process> process = *Process::create(inner, "p");
  auto thread = make_object<Thread>(process, "t");
  REQUIRE(thread->start({}, true) == Status::kOk);

  REQUIRE(k.call("task_kill", job_handle) == Status::kOk);

  REQUIRE(process->dead());
  REQUIRE(process->return_code() == kSyscallKill);
  REQUIRE(contains(process->signals(), Signals::kProcessTerminated));
  REQUIRE(contains(thread->signals(), Signals::kThreadTerminated));
  for (const Ref<Job>& dead : {inner, job}) {
    REQUIRE(dead->job_state() == Job::State::kDead);
    REQUIRE(contains(dead->signals(), Signals::kJobTerminated));
    REQUIRE(dead->return_code() == kSyscallKill);
  }
  REQUIRE_FALSE(job->kill(7));
  REQUIRE(job->return_code() == kSyscallKill);
}

TEST_CASE("a killed job takes no children any more", "[zx_job_create]") {
  KernelRig k;
  Handle job = job_create(k, k.handle(k.job()));
  REQUIRE(k.call("task_kill", job) == Status::kOk);
  REQUIRE(k.call("job_create", job, 0, k.room(sizeof(Handle))) == Status::kBadState);
  REQUIRE(Process::create(k.object<Job>(job), "p").status() == Status::kBadState);
}

TEST_CASE("a program may kill the job it lives in", "[zx_task_kill]") {
  KernelRig k;
  Handle own = k.handle(k.job());
  k.start(k.main_thread(), "task_kill", own);
  REQUIRE(k.process()->dead());
  REQUIRE(k.job()->job_state() == Job::State::kDead);
}

TEST_CASE("a job without handles lives on while it has children") {
  KernelRig k;
  Handle handle = job_create(k, k.handle(k.job()));
  Koid koid = k.object<Job>(handle)->koid();
  Ref<Process> process = *Process::create(k.object<Job>(handle), "p");

  k.close(handle);
  REQUIRE(k.core().objects().find(koid) != nullptr);
  process->kill(0);
  process = nullptr;
  k.kernel().settle();
  REQUIRE(k.core().objects().find(koid) == nullptr);
}

TEST_CASE("a critical process takes its job along", "[zx_job_set_critical]") {
  KernelRig k;
  for (bool only_nonzero : {false, true}) {
    for (int64_t code : {0, 5}) {
      Handle job = job_create(k, k.handle(k.job()));
      Ref<Process> process = *Process::create(child_of(k.object<Job>(job)), "p");
      Handle process_handle = k.handle(process);
      REQUIRE(k.call("job_set_critical", job, only_nonzero ? 1 : 0, process_handle) == Status::kOk);
      REQUIRE(k.call("job_set_critical", job, 0, process_handle) == Status::kAlreadyBound);

      process->kill(code);
      k.kernel().settle();

      bool dies = !only_nonzero || code != 0;
      REQUIRE((k.object<Job>(job)->job_state() == Job::State::kDead) == dies);
      if (dies) {
        REQUIRE(k.object<Job>(job)->return_code() == static_cast<int64_t>(abi::TaskRetcode::kCriticalProcessKill));
      }
    }
  }
}

TEST_CASE("a process can be critical only to a job above it", "[zx_job_set_critical]") {
  KernelRig k;
  Handle sibling = job_create(k, k.handle(k.job()));
  REQUIRE(k.call("job_set_critical", sibling, 0, k.handle(k.process())) == Status::kInvalidArgs);
  REQUIRE(k.call("job_set_critical", k.handle(k.job()), 2, k.handle(k.process())) == Status::kInvalidArgs);
  REQUIRE(k.call("job_set_critical", k.handle(k.job(), Rights::kRead), 0, k.handle(k.process())) ==
          Status::kAccessDenied);
  // Whether it is critical already is asked first.
  REQUIRE(k.call("job_set_critical", k.handle(k.job()), 0, k.handle(k.process())) == Status::kOk);
  REQUIRE(k.call("job_set_critical", sibling, 0, k.handle(k.process())) == Status::kAlreadyBound);
}

TEST_CASE("a basic policy binds the processes made after it", "[zx_job_set_policy]") {
  KernelRig k;
  Handle job = job_create(k, k.handle(k.job()));
  std::array<abi::PolicyBasicV2, 1> records{{{abi::PolicyCondition::kNewChannel, abi::PolicyAction::kDeny}}};
  REQUIRE(k.call("job_set_policy", job, abi::PolicyOption::kRelative, abi::PolicyTopic::kBasicV2, k.user(records), 1) ==
          Status::kOk);

  Ref<Process> process = *Process::create(k.object<Job>(job), "p");
  auto thread = make_object<Thread>(process, "t");
  REQUIRE(process->enforce(abi::PolicyCondition::kNewChannel, *thread) == Status::kAccessDenied);
  REQUIRE(process->enforce(abi::PolicyCondition::kNewEvent, *thread) == Status::kOk);
  REQUIRE(k.call("job_set_policy", job, abi::PolicyOption::kRelative, abi::PolicyTopic::kBasicV2, k.user(records), 1) ==
          Status::kBadState);
}

TEST_CASE("in July 2020 there were fifteen conditions, the last one about executable VMOs", "[zx_job_set_policy]") {
  KernelRig k;
  k.core().vm().set_july_2020();
  Handle job = job_create(k, k.handle(k.job()));
  auto set = [&](uint32_t condition, uint32_t count = 1) {
    std::array<abi::PolicyBasicV1, 16> records{};
    records.fill({abi::PolicyCondition{condition}, abi::PolicyAction::kDeny});
    return k.call("job_set_policy", job, abi::PolicyOption::kRelative, abi::PolicyTopic::kBasicV1, k.user(records),
                  count);
  };
  REQUIRE(set(0, 16) == Status::kOutOfRange);
  REQUIRE(set(15) == Status::kInvalidArgs);
  REQUIRE(set(16) == Status::kInvalidArgs);
  REQUIRE(set(0, 15) == Status::kOk);
  REQUIRE(set(14) == Status::kOk);
  REQUIRE(k.object<Job>(job)->policy().action(abi::PolicyCondition::kAmbientMarkVmoExec) == abi::PolicyAction::kDeny);
  REQUIRE(k.object<Job>(job)->policy().action(abi::PolicyCondition::kNewPager) == abi::PolicyAction::kAllow);

  // One with children takes none at all, whatever is asked.
  Ref<Process> process = *Process::create(k.object<Job>(job), "p");
  REQUIRE(set(0, 16) == Status::kBadState);
  REQUIRE(set(15) == Status::kBadState);
}

TEST_CASE("job_set_policy refuses what it cannot mean", "[zx_job_set_policy]") {
  KernelRig k;
  using enum abi::PolicyOption;
  using enum abi::PolicyTopic;
  Handle job = job_create(k, k.handle(k.job()));
  GuestAddr good = k.user(std::array<abi::PolicyBasicV2, 33>{});
  auto set = [&](abi::PolicyOption option, abi::PolicyTopic topic, GuestAddr records, uint32_t count) {
    return k.call("job_set_policy", job, option, topic, records, count);
  };
  REQUIRE(set(static_cast<abi::PolicyOption>(2), kBasicV2, good, 1) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, static_cast<abi::PolicyTopic>(2), good, 1) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, kBasicV2, GuestAddr(0), 1) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, kBasicV2, GuestAddr(0x10), 1) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, kBasicV2, good, 0) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, kBasicV2, good, 33) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, kBasicV2, good, 17) == Status::kOutOfRange);

  GuestAddr condition = k.user(abi::PolicyBasicV2{static_cast<abi::PolicyCondition>(16), abi::PolicyAction::kDeny});
  REQUIRE(set(kRelative, kBasicV2, condition, 1) == Status::kInvalidArgs);
  GuestAddr action = k.user(abi::PolicyBasicV2{abi::PolicyCondition::kNewPort, static_cast<abi::PolicyAction>(5)});
  REQUIRE(set(kRelative, kBasicV2, action, 1) == Status::kNotSupported);

  GuestAddr slack = k.user(abi::PolicyTimerSlack{Duration{-1}, abi::TimerSlack::kLate});
  REQUIRE(set(kAbsolute, kTimerSlack, slack, 1) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, kTimerSlack, slack, 2) == Status::kInvalidArgs);
  REQUIRE(set(kRelative, kTimerSlack, slack, 1) == Status::kInvalidArgs);
  GuestAddr mode = k.user(abi::PolicyTimerSlack{Duration{1}, static_cast<abi::TimerSlack>(3)});
  REQUIRE(set(kRelative, kTimerSlack, mode, 1) == Status::kInvalidArgs);
}

TEST_CASE("timer slack only grows on the way down", "[zx_job_set_policy]") {
  KernelRig k;
  Ref<Job> job = child_of(k.job());
  REQUIRE(job->set_timer_slack({Duration{500}, abi::TimerSlack::kEarly}) == Status::kOk);
  Ref<Job> inner = child_of(job);
  REQUIRE(inner->set_timer_slack({Duration{200}, abi::TimerSlack::kLate}) == Status::kOk);
  REQUIRE(inner->policy().min_slack() == Duration{500});
  REQUIRE(inner->policy().slack_mode() == abi::TimerSlack::kLate);
  REQUIRE(job->set_timer_slack({Duration{900}, abi::TimerSlack::kLate}) == Status::kBadState);
}

}  // namespace jacinth::kernel
