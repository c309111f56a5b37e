// Profiles. zircon/kernel/lib/syscalls/profile.cc.
#include "kernel/task/profile.h"

#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/kernel.h"

namespace jacinth::kernel {
namespace {

using abi::ProfileFlags;

/// Only whoever has the root job may say what is urgent.
Status profile_create(Call& call, Handle root_job, uint32_t options, UserIn<abi::ProfileInfo> user_info,
                      UserOut<Handle> out) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewProfile));
  if (options != 0) return Status::kInvalidArgs;
  Ref<Job> job = TRY(call.get<Job>(root_job, Rights::kManageProcess));
  if (!(job == call.kernel().root_job())) return Status::kAccessDenied;
  abi::ProfileInfo info = TRY(user_info.read());
  Ref<Profile> profile = TRY(Profile::create(call.core(), info));
  return call.give(out, std::move(profile), abi::default_rights(ObjectType::kProfile));
}

/// `options` count for nothing.
Status object_set_profile(Call& call, Handle handle, Handle profile_handle, uint32_t /*options*/) {
  Ref<Thread> thread = TRY(call.get<Thread>(handle, Rights::kManageThread));
  Ref<Profile> profile = TRY(call.get<Profile>(profile_handle, Rights::kApplyProfile));
  TRY_STATUS(profile->apply(*thread));
  if (contains(profile->info().flags, ProfileFlags::kDeadline)) {
    static_cast<void>(call.unsupported("ZX_PROFILE_INFO_FLAG_DEADLINE (the highest priority instead)", Status::kOk));
  }
  uint64_t cpus = (uint64_t{1} << call.core().platform().cpu_count()) - 1;
  uint64_t mask = profile->info().cpu_affinity_mask.mask[0] & cpus;
  if (contains(profile->info().flags, ProfileFlags::kCpuMask) && mask != 0 && mask != cpus) {
    static_cast<void>(call.unsupported("ZX_PROFILE_INFO_FLAG_CPU_MASK (chooses no CPU)", Status::kOk));
  }
  return Status::kOk;
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_object_set_profile", bind<object_set_profile>, Support::kPartial,
     "Priorities; a deadline counts as the highest one, and an affinity mask chooses no CPU."},
    {"zx_profile_create", bind<profile_create>, Support::kFull, "Needs the root job itself."},
});

}  // namespace

std::span<const Row> profile_rows() { return kRows; }

}  // namespace jacinth::kernel
