#include "kernel/task/profile.h"

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

using abi::ProfileFlags;

Result<Ref<Profile>> Profile::create(Core& core, const abi::ProfileInfo& info) {
  bool priority = contains(info.flags, ProfileFlags::kPriority);
  bool deadline = contains(info.flags, ProfileFlags::kDeadline);
  constexpr auto kAll = ProfileFlags::kPriority | ProfileFlags::kCpuMask | ProfileFlags::kDeadline;
  if (info.flags == ProfileFlags::kNone || !within(info.flags, kAll) || (priority && deadline))
    return Status::kInvalidArgs;
  if (priority && (info.priority < abi::kPriorityLowest || info.priority > abi::kPriorityHighest))
    return Status::kInvalidArgs;
  if (deadline) {
    const abi::SchedDeadlineParams& params = info.deadline_params;
    bool admissible = params.capacity.ns > 0 && params.capacity <= params.relative_deadline &&
                      params.relative_deadline <= params.period;
    if (!admissible) return Status::kInvalidArgs;
  }
  auto profile = make_object<Profile>(core);
  profile->info_ = info;
  return profile;
}

Status Profile::apply(Thread& thread) const {
  if (thread.dying_or_dead()) return Status::kBadState;
  Scheduler& scheduler = thread.core().tasks().scheduler();
  Time now = thread.core().now();
  if (contains(info_.flags, ProfileFlags::kPriority)) {
    scheduler.set_priority(thread, static_cast<uint8_t>(info_.priority), now);
  }
  if (contains(info_.flags, ProfileFlags::kDeadline)) scheduler.set_deadline(thread, info_.deadline_params, now);
  if (contains(info_.flags, ProfileFlags::kCpuMask)) {
    scheduler.set_affinity(thread, static_cast<uint32_t>(info_.cpu_affinity_mask.mask[0]), now);
  }
  // Also of a thread that waits: it is woken in its new turn, and who owns what it waits for inherits it.
  thread.process().futexes().reprioritized(thread);
  return Status::kOk;
}

void Profile::state(Archive& ar) {
  Object::state(ar);
  ar(info_.flags, info_.deadline_params.capacity, info_.deadline_params.relative_deadline, info_.deadline_params.period,
     info_.cpu_affinity_mask.mask);
}

}  // namespace jacinth::kernel
