#include "kernel/task/exceptionate.h"

#include <cstring>
#include <utility>

#include "kernel/object/core.h"
#include "kernel/task/exception_object.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

Status Exceptionate::attach(Ref<Channel> channel, Rights thread, Rights process) {
  if (shut_down_) return Status::kBadState;
  if (attached()) return Status::kAlreadyBound;
  channel_ = KernelHandle(std::move(channel));
  thread_rights_ = thread;
  process_rights_ = process;
  return Status::kOk;
}

bool Exceptionate::send(const Ref<ExceptionObject>& exception) {
  if (!attached()) {
    channel_.reset();
    return false;
  }
  // Past the limit of handles the handler is as good as absent.
  Result<HandleOwner> handle = exception->core().handles().make(exception, abi::default_rights(ObjectType::kException));
  if (!handle) return false;

  const Thread& thread = *exception->thread();
  const abi::ExceptionInfo info = {
      .pid = thread.process().koid(), .tid = thread.koid(), .type = exception->exception().type};
  Message message(sizeof info);
  std::memcpy(message.bytes().data(), &info, sizeof info);
  message.handles.push_back(std::move(*handle));
  exception->set_task_rights(thread_rights_, process_rights_);
  // The end is the kernel's, so that no process owns it.
  return channel_->write(Koid::kInvalid, std::move(message)).has_value();
}

void Exceptionate::shut_down() {
  channel_.reset();
  shut_down_ = true;
}

void Exceptionate::state(Archive& ar) { ar(channel_, thread_rights_, process_rights_, shut_down_); }

}  // namespace jacinth::kernel
