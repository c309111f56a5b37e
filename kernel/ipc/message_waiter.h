// A thread's zx_channel_call in progress: what it waits for, and the reply once it is there.
//
//   begin (Channel::begin_call) --reply, peer closed, own end closed--> ended --finish--> idle
//           |                                                             ^
//           '-------------------- deadline, suspension ends in finish ----'
//
// It belongs to the thread, since a call that suspension interrupts goes on in zx_channel_call_finish. Facts:
// MessageWaiter in zircon/kernel/object/channel_dispatcher.cc.
#pragma once

#include <cstdint>

#include "kernel/ipc/message.h"
#include "kernel/object/ref.h"

namespace jacinth::kernel {

class Channel;
class Waiter;

class MessageWaiter {
 public:
  explicit MessageWaiter(Waiter& thread);
  MessageWaiter(const MessageWaiter&) = delete;
  MessageWaiter& operator=(const MessageWaiter&) = delete;
  ~MessageWaiter();

  /// A call was begun and not finished.
  bool active() const { return bool(channel_); }
  /// Its outcome is known.
  bool ended() const { return active() && !waiting_; }
  const Ref<Channel>& channel() const { return channel_; }
  uint32_t txid() const { return txid_; }
  /// What finish() would return now, and the reply that there is when it is kOk.
  Status status() const { return active() ? status_ : Status::kBadState; }
  const Message& reply() const { return reply_; }

  /// Ends the call: kOk with the reply, kTimedOut when there is no outcome yet, kPeerClosed, kCanceled. kBadState when
  /// no call is active.
  Status finish(Message& reply);
  /// The thread dies: the call is forgotten.
  void abandon();

  void state(Archive& ar);

 private:
  friend class Channel;
  void end(Status status);

  Waiter& thread_;
  Ref<Channel> channel_;
  uint32_t txid_ = 0;
  bool waiting_ = false;  // Among the channel's calls.
  Status status_ = Status::kTimedOut;
  Message reply_;
};

}  // namespace jacinth::kernel
