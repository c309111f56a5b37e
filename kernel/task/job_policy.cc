#include "kernel/task/job_policy.h"

#include <algorithm>

#include "emu/state/archive.h"

namespace jacinth::kernel {
namespace {

using abi::PolicyCondition;

constexpr auto kNewObjectConditions = std::to_array<PolicyCondition>({
    PolicyCondition::kNewAny,
    PolicyCondition::kNewVmo,
    PolicyCondition::kNewChannel,
    PolicyCondition::kNewEvent,
    PolicyCondition::kNewEventpair,
    PolicyCondition::kNewPort,
    PolicyCondition::kNewSocket,
    PolicyCondition::kNewFifo,
    PolicyCondition::kNewTimer,
    PolicyCondition::kNewProcess,
    PolicyCondition::kNewProfile,
    PolicyCondition::kNewPager,
});

/// More records than this cannot be about different conditions, says the real kernel (ZX_POL_MAX).
constexpr size_t kMaxRecords = abi::kPolicyConditionCount;

}  // namespace

Status JobPolicy::add(abi::PolicyOption option, std::span<const abi::PolicyBasicV2> records) {
  if (records.size() > kMaxRecords) return Status::kOutOfRange;

  auto entries = entries_;
  auto set = [&](PolicyCondition condition, const abi::PolicyBasicV2& record) {
    const Entry& before = entries_[static_cast<size_t>(condition)];
    if (before.flags == abi::PolicyOverride::kDeny) {
      bool same = before.action == record.action;
      return same || option == abi::PolicyOption::kRelative ? Status::kOk : Status::kAlreadyExists;
    }
    entries[static_cast<size_t>(condition)] = {record.action, record.flags};
    return Status::kOk;
  };

  for (const abi::PolicyBasicV2& record : records) {
    if (static_cast<uint32_t>(record.condition) >= abi::kPolicyConditionCount) return Status::kInvalidArgs;
    if (record.flags > abi::PolicyOverride::kDeny) return Status::kInvalidArgs;
    if (record.action > abi::PolicyAction::kKill) return Status::kNotSupported;
    if (record.condition == PolicyCondition::kNewAny) {
      for (PolicyCondition condition : kNewObjectConditions) TRY_STATUS(set(condition, record));
    } else {
      TRY_STATUS(set(record.condition, record));
    }
  }
  entries_ = entries;
  return Status::kOk;
}

Status JobPolicy::set_timer_slack(const abi::PolicyTimerSlack& policy) {
  if (policy.min_slack.ns < 0 || policy.default_mode > abi::TimerSlack::kLate) return Status::kInvalidArgs;
  min_slack_ = std::max(min_slack_, policy.min_slack);
  slack_mode_ = policy.default_mode;
  return Status::kOk;
}

Slack JobPolicy::slack() const {
  return {.early = slack_mode_ == abi::TimerSlack::kLate ? Duration{} : min_slack_,
          .late = slack_mode_ == abi::TimerSlack::kEarly ? Duration{} : min_slack_};
}

void JobPolicy::state(Archive& ar) {
  for (Entry& entry : entries_) ar(entry.action, entry.flags);
  ar(min_slack_, slack_mode_);
}

}  // namespace jacinth::kernel
