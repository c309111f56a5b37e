// Scheduling profiles (zircon/syscalls/profile.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/flags.h"
#include "kernel/abi/info_task.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

enum class ProfileFlags : uint32_t { kNone = 0, kPriority = 1u << 0, kCpuMask = 1u << 1, kDeadline = 1u << 2 };
template <>
inline constexpr bool kIsFlagSet<ProfileFlags> = true;

inline constexpr int32_t kPriorityLowest = 0;
inline constexpr int32_t kPriorityLow = 8;
inline constexpr int32_t kPriorityDefault = 16;
inline constexpr int32_t kPriorityHigh = 24;
inline constexpr int32_t kPriorityHighest = 31;

struct SchedDeadlineParams {
  Duration capacity;
  Duration relative_deadline;
  Duration period;
};
static_assert(WireStruct<SchedDeadlineParams> && sizeof(SchedDeadlineParams) == 24);

struct ProfileInfo {
  ProfileFlags flags = ProfileFlags::kNone;
  std::array<uint8_t, 4> padding1 = {};
  union {
    SchedDeadlineParams deadline_params = {};
    int32_t priority;
  };
  CpuSet cpu_affinity_mask;
};
static_assert(WireStruct<ProfileInfo> && sizeof(ProfileInfo) == 96 && offsetof(ProfileInfo, cpu_affinity_mask) == 32);

}  // namespace jacinth::abi
