#include "kernel/object/observer.h"

#include <algorithm>
#include <vector>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

void Observer::unlink() {
  if (object_ != nullptr) object_->observers().remove(*this);
}

void Observer::state_link(Archive& ar) {
  uint64_t koid = object_ != nullptr ? abi::raw(object_->koid()) : 0;
  uint64_t handle_id = object_ != nullptr ? handle_id_ : 0;
  uint64_t sequence = object_ != nullptr ? sequence_ : 0;
  ar(koid, handle_id, sequence);
  if (!ar.loading() || koid == 0) return;
  Core& core = Core::of(ar);
  Object* object = core.objects().find(Koid{koid});
  if (object == nullptr || linked() || (handle_id != 0 && core.handles().object(handle_id) != object)) {
    ar.fail("a wait on an object or through a handle that is not there");
    return;
  }
  object->observers().link(*object, *this, handle_id, sequence);
}

void ObserverList::add(Object& object, Observer& observer, uint64_t handle_id) {
  ++object.core().common_counters().observed;
  link(object, observer, handle_id, next_sequence_++);
}

void ObserverList::link(Object& object, Observer& observer, uint64_t handle_id, uint64_t sequence) {
  CHECK(!observer.linked());
  observer.object_ = &object;
  observer.sequence_ = sequence;
  observer.older_ = newest_;
  observer.newer_ = nullptr;
  if (newest_ != nullptr) newest_->newer_ = &observer;
  newest_ = &observer;
  ++size_;

  observer.handle_id_ = handle_id;
  if (handle_id != 0) object.core().handles().add_watcher(observer);
}

void ObserverList::remove(Observer& observer) {
  CHECK(&observer.object_->observers() == this);
  if (observer.handle_id_ != 0) observer.object_->core().handles().remove_watcher(observer);

  for (Walk* walk = walks_; walk != nullptr; walk = walk->outer) {
    if (walk->next == &observer) walk->next = observer.older_;
  }
  (observer.newer_ != nullptr ? observer.newer_->older_ : newest_) = observer.older_;
  if (observer.older_ != nullptr) observer.older_->newer_ = observer.newer_;
  observer.object_ = nullptr;
  observer.newer_ = observer.older_ = nullptr;
  --size_;
}

void ObserverList::notify(Signals signals, Signals rose) {
  if (newest_ == nullptr) return;
  Walk walk{.next = newest_, .outer = walks_};
  walks_ = &walk;
  while (walk.next != nullptr) {
    Observer* now = walk.next;
    walk.next = now->older_;
    now->on_signals(signals, rose);
  }
  walks_ = walk.outer;
}

void ObserverList::clear() {
  while (newest_ != nullptr) remove(*newest_);
}

void ObserverList::state(Archive& ar) { ar(next_sequence_); }

void ObserverList::restore_order() {
  if (size_ < 2) return;
  std::vector<Observer*> all;
  all.reserve(size_);
  for_each([&all](Observer& observer) { all.push_back(&observer); });
  std::sort(all.begin(), all.end(), [](Observer* a, Observer* b) { return a->sequence_ < b->sequence_; });
  for (Observer* observer : all) {
    Object& object = *observer->object_;
    uint64_t handle_id = observer->handle_id_;
    uint64_t sequence = observer->sequence_;
    remove(*observer);
    link(object, *observer, handle_id, sequence);
  }
}

}  // namespace jacinth::kernel
