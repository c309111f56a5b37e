#include "kernel/object/observer.h"

#include "emu/base/check.h"

namespace jacinth::kernel {

void Observer::unlink() {
  if (object_ != nullptr) list_->remove(*this);
}

void ObserverList::add(Object& object, Observer& observer, uint64_t handle_id) {
  CHECK(!observer.linked());
  observer.object_ = &object;
  observer.list_ = this;
  observer.handle_id_ = handle_id;
  observer.previous_ = last_;
  observer.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &observer;
  last_ = &observer;
  ++size_;
}

void ObserverList::remove(Observer& observer) {
  CHECK(observer.list_ == this);
  for (Walk* walk = walks_; walk != nullptr; walk = walk->outer) {
    if (walk->end == &observer) walk->end = observer.previous_;
    if (walk->next == &observer) {
      // When the walk's last observer goes before its turn, nothing is left to tell.
      walk->next = walk->end == observer.previous_ ? nullptr : observer.next_;
    }
  }
  (observer.previous_ != nullptr ? observer.previous_->next_ : first_) = observer.next_;
  (observer.next_ != nullptr ? observer.next_->previous_ : last_) = observer.previous_;
  observer.object_ = nullptr;
  observer.list_ = nullptr;
  observer.previous_ = observer.next_ = nullptr;
  --size_;
}

template <class F>
void ObserverList::walk(F&& tell) {
  Walk walk{.next = first_, .end = last_, .outer = walks_};
  walks_ = &walk;
  while (walk.next != nullptr) {
    Observer* now = walk.next;
    walk.next = now == walk.end ? nullptr : now->next_;
    tell(*now);
  }
  walks_ = walk.outer;
}

void ObserverList::notify(Signals signals) {
  if (first_ == nullptr) return;
  walk([signals](Observer& observer) { observer.on_signals(signals); });
}

void ObserverList::handle_closed(uint64_t handle_id) {
  if (first_ == nullptr) return;
  walk([handle_id](Observer& observer) {
    if (observer.handle_id() == handle_id) observer.on_handle_closed();
  });
}

void ObserverList::clear() {
  while (first_ != nullptr) remove(*first_);
}

}  // namespace jacinth::kernel
