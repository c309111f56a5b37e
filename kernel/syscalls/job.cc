// Calls on jobs. zircon/kernel/lib/syscalls/task.cc.
#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "kernel/abi/policy.h"
#include "kernel/abi/task.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/revision.h"

namespace jacinth::kernel {
namespace {

/// Makes a job below another. WRITE stands in for MANAGE_JOB, as it did before that right existed.
Status job_create(Call& call, Handle parent_handle, uint32_t options, UserOut<Handle> out) {
  if (options != 0) return Status::kInvalidArgs;
  Result<Ref<Job>> parent = call.get<Job>(parent_handle, Rights::kManageJob);
  if (parent.status() == Status::kAccessDenied) parent = call.get<Job>(parent_handle, Rights::kWrite);
  if (!parent) return parent.status();
  Ref<Job> job = TRY(Job::create(*parent));
  return call.give(out, job, abi::default_rights(ObjectType::kJob));
}

/// July 2020 had 15 conditions: the one for pagers, which came in as the last but one, was not there.
Status set_policy_of_2020(Job& job, abi::PolicyOption option, std::span<abi::PolicyBasicV2> records) {
  constexpr uint32_t kConditions = abi::kPolicyConditionCount - 1;
  if (records.size() > kConditions) {
    TRY_STATUS(job.set_basic_policy(option, {}));  // Whether it may have one any more.
    return Status::kOutOfRange;
  }
  for (abi::PolicyBasicV2& record : records) {
    auto number = static_cast<uint32_t>(record.condition);
    if (number == kConditions || number == kConditions - 1) record.condition = abi::PolicyCondition{number + 1};
  }
  return job.set_basic_policy(option, records);
}

/// Says what the processes of a job may not do. A record of version 1 fixes its condition for all jobs below.
Status job_set_policy(Call& call, Handle handle, abi::PolicyOption option, abi::PolicyTopic topic, UserBytesIn policy,
                      uint32_t count) {
  if (option > abi::PolicyOption::kAbsolute) return Status::kInvalidArgs;
  if (topic == abi::PolicyTopic::kTimerSlack) {
    if (option != abi::PolicyOption::kRelative || count != 1 || policy.null()) return Status::kInvalidArgs;
    Ref<Job> job = TRY(call.get<Job>(handle, Rights::kSetPolicy));
    abi::PolicyTimerSlack slack;
    TRY_STATUS(policy.read(std::as_writable_bytes(std::span(&slack, 1))));
    return job->set_timer_slack(slack);
  }
  if (topic != abi::PolicyTopic::kBasicV1 && topic != abi::PolicyTopic::kBasicV2) return Status::kInvalidArgs;
  if (policy.null() || count == 0 || count > abi::kPolicyMaxRecords) return Status::kInvalidArgs;

  std::array<abi::PolicyBasicV2, abi::kPolicyMaxRecords> records;
  std::span<abi::PolicyBasicV2> used(records.data(), count);
  if (topic == abi::PolicyTopic::kBasicV2) {
    TRY_STATUS(policy.read(std::as_writable_bytes(used)));
  } else {
    std::array<abi::PolicyBasicV1, abi::kPolicyMaxRecords> old;
    TRY_STATUS(policy.read(std::as_writable_bytes(std::span(old.data(), count))));
    std::ranges::transform(std::span(old.data(), count), used.begin(), [](const abi::PolicyBasicV1& record) {
      return abi::PolicyBasicV2{
          .condition = record.condition, .action = record.policy, .flags = abi::PolicyOverride::kDeny};
    });
  }
  Ref<Job> job = TRY(call.get<Job>(handle, Rights::kSetPolicy));
  return of_july_2020(call) ? set_policy_of_2020(*job, option, used) : job->set_basic_policy(option, used);
}

/// Makes a process critical: when it dies, the job is killed.
Status job_set_critical(Call& call, Handle job_handle, abi::JobCriticalOptions options, Handle process_handle) {
  if (!within(options, abi::JobCriticalOptions::kRetcodeNonzero)) return Status::kInvalidArgs;
  Ref<Job> job = TRY(call.get<Job>(job_handle, Rights::kDestroy));
  Ref<Process> process = TRY(call.get<Process>(process_handle, Rights::kWait));
  return process->set_critical_to(job, options == abi::JobCriticalOptions::kRetcodeNonzero);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_job_create", bind<job_create>, Support::kFull, "Makes a job below another, down to the depth of 32."},
    {"zx_job_set_critical", bind<job_set_critical>, Support::kFull, "The job dies with the process."},
    {"zx_job_set_policy", bind<job_set_policy>, Support::kFull,
     "Basic policies of versions 1 and 2; timer slack of timers and of the deadlines of all calls. For programs with a "
     "dynamic linker ZX_POL_AMBIENT_MARK_VMO_EXEC is 14 and the last, as in July 2020."},
});

}  // namespace

std::span<const Row> job_rows() { return kRows; }

}  // namespace jacinth::kernel
