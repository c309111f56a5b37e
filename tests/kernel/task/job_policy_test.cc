// Job policy: which rule wins, and what is inherited.
#include "kernel/task/job_policy.h"

#include <vector>

#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using enum abi::PolicyAction;
using enum abi::PolicyCondition;
using Records = std::vector<abi::PolicyBasicV2>;
constexpr auto kFixed = abi::PolicyOverride::kDeny;
constexpr auto kOpen = abi::PolicyOverride::kAllow;
constexpr auto kRelative = abi::PolicyOption::kRelative;
constexpr auto kAbsolute = abi::PolicyOption::kAbsolute;

}  // namespace

TEST_CASE("everything is allowed at first") {
  JobPolicy policy;
  for (uint32_t c = 0; c < abi::kPolicyConditionCount; ++c) {
    REQUIRE(policy.action(static_cast<abi::PolicyCondition>(c)) == kAllow);
  }
}

TEST_CASE("what is fixed stays: skipped by a relative call, refused by an absolute one") {
  JobPolicy policy;
  REQUIRE(policy.add(kAbsolute, Records{{kNewPort, abi::PolicyAction::kDeny, kFixed}}) == Status::kOk);

  REQUIRE(policy.add(kRelative, Records{{kNewPort, kKill, kOpen}, {kNewVmo, kKill, kOpen}}) == Status::kOk);
  REQUIRE(policy.action(kNewPort) == abi::PolicyAction::kDeny);
  REQUIRE(policy.action(kNewVmo) == kKill);

  REQUIRE(policy.add(kAbsolute, Records{{kNewPort, abi::PolicyAction::kDeny, kFixed}}) == Status::kOk);
  REQUIRE(policy.add(kAbsolute, Records{{kNewFifo, kKill, kOpen}, {kNewPort, abi::PolicyAction::kAllow, kOpen}}) ==
          Status::kAlreadyExists);
  REQUIRE(policy.action(kNewFifo) == abi::PolicyAction::kAllow);
}

TEST_CASE("NEW_ANY stands for every new object, and other records of the call refine it") {
  JobPolicy policy;
  REQUIRE(policy.add(kAbsolute, Records{{kNewAny, abi::PolicyAction::kDeny, kFixed},
                                        {kNewChannel, abi::PolicyAction::kAllow, kFixed}}) == Status::kOk);
  for (uint32_t c = 0; c < abi::kPolicyConditionCount; ++c) {
    auto condition = static_cast<abi::PolicyCondition>(c);
    bool is_new = condition >= kNewAny && condition <= kNewPager;
    auto expected = is_new && condition != kNewChannel ? abi::PolicyAction::kDeny : abi::PolicyAction::kAllow;
    CAPTURE(c);
    REQUIRE(policy.action(condition) == expected);
  }
}

}  // namespace jacinth::kernel
