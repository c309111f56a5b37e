// What a job lets its processes do (zircon/kernel/object/job_policy.cc, zx_job_set_policy).
//
// One action per condition, and whether jobs below may change it. Jobs hand a copy to each child when it is made;
// a process keeps the policy its job had then.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernel/abi/names.h"
#include "kernel/abi/policy.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

struct Slack {
  Duration early;
  Duration late;
};

class JobPolicy {
 public:
  abi::PolicyAction action(abi::PolicyCondition condition) const {
    return entries_[static_cast<size_t>(condition)].action;
  }
  abi::PolicyOverride flags(abi::PolicyCondition condition) const {
    return entries_[static_cast<size_t>(condition)].flags;
  }

  /// All records or none. What an ancestor fixed is skipped (relative) or refused with kAlreadyExists (absolute, unless
  /// the action is the same). kNewAny stands for every kNew* condition; other records of the call refine it.
  Status add(abi::PolicyOption option, std::span<const abi::PolicyBasicV2> records);

  Duration min_slack() const { return min_slack_; }
  /// How much earlier and later than asked a wait may end.
  Slack slack() const;
  abi::TimerSlack slack_mode() const { return slack_mode_; }
  /// The wider of the two slacks holds.
  Status set_timer_slack(const abi::PolicyTimerSlack& policy);

  void state(Archive& ar);

 private:
  struct Entry {
    abi::PolicyAction action = abi::PolicyAction::kAllow;
    abi::PolicyOverride flags = abi::PolicyOverride::kAllow;
  };
  std::array<Entry, abi::kPolicyConditionCount> entries_ = {};
  Duration min_slack_;
  abi::TimerSlack slack_mode_ = abi::TimerSlack::kCenter;
};

}  // namespace jacinth::kernel
