// Channels: messages of bytes and handles between two ends, in order.
//
//   write --> [ messages, oldest first ] --> read          each end has the queue of what its peer wrote
//   call  --> [ messages ... ]    and waits in calls_ until a reply with its transaction id comes in, which
//             bypasses the queue
//
// Facts: zircon/kernel/object/channel_dispatcher.cc. A message that was queued past the limit is queued all the same;
// the writer gets a policy exception for it.
//
// Left out: the log line at half the limit.
#pragma once

#include <map>
#include <utility>

#include "kernel/ipc/message.h"
#include "kernel/ipc/message_waiter.h"
#include "kernel/ipc/ring.h"
#include "kernel/object/peered.h"

namespace jacinth::kernel {

class Channel final : public PeeredObject {
 public:
  static constexpr ObjectType kType = ObjectType::kChannel;
  static constexpr size_t kMaxPendingMessages = 3500;

  static std::pair<Ref<Channel>, Ref<Channel>> create(Core& core);
  /// One end without the other: for loading.
  explicit Channel(Core& core);

  enum class Written : uint8_t {
    kDelivered,
    /// Queued, but there are more messages than there should be: the caller raises a policy exception
    /// (kChannelFullWrite).
    kOverfull,
  };
  /// Sends a message to the peer. `owner` is the process whose handle the caller used: when the end has moved elsewhere
  /// meanwhile, the handle is a bad one. kNoMemory when the machine has no room for it. The message is gone in any
  /// case.
  Result<Written> write(Koid owner, Message message);

  /// The oldest message. Without one: kShouldWait, or kPeerClosed. `owner` as for write().
  Result<Message*> oldest(Koid owner);
  /// Removes it.
  Message take_oldest();

  /// Gives the message (of at least four bytes) a transaction id, sends it, and lets `waiter` wait for the reply.
  Result<Written> begin_call(Koid owner, Message message, MessageWaiter& waiter);

  size_t message_count() const { return messages_.size(); }
  Koid owner() const { return owner_; }

  void on_handle_owner(Koid owner) override { owner_ = owner; }
  void state(Archive& ar) override;

 private:
  friend class MessageWaiter;
  ~Channel() override;
  Channel* peer() const { return static_cast<Channel*>(peer_object()); }
  void on_closing() override;
  void on_peer_closed() override;
  /// A message from the peer: a reply that a call waits for, or one for the queue.
  Result<Written> receive(Message message);
  Result<Written> enqueue(Message message);
  void end_calls(Status status);
  uint32_t new_txid();

  Koid owner_{};
  uint32_t last_txid_ = 0;
  uint64_t max_messages_ = 0;
  uint64_t memory_ = 0;  // What the messages take of Core::ipc_memory().
  Ring<Message> messages_;
  /// Calls that wait for a reply, by transaction id. They save themselves, with their threads.
  std::map<uint32_t, MessageWaiter*> calls_;
};

}  // namespace jacinth::kernel
