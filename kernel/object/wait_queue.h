// Parking: how a thread waits. A parked thread is data, never a host stack.
//
// A system call that cannot finish parks its thread on a queue (or behind observers) with an absolute deadline, and
// ends. Whoever makes progress possible wakes the waiter with a status; when the thread is scheduled again its call's
// handler runs once more from the start, with the objects it named the first time. The status it was woken with, and
// what it was woken about, is kept in the Wait, since the state of the world may have changed by then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "emu/time/time.h"
#include "kernel/abi/names.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class WaitQueue;

/// What a blocked thread waits for, as ZX_INFO_THREAD reports it.
enum class BlockReason : uint8_t {
  kNone,
  kException,
  kSleeping,
  kFutex,
  kPort,
  kChannel,
  kWaitOne,
  kWaitMany,
  kInterrupt,
  kPager,
  kConsole,
};

/// Something that can be parked: a thread.
class Waiter {
 public:
  struct Wait {
    BlockReason reason = BlockReason::kNone;
    Status woken_with = Status::kOk;
    bool parked = false;
    Time deadline = Time::never();
  };

  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  virtual ~Waiter();
  virtual Koid waiter_koid() const = 0;
  /// Larger is more urgent (0..31).
  virtual uint8_t priority() const = 0;

  const Wait& wait() const { return wait_; }
  bool parked() const { return wait_.parked; }
  /// Ends the wait: leaves its queue, keeps `status` for the second run of the call, makes the thread runnable.
  /// Nothing happens when it is not parked.
  void wake(Status status);
  /// The queue it stands in; null for waits that observers or the deadline alone end.
  WaitQueue* queue() const { return queue_; }

 protected:
  /// Parks; the derived class arms the deadline and stops running the thread.
  void park_on(WaitQueue* queue, BlockReason reason, Time deadline);
  /// The wait has ended: cancel the deadline, make runnable.
  virtual void on_woken() = 0;
  /// The wait itself; the queue it stands in saves its place there.
  void wait_state(Archive& ar);

  Wait wait_;

 private:
  friend class WaitQueue;
  WaitQueue* queue_ = nullptr;
  uint64_t ticket_ = 0;
  uint8_t urgency_ = 0;
};

/// Waiters by priority, then by arrival.
class WaitQueue {
 public:
  WaitQueue() = default;
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  ~WaitQueue();

  bool empty() const { return waiters_.empty(); }
  size_t size() const { return waiters_.size(); }
  /// The one that wake_one() would take; null when empty.
  Waiter* front() const { return waiters_.empty() ? nullptr : waiters_.begin()->second; }
  /// Wakes the most urgent waiter. Null when nobody waits.
  Waiter* wake_one(Status status = Status::kOk);
  size_t wake_all(Status status = Status::kOk);
  /// The waiter's priority changed: it keeps its place among equals by arrival.
  void reprioritize(Waiter& waiter);
  /// Moves a waiter that stands here behind its equals in `other`, still parked (futexes).
  void move_to(WaitQueue& other, Waiter& waiter);
  template <class F>
  void for_each(F&& visit) const {
    for (const auto& [order, waiter] : waiters_) visit(*waiter);
  }
  /// Koids and tickets in order; loading finds the threads through the archive's object table.
  void state(Archive& ar);

 private:
  friend class Waiter;
  struct Order {
    uint8_t urgency = 0;  // 255 - priority, so that the map's order is ours.
    uint64_t ticket = 0;
    auto operator<=>(const Order&) const = default;
  };
  void add(Waiter& waiter);
  void remove(Waiter& waiter);

  std::map<Order, Waiter*> waiters_;
  uint64_t next_ticket_ = 1;
};

}  // namespace jacinth::kernel
