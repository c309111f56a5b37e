// What zx_task_suspend gives: while it has a handle, the thread or process is suspended
// (zircon/kernel/object/suspend_token_dispatcher.cc).
#pragma once

#include "kernel/object/object.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

class SuspendToken final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kSuspendToken;

  /// For loading, and for create().
  explicit SuspendToken(Core& core) : Object(core, kType) {}

  /// Suspends a Thread or a Process. kBadState when it is dying or dead.
  template <class T>
  static Result<Ref<SuspendToken>> create(const Ref<T>& task) {
    TRY_STATUS(task->suspend());
    Ref<SuspendToken> token = make_object<SuspendToken>(task->core());
    token->task_ = task;
    return token;
  }

  void on_zero_handles() override;
  void state(Archive& ar) override;

 private:
  Ref<Object> task_;
};

}  // namespace jacinth::kernel
