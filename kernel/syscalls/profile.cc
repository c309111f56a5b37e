// Profiles. zircon/kernel/lib/syscalls/profile.cc.
#include "kernel/task/profile.h"

#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/kernel.h"

namespace jacinth::kernel {
namespace {

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
  return profile->apply(*thread);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_object_set_profile", bind<object_set_profile>, Support::kFull,
     "Priorities are weights of fair threads; deadline threads go before them; CPU masks have 32 bits."},
    {"zx_profile_create", bind<profile_create>, Support::kFull, "Needs the root job itself."},
});

}  // namespace

std::span<const Row> profile_rows() { return kRows; }

}  // namespace jacinth::kernel
