#include "kernel/ipc/channel.h"

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/object/traffic.h"
#include "kernel/object/wait_queue.h"

namespace jacinth::kernel {

// --- a call in progress ---

MessageWaiter::MessageWaiter(Waiter& thread) : thread_(thread) {}

MessageWaiter::~MessageWaiter() { abandon(); }

void MessageWaiter::end(Status status) {
  waiting_ = false;
  status_ = status;
  thread_.wake(status);
}

Status MessageWaiter::finish(Message& reply) {
  if (!channel_) return Status::kBadState;
  if (waiting_) {
    channel_->calls_.erase(txid_);
    waiting_ = false;
  }
  channel_ = nullptr;
  txid_ = 0;
  reply = std::exchange(reply_, {});
  return std::exchange(status_, Status::kTimedOut);
}

void MessageWaiter::abandon() {
  Message dropped;
  static_cast<void>(finish(dropped));
}

void MessageWaiter::state(Archive& ar) {
  // When the kernel is let go, the channel goes before or after the thread: neither may find the other.
  if (ar.loading() || letting_go(ar)) abandon();
  state_ref(ar, channel_);
  if (!channel_) return;
  ar(txid_, waiting_, status_, reply_);
  if (ar.loading() && waiting_ && !channel_->calls_.emplace(txid_, this).second) {
    waiting_ = false;
    ar.fail("two calls with one transaction id");
  }
}

// --- the channel ---

namespace {

/// A message and what is known of it.
uint64_t memory_of(const Message& message) { return sizeof(Message) + message.size(); }

}  // namespace

std::pair<Ref<Channel>, Ref<Channel>> Channel::create(Core& core) {
  auto a = make_object<Channel>(core);
  auto b = make_object<Channel>(core);
  pair(*a, *b);
  return {std::move(a), std::move(b)};
}

Channel::Channel(Core& core) : PeeredObject(core, kType) {}

Channel::~Channel() {
  CHECK(calls_.empty(), "a channel died under a call");
  core().ipc_memory().give(memory_);
  ++core().counter(max_messages_ <= 1     ? "channel.depth.1"
                   : max_messages_ <= 4   ? "channel.depth.4"
                   : max_messages_ <= 16  ? "channel.depth.16"
                   : max_messages_ <= 64  ? "channel.depth.64"
                   : max_messages_ <= 256 ? "channel.depth.256"
                                          : "channel.depth.unbounded");
}

Result<Channel::Written> Channel::write(Koid owner, Message message) {
  if (owner != owner_) return Status::kBadHandle;
  if (peer() == nullptr) return Status::kPeerClosed;
  return peer()->receive(std::move(message));
}

Result<Channel::Written> Channel::receive(Message message) {
  if (!calls_.empty() && message.txid() >= abi::kChannelKernelTxidBase) {
    auto call = calls_.find(message.txid());
    if (call != calls_.end()) {
      MessageWaiter& waiter = *call->second;
      calls_.erase(call);
      core().tell_traffic(
          [&](TrafficWatcher& watcher) { watcher.reply_delivered(waiter.thread_.waiter_koid(), message.size()); });
      waiter.reply_ = std::move(message);
      waiter.end(Status::kOk);
      return Written::kDelivered;
    }
  }
  return enqueue(std::move(message));
}

Result<Channel::Written> Channel::enqueue(Message message) {
  uint64_t memory = memory_of(message);
  if (!core().ipc_memory().take(memory)) return Status::kNoMemory;
  memory_ += memory;
  core().tell_traffic([&](TrafficWatcher& watcher) { watcher.message_queued(koid(), message.size()); });
  messages_.push_back(std::move(message));
  max_messages_ = std::max<uint64_t>(max_messages_, messages_.size());
  bool overfull = messages_.size() > kMaxPendingMessages;
  if (overfull) ++core().counter("channel.full");
  update_signals(Signals::kNone, Signals::kChannelReadable);
  return overfull ? Written::kOverfull : Written::kDelivered;
}

Result<Message*> Channel::oldest(Koid owner) {
  if (owner != owner_) return Status::kBadHandle;
  if (messages_.empty()) return peer_closed() ? Status::kPeerClosed : Status::kShouldWait;
  return &messages_.front();
}

Message Channel::take_oldest() {
  Message oldest = std::move(messages_.front());
  messages_.pop_front();
  core().tell_traffic([&](TrafficWatcher& watcher) { watcher.message_taken(koid()); });
  uint64_t memory = memory_of(oldest);
  core().ipc_memory().give(memory);
  memory_ -= memory;
  if (messages_.empty()) update_signals(Signals::kChannelReadable, Signals::kNone);
  return oldest;
}

uint32_t Channel::new_txid() {
  uint32_t txid = 0;
  do {
    txid = ++last_txid_ | abi::kChannelKernelTxidBase;
  } while (calls_.contains(txid));
  return txid;
}

Result<Channel::Written> Channel::begin_call(Koid owner, Message message, MessageWaiter& waiter) {
  CHECK(!waiter.active());
  if (owner != owner_) return Status::kBadHandle;
  if (peer() == nullptr) return Status::kPeerClosed;

  uint32_t txid = new_txid();
  message.set_txid(txid);
  // A request never counts as somebody's reply, whatever its id.
  Written written = TRY(peer()->enqueue(std::move(message)));
  waiter.channel_ = Ref<Channel>(this);
  waiter.txid_ = txid;
  waiter.waiting_ = true;
  waiter.status_ = Status::kTimedOut;
  calls_.emplace(txid, &waiter);
  return written;
}

void Channel::end_calls(Status status) {
  while (!calls_.empty()) {
    MessageWaiter& waiter = *calls_.begin()->second;
    calls_.erase(calls_.begin());
    waiter.end(status);
  }
}

void Channel::on_closing() { end_calls(Status::kCanceled); }

void Channel::on_peer_closed() {
  update_signals(Signals::kChannelWritable, Signals::kChannelPeerClosed);
  end_calls(Status::kPeerClosed);
}

void Channel::state(Archive& ar) {
  PeeredObject::state(ar);
  ar(owner_, last_txid_, max_messages_, messages_);
  if (!ar.loading()) return;
  uint64_t memory = 0;
  for (size_t i = 0; i < messages_.size(); ++i) memory += memory_of(messages_[i]);
  if (core().ipc_memory().take(memory)) {
    memory_ = memory;
  } else {
    ar.fail("messages without the memory that they take");
  }
}

}  // namespace jacinth::kernel
