// Job policies: what happens when a process does something that its job forbids (zircon/syscalls/policy.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/time.h"

namespace jacinth::abi {

/// zx_job_set_policy: what to do with conditions that an ancestor has already fixed.
enum class PolicyOption : uint32_t { kRelative = 0, kAbsolute = 1 };

enum class PolicyTopic : uint32_t { kBasicV1 = 0x0000'0000, kTimerSlack = 1, kBasicV2 = 0x0100'0000 };

/// As of 2022: kNewPager came in at 14 and moved kAmbientMarkVmoExec to 15.
enum class PolicyCondition : uint32_t {
  kBadHandle = 0,
  kWrongObject = 1,
  kVmarWx = 2,
  kNewAny = 3,
  kNewVmo = 4,
  kNewChannel = 5,
  kNewEvent = 6,
  kNewEventpair = 7,
  kNewPort = 8,
  kNewSocket = 9,
  kNewFifo = 10,
  kNewTimer = 11,
  kNewProcess = 12,
  kNewProfile = 13,
  kNewPager = 14,
  kAmbientMarkVmoExec = 15,
};
inline constexpr uint32_t kPolicyConditionCount = 16;

/// One call may carry this many records.
inline constexpr size_t kPolicyMaxRecords = 32;

enum class PolicyAction : uint32_t { kAllow = 0, kDeny = 1, kAllowException = 2, kDenyException = 3, kKill = 4 };

enum class PolicyOverride : uint32_t { kAllow = 0, kDeny = 1 };

struct PolicyBasicV1 {
  PolicyCondition condition = PolicyCondition::kBadHandle;
  PolicyAction policy = PolicyAction::kAllow;
};
static_assert(WireStruct<PolicyBasicV1> && sizeof(PolicyBasicV1) == 8);

struct PolicyBasicV2 {
  PolicyCondition condition = PolicyCondition::kBadHandle;
  PolicyAction action = PolicyAction::kAllow;
  PolicyOverride flags = PolicyOverride::kAllow;
};
static_assert(WireStruct<PolicyBasicV2> && sizeof(PolicyBasicV2) == 12);

struct PolicyTimerSlack {
  Duration min_slack;
  TimerSlack default_mode = TimerSlack::kCenter;
  uint32_t padding1 = 0;
};
static_assert(WireStruct<PolicyTimerSlack> && sizeof(PolicyTimerSlack) == 16);

}  // namespace jacinth::abi
