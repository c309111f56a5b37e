#include "kernel/task/suspend_token.h"

#include "kernel/object/object_table.h"

namespace jacinth::kernel {

void SuspendToken::on_zero_handles() {
  Ref<Object> task = std::move(task_);
  if (auto* thread = object_cast<Thread>(task.get())) thread->resume();
  if (auto* process = object_cast<Process>(task.get())) process->resume();
}

void SuspendToken::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, task_);
}

}  // namespace jacinth::kernel
