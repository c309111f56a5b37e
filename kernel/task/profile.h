// How a thread is to be scheduled: what zx_profile_create makes, and zx_object_set_profile applies
// (zircon/kernel/object/profile_dispatcher.cc).
//
// Left out: nothing. Whether all deadlines can be met is not checked, as there.
#pragma once

#include "kernel/abi/profile.h"
#include "kernel/object/object.h"

namespace jacinth::kernel {

class Thread;

class Profile final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kProfile;

  /// kInvalidArgs for no flag, for unknown ones, for a priority with a deadline, and for values out of their ranges.
  static Result<Ref<Profile>> create(Core& core, const abi::ProfileInfo& info);
  /// For loading.
  explicit Profile(Core& core) : Object(core, kType) {}

  const abi::ProfileInfo& info() const { return info_; }
  /// kBadState for a thread that is dying or dead.
  Status apply(Thread& thread) const;

  void state(Archive& ar) override;

 private:
  abi::ProfileInfo info_ = {};
};

}  // namespace jacinth::kernel
