// Where a task's exceptions go: the kernel's end of one exception channel (zircon/kernel/object/exceptionate.cc).
//
// A process has two of them, one for its debugger; so has a job; a thread has one. Each takes one channel at a time.
// The channel is gone when its user closed the other end, and a new one may be made then.
#pragma once

#include "kernel/abi/exception.h"
#include "kernel/ipc/channel.h"
#include "kernel/object/kernel_handle.h"

namespace jacinth::kernel {

class ExceptionObject;

class Exceptionate {
 public:
  explicit Exceptionate(abi::ExceptionChannelType type) : type_(type) {}
  Exceptionate(const Exceptionate&) = delete;
  Exceptionate& operator=(const Exceptionate&) = delete;

  abi::ExceptionChannelType type() const { return type_; }
  /// Somebody holds the other end.
  bool attached() const { return channel_ && !channel_->peer_closed(); }
  /// Takes the kernel's end of a channel. kAlreadyBound while somebody holds the other end of the last, kBadState once
  /// the task is dead. The rights are those that handlers get to the thread and its process; none: no handle at all.
  Status attach(Ref<Channel> channel, Rights thread, Rights process);
  /// Sends the exception to whoever is attached; false when nobody is.
  bool send(const Ref<ExceptionObject>& exception);
  /// The task is dead: whoever is attached sees the channel closed.
  void shut_down();

  void state(Archive& ar);

 private:
  abi::ExceptionChannelType type_;  // By its place; no state.
  KernelHandle<Channel> channel_;
  Rights thread_rights_{};
  Rights process_rights_{};
  bool shut_down_ = false;
};

}  // namespace jacinth::kernel
