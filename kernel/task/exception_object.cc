#include "kernel/task/exception_object.h"

#include "kernel/object/core.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

ExceptionObject::ExceptionObject(Ref<Thread> thread, const Exception& exception)
    : Object(thread->core(), kType), thread_(std::move(thread)), exception_(exception) {}

ExceptionObject::ExceptionObject(Core& core) : Object(core, kType) {}

ExceptionObject::~ExceptionObject() = default;

void ExceptionObject::on_zero_handles() { thread_->exceptions().closed(*this); }

void ExceptionObject::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, thread_);
  ar(exception_, thread_rights_, process_rights_, disposition_, strategy_);
  if (ar.loading() && !thread_) ar.fail("an exception of no thread");
}

}  // namespace jacinth::kernel
