// How a thread is to be scheduled: what zx_profile_create makes, and zx_object_set_profile applies
// (zircon/kernel/object/profile_dispatcher.cc).
//
// Left out: deadlines (such a thread gets the highest priority instead), and affinity masks, which choose no CPU and
// are not told back. Whoever applies a profile reports both.
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
