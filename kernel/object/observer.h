// Watching an object's signals: the one mechanism behind wait_one, wait_many, wait_async and whatever comes later.
//
// An observer is a node that its owner keeps (a parked thread's wait, a port's registration) linked into the list of
// the object it watches. The owner outlives the link: destroying the observer unlinks it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/abi/names.h"

namespace jacinth::kernel {

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

  /// The object's signals changed to `signals` (a strobed signal counts as set). May unlink or destroy itself.
  virtual void on_signals(Signals signals) = 0;
  /// The handle through which the wait was made is gone: the observer must unlink itself.
  virtual void on_handle_closed() = 0;
  /// Identity of the handle the wait was made through; 0 for none.
  uint64_t handle_id() const { return handle_id_; }

 private:
  friend class ObserverList;
  Object* object_ = nullptr;
  ObserverList* list_ = nullptr;
  Observer* previous_ = nullptr;
  Observer* next_ = nullptr;
  uint64_t handle_id_ = 0;
};

/// The observers of one object, in the order in which they began to watch. Observers may come and go while it notifies:
/// those that came during a notification are not told of the change that they came after.
class ObserverList {
 public:
  ObserverList() = default;
  ObserverList(const ObserverList&) = delete;
  ObserverList& operator=(const ObserverList&) = delete;
  ~ObserverList() { clear(); }

  void add(Object& object, Observer& observer, uint64_t handle_id);
  void remove(Observer& observer);
  void notify(Signals signals);
  /// Tells those who watch through handle `handle_id`.
  void handle_closed(uint64_t handle_id);
  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  void clear();

  template <class F>
  void for_each(F&& visit) const {
    for (Observer* at = first_; at != nullptr; at = at->next_) visit(*at);
  }

 private:
  template <class F>
  void walk(F&& tell);

  Observer* first_ = nullptr;
  Observer* last_ = nullptr;
  size_t size_ = 0;
  /// Where the walks in progress (they nest when a notification closes a handle) stand; removal moves them on.
  struct Walk {
    Observer* next = nullptr;
    Observer* end = nullptr;  // The last one that was there when the walk began.
    Walk* outer = nullptr;
  };
  Walk* walks_ = nullptr;
};

}  // namespace jacinth::kernel
