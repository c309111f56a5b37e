#include "kernel/ipc/port.h"

#include <memory>
#include <tuple>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/object/traffic.h"

namespace jacinth::kernel {

/// A packet made by a program; the queue owns it.
class Port::UserPacket final : public PortEntry {
 public:
  /// The port's slab has room for it.
  explicit UserPacket(Port& port) : owner_(port) {
    ++owner_.user_packets_;
    ++owner_.live_;
    ++owner_.allocated_;
  }
  ~UserPacket() override {
    owner_.core().packet_slab().give();
    --owner_.user_packets_;
    --owner_.live_;
    ++owner_.freed_;
  }

 private:
  void on_dequeued() override { delete this; }
  Port& owner_;
};

// --- the observer ---

PortObserver::PortObserver(Port& port, const PortObserverKey& key, Signals trigger, abi::WaitAsyncOptions options)
    : owner_(port), key_(key), options_(options) {
  packet.key = key.key;
  packet.type = abi::PacketType::kSignalOne;
  packet.signal = {.trigger = trigger, .count = 1};
}

PortObserver::~PortObserver() {
  stop();
  owner_.core().observer_slab().give();
}

void PortObserver::watch(Object& object) {
  bool edge = contains(options_, abi::WaitAsyncOptions::kEdge);
  if (!edge && intersects(object.signals(), packet.signal.trigger)) {
    ++object.core().common_counters().observed;
    match(object.signals());
  } else {
    object.observers().add(object, *this, key_.handle_id);
    ++owner_.waiting_;
  }
}

void PortObserver::stop() {
  if (!linked()) return;
  unlink();
  --owner_.waiting_;
}

void PortObserver::on_signals(Signals signals, Signals rose) {
  bool edge = contains(options_, abi::WaitAsyncOptions::kEdge);
  if (!intersects(edge ? rose : signals, packet.signal.trigger)) return;
  stop();
  match(signals);
}

void PortObserver::match(Signals observed) {
  packet.signal.observed |= observed;
  if (contains(options_, abi::WaitAsyncOptions::kTimestamp)) packet.signal.timestamp = owner_.core().now();
  CHECK(owner_.queue(*this) == Status::kOk, "an observer outlived its port's last handle");
}

void PortObserver::on_handle_closed() { owner_.forget(*this); }

void PortObserver::on_dequeued() { owner_.forget(*this); }

void PortObserver::state(Archive& ar) {
  ar(options_);
  ar.bytes(&packet, sizeof packet);
  bool queued = this->queued();
  ar(queued, ticket_);
  state_link(ar);
  if (!ar.loading()) return;
  if (queued) owner_.restore(*this);
  if (linked()) ++owner_.waiting_;
  bool agrees = packet.key == key_.key && packet.type == abi::PacketType::kSignalOne;
  if (queued == linked() || !agrees) ar.fail("an observer that neither waits nor is queued");
}

// --- the port ---

Port::Port(Core& core, abi::PortOptions options)
    : Object(core, kType),
      options_(options),
      max_observers_(core.option("kernel.port.max-observers", kDefaultMaxObservers)),
      live_(core.counter("port.ephemeral_packet.live")),
      allocated_(core.counter("port.ephemeral_packet.allocated")),
      freed_(core.counter("port.ephemeral_packet.freed")),
      full_(core.counter("port.full.count")),
      dequeued_(core.counter("port.dequeue.count")),
      spurious_(core.counter("port.dequeue.spurious.count")) {}

Port::~Port() { clear(); }

Status Port::queue_user(const abi::PortPacket& packet) {
  if (zero_handles_) return Status::kBadHandle;
  if (user_packets_ > kMaxUserPackets) {
    ++full_;
    return Status::kShouldWait;
  }
  TRY_STATUS(core().packet_slab().take());
  auto entry = std::make_unique<UserPacket>(*this);
  entry->packet = packet;
  entry->packet.type = abi::PacketType::kUser;
  return append(*entry.release(), false);
}

Status Port::append(PortEntry& entry, bool urgent) {
  CHECK(!urgent || takes_interrupts());
  if (zero_handles_) return Status::kBadHandle;
  if (entry.queued()) return Status::kOk;
  entry.port_ = this;
  entry.ticket_ = next_ticket_++;
  entry.urgent_ = urgent;
  (urgent ? interrupts_ : packets_).push_back(entry);
  core().tell_traffic([&](TrafficWatcher& watcher) { watcher.packet_queued(koid(), entry.ticket_, entry.packet); });
  waiters_.wake_one();
  return Status::kOk;
}

void Port::withdraw(PortEntry& entry) {
  CHECK(entry.port_ == this);
  (entry.urgent_ ? interrupts_ : packets_).remove(entry);
  entry.port_ = nullptr;
}

const abi::PortPacket* Port::front() const {
  PortEntry* entry = front_entry();
  return entry != nullptr ? &entry->packet : nullptr;
}

void Port::pop_front() {
  PortEntry* entry = front_entry();
  ++dequeued_;
  core().tell_traffic([&](TrafficWatcher& watcher) { watcher.packet_taken(koid(), entry->ticket_, entry->packet); });
  withdraw(*entry);
  entry->on_dequeued();
}

Status Port::wait_async(Object& object, uint64_t handle_id, uint64_t key, Signals trigger,
                        abi::WaitAsyncOptions options) {
  if (zero_handles_) return Status::kOk;
  TRY_STATUS(core().observer_slab().take());
  add_observer({handle_id, key, next_observer_++}, trigger, options).watch(object);
  return Status::kOk;
}

PortObserver& Port::add_observer(const PortObserverKey& key, Signals trigger, abi::WaitAsyncOptions options) {
  auto [place, added] = observers_.emplace(std::piecewise_construct, std::forward_as_tuple(key),
                                           std::forward_as_tuple(*this, key, trigger, options));
  return place->second;
}

void Port::forget(PortObserver& observer) {
  // A copy: the observer goes while the map still compares.
  PortObserverKey key = observer.key_;
  CHECK(observers_.erase(key) == 1, "an observer that its port does not know");
}

Status Port::cancel(uint64_t handle_id, uint64_t key) {
  auto first = observers_.lower_bound({handle_id, key, 0});
  auto last = observers_.upper_bound({handle_id, key, UINT64_MAX});
  bool found = first != last;
  observers_.erase(first, last);
  ++core().counter(found ? "dispatcher.observer.cancel.by_key.handled"
                         : "dispatcher.observer.cancel.by_key.not_handled");
  return found ? Status::kOk : Status::kNotFound;
}

void Port::on_zero_handles() {
  // Threads that are parked in zx_port_wait sleep on, as on Zircon.
  zero_handles_ = true;
  clear();
}

void Port::clear() {
  for (PortQueue* queue : {&interrupts_, &packets_}) {
    while (PortEntry* entry = queue->front()) {
      withdraw(*entry);
      entry->on_dequeued();
    }
  }
  observers_.clear();
}

void Port::on_waiter_lost() {
  if (packet_count() > 0) waiters_.wake_one();
}

void Port::restore(PortEntry& entry) {
  entry.port_ = this;
  (entry.urgent_ ? interrupts_ : packets_).push_back(entry);
}

void Port::state(Archive& ar) {
  Object::state(ar);
  ar(options_, zero_handles_, next_ticket_, next_observer_);

  size_t users = ar.count(user_packets_, sizeof(abi::PortPacket));
  auto state_user = [&ar](PortEntry& entry) {
    ar.bytes(&entry.packet, sizeof entry.packet);
    ar(entry.ticket_);
  };
  if (!ar.loading()) {
    packets_.for_each([&](PortEntry& entry) {
      if (entry.packet.type == abi::PacketType::kUser) state_user(entry);
    });
  }
  for (size_t i = 0; ar.loading() && i < users; ++i) {
    if (core().packet_slab().take() != Status::kOk) return ar.fail("more packets than their memory holds");
    auto* entry = new UserPacket(*this);
    state_user(*entry);
    entry->packet.type = abi::PacketType::kUser;
    restore(*entry);
  }

  size_t observers = ar.count(observers_.size(), sizeof(abi::PortPacket));
  for (auto at = observers_.begin(); !ar.loading() && at != observers_.end(); ++at) {
    PortObserverKey key = at->first;
    ar(key);
    at->second.state(ar);
  }
  for (size_t i = 0; ar.loading() && i < observers && ar.ok(); ++i) {
    PortObserverKey key;
    ar(key);
    if (observers_.contains(key)) ar.fail("an observer that is there twice");
    if (core().observer_slab().take() != Status::kOk) return ar.fail("more waits than their memory holds");
    if (ar.ok()) add_observer(key, Signals::kNone, abi::WaitAsyncOptions::kOnce).state(ar);
  }
  waiters_.state(ar);
}

void Port::on_loaded(Archive& ar) {
  Object::on_loaded(ar);
  packets_.sort();
  interrupts_.sort();
}

}  // namespace jacinth::kernel
