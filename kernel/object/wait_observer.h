// What a thread that is parked in zx_object_wait_one or zx_object_wait_many watches, and what it was woken with.
//
//   WaitObservers (in the thread) --- [ trigger | matched, observed ] --linked--> Object
//
// An item that matched is unlinked at once and keeps the signals of that moment: by the time the thread runs they may
// have changed. zircon/kernel/object/wait_signal_observer.cc settles this.
#pragma once

#include <cstddef>
#include <vector>

#include "kernel/object/observer.h"

namespace jacinth::kernel {

class Waiter;

class WaitObservers {
 public:
  explicit WaitObservers(Waiter& waiter) : waiter_(waiter) {}
  WaitObservers(const WaitObservers&) = delete;
  WaitObservers& operator=(const WaitObservers&) = delete;

  /// Makes room for `count` items; what was there before is gone.
  void begin(size_t count);
  /// Watches the next item, or notes that `trigger` is active already.
  void add(Object& object, uint64_t handle_id, Signals trigger);

  size_t size() const { return used_; }
  /// What item `index` still watches; null once it has matched.
  Object* object(size_t index) const { return items_[index].object(); }
  /// Some item has matched, or lost its handle.
  bool any_matched() const { return matched_ > 0; }
  /// The signals when item `index` matched, kHandleClosed with them if its handle went; those of now for the others.
  Signals observed(size_t index) const;
  /// Some item lost its handle, which makes the wait end with kCanceled.
  bool any_canceled() const;
  /// The wait is over.
  void end();

  void state(Archive& ar);

 private:
  class Item final : public Observer {
   public:
    void on_signals(Signals signals, Signals rose) override;
    void on_handle_closed() override;

    WaitObservers* owner = nullptr;
    Signals trigger = Signals::kNone;
    Signals observed = Signals::kNone;
    bool matched = false;
  };
  void matched(Item& item, Signals observed, Status wake_with);

  Waiter& waiter_;
  std::vector<Item> items_;  // Room that is kept from wait to wait.
  size_t used_ = 0;
  size_t matched_ = 0;
};

}  // namespace jacinth::kernel
