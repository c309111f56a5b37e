#include "kernel/object/wait_observer.h"

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/abi/wait.h"
#include "kernel/object/core.h"
#include "kernel/object/wait_queue.h"

namespace jacinth::kernel {

void WaitObservers::Item::on_signals(Signals signals, Signals) {
  if (intersects(signals, trigger)) owner->matched(*this, signals, Status::kOk);
}

void WaitObservers::Item::on_handle_closed() {
  owner->matched(*this, object()->signals() | Signals::kHandleClosed, Status::kCanceled);
}

void WaitObservers::matched(Item& item, Signals observed, Status wake_with) {
  item.unlink();
  item.observed = observed;
  item.matched = true;
  ++matched_;
  waiter_.wake(wake_with);
}

void WaitObservers::begin(size_t count) {
  end();
  if (items_.size() < count) items_ = std::vector<Item>(count);
}

void WaitObservers::add(Object& object, uint64_t handle_id, Signals trigger) {
  CHECK(used_ < items_.size());
  Item& item = items_[used_++];
  item.owner = this;
  item.trigger = trigger;
  item.observed = Signals::kNone;
  item.matched = false;
  if (intersects(object.signals(), trigger)) {
    matched(item, object.signals(), Status::kOk);
    ++object.core().common_counters().observed;
  } else {
    object.observers().add(object, item, handle_id);
  }
}

Signals WaitObservers::observed(size_t index) const {
  const Item& item = items_[index];
  if (item.matched) return item.observed;
  return item.linked() ? item.object()->signals() : Signals::kNone;
}

bool WaitObservers::any_canceled() const {
  for (size_t i = 0; i < used_; ++i) {
    if (items_[i].matched && intersects(items_[i].observed, Signals::kHandleClosed)) return true;
  }
  return false;
}

void WaitObservers::end() {
  for (size_t i = 0; i < used_; ++i) items_[i].unlink();
  used_ = matched_ = 0;
}

void WaitObservers::state(Archive& ar) {
  if (ar.loading()) end();
  size_t count = ar.count(used_, 33);
  if (count > abi::kWaitManyMaxItems) {
    ar.fail("a wait for too many things");
    return;
  }
  if (ar.loading()) begin(count);
  used_ = count;
  for (size_t i = 0; i < count; ++i) {
    Item& item = items_[i];
    item.owner = this;
    ar(item.trigger, item.observed, item.matched);
    item.state_link(ar);
    if (ar.loading() && item.matched) ++matched_;
  }
}

}  // namespace jacinth::kernel
