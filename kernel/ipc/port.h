// Ports: a queue of packets, and the place where a program waits for everything else.
//
//   zx_port_queue ----------.
//   observers' signals -----+--> [ packets, oldest first ] --> zx_port_wait
//   pagers, guests ---------'            ^ served first
//   bound interrupts ------------> [ interrupt packets ]
//
// Signal and interrupt packets live in their sources, so queueing one cannot fail. Packets made by programs live here
// and are bounded: a program that never reads its port runs out of its own quota, not of our memory. Facts:
// zircon/kernel/object/port_dispatcher.cc.
#pragma once

#include <map>

#include "kernel/abi/wait.h"
#include "kernel/ipc/port_observer.h"
#include "kernel/ipc/port_packet.h"
#include "kernel/object/object.h"
#include "kernel/object/wait_queue.h"

namespace jacinth::kernel {

class Port final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kPort;
  /// Once more than so many packets of programs are here, no further one is taken.
  static constexpr size_t kMaxUserPackets = 4096;
  /// kernel.port.max-observers.
  static constexpr uint64_t kDefaultMaxObservers = 50'000;

  Port(Core& core, abi::PortOptions options);
  /// For loading.
  explicit Port(Core& core) : Port(core, abi::PortOptions::kNone) {}

  bool waitable() const override { return false; }
  bool takes_interrupts() const { return contains(options_, abi::PortOptions::kBindToInterrupt); }

  /// Appends a packet made by a program. kNoMemory; kShouldWait when the port is full, which the caller answers with a
  /// policy exception (kPortTooManyPackets).
  Status queue_user(const abi::PortPacket& packet);
  /// Appends a packet that lives in its source; nothing happens when it stands in a queue already. kBadHandle when the
  /// port has no handle any more.
  Status queue(PortEntry& entry) { return append(entry, false); }
  /// The same in the queue that is served first. The port must take interrupts.
  Status queue_interrupt(PortEntry& entry) { return append(entry, true); }

  /// The next packet; null when there is none.
  const abi::PortPacket* front() const;
  /// Removes it.
  void pop_front();
  /// A thread was woken for a packet that another had taken by then.
  void count_spurious_wakeup() { ++spurious_; }
  /// Threads parked in zx_port_wait.
  WaitQueue& waiters() { return waiters_; }

  /// zx_object_wait_async through the handle with this identity (HandleTable::id()). kNoMemory.
  Status wait_async(Object& object, uint64_t handle_id, uint64_t key, Signals trigger, abi::WaitAsyncOptions options);
  /// As many observers wait as the option allows: before one more the caller raises a policy exception
  /// (kPortTooManyObservers), and adds it all the same.
  bool too_many_observers() const { return waiting_ >= max_observers_; }
  /// Drops the waits made through this handle with this key, and their packets. kNotFound when there were none.
  Status cancel(uint64_t handle_id, uint64_t key);

  size_t packet_count() const { return packets_.size() + interrupts_.size(); }
  size_t user_packet_count() const { return user_packets_; }
  /// Observers that still wait; those that matched are packets.
  size_t observer_count() const { return waiting_; }

  void on_waiter_lost() override;
  void state(Archive& ar) override;
  void on_loaded(Archive& ar) override;

 private:
  friend class PortEntry;
  friend class PortObserver;
  friend class PortSource;
  class UserPacket;

  ~Port() override;
  void on_zero_handles() override;
  void clear();
  Status append(PortEntry& entry, bool urgent);
  void withdraw(PortEntry& entry);
  PortObserver& add_observer(const PortObserverKey& key, Signals trigger, abi::WaitAsyncOptions options);
  PortEntry* front_entry() const { return interrupts_.empty() ? packets_.front() : interrupts_.front(); }
  void forget(PortObserver& observer);
  /// Puts a loaded entry back, in any order.
  void restore(PortEntry& entry);

  abi::PortOptions options_;
  bool zero_handles_ = false;
  uint64_t next_ticket_ = 1;
  size_t user_packets_ = 0;
  PortQueue packets_;
  PortQueue interrupts_;
  std::map<PortObserverKey, PortObserver> observers_;
  size_t waiting_ = 0;
  uint64_t next_observer_ = 1;
  WaitQueue waiters_;

  uint64_t max_observers_;
  int64_t& live_;
  int64_t& allocated_;
  int64_t& freed_;
  int64_t& full_;
  int64_t& dequeued_;
  int64_t& spurious_;
};

}  // namespace jacinth::kernel
