// Watching an object's signals: the one mechanism behind wait_one, wait_many, wait_async and whatever comes later.
//
// An observer is a node that its owner keeps (a parked thread's wait, a port's registration) in two lists:
//
//   Object.observers() --> newest ... oldest           told of every change of the signals
//   handle (its slot)  --> newest ... oldest           told when that very handle goes
//
// The owner outlives the links: destroying the observer unlinks it. It says what it is a part of by its own state();
// the object only keeps the order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/abi/names.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class HandleArena;
class Object;
class ObserverList;

class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() { unlink(); }

  bool linked() const { return object_ != nullptr; }
  /// What is being watched; null when unlinked.
  Object* object() const { return object_; }
  void unlink();

  /// The object's signals changed to `signals` (a strobed signal counts as set); `rose` became active just now. May
  /// unlink or destroy itself.
  virtual void on_signals(Signals signals, Signals rose) = 0;
  /// The handle through which the wait was made is gone: the observer must unlink itself.
  virtual void on_handle_closed() = 0;
  /// Identity of the handle the wait was made through (HandleTable::id()); 0 for none.
  uint64_t handle_id() const { return handle_id_; }

  /// Saves what it watches and its place in the order; loading links it again.
  void state_link(Archive& ar);

 private:
  friend class HandleArena;
  friend class ObserverList;
  Object* object_ = nullptr;
  Observer* newer_ = nullptr;
  Observer* older_ = nullptr;
  uint64_t handle_id_ = 0;
  Observer* newer_of_handle_ = nullptr;
  Observer* older_of_handle_ = nullptr;
  uint64_t sequence_ = 0;
};

/// The observers of one object, newest first, as Zircon tells them. Observers may come and go while it notifies: those
/// that came during a notification are not told of the change that they came after.
class ObserverList {
 public:
  ObserverList() = default;
  ObserverList(const ObserverList&) = delete;
  ObserverList& operator=(const ObserverList&) = delete;
  ~ObserverList() { clear(); }

  void add(Object& object, Observer& observer, uint64_t handle_id);
  void remove(Observer& observer);
  void notify(Signals signals, Signals rose);
  bool empty() const { return newest_ == nullptr; }
  size_t size() const { return size_; }
  void clear();

  template <class F>
  void for_each(F&& visit) const {
    for (Observer* at = newest_; at != nullptr; at = at->older_) visit(*at);
  }

  void state(Archive& ar);
  /// After loading: observers came back in the order of their owners; this puts them into the order of before.
  void restore_order();

 private:
  friend class Observer;
  void link(Object& object, Observer& observer, uint64_t handle_id, uint64_t sequence);

  Observer* newest_ = nullptr;
  size_t size_ = 0;
  uint64_t next_sequence_ = 1;
  /// Where the notifications in progress (they nest when one changes signals) stand; removal moves them on.
  struct Walk {
    Observer* next = nullptr;
    Walk* outer = nullptr;
  };
  Walk* walks_ = nullptr;
};

}  // namespace jacinth::kernel
