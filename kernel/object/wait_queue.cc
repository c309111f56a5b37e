#include "kernel/object/wait_queue.h"

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/object_table.h"

namespace jacinth::kernel {

Waiter::~Waiter() {
  if (queue_ != nullptr) queue_->remove(*this);
}

void Waiter::wake(Status status) {
  if (!wait_.parked) return;
  if (queue_ != nullptr) queue_->remove(*this);
  wait_.parked = false;
  wait_.woken_with = status;
  on_woken();
}

void Waiter::park_on(WaitQueue* queue, BlockReason reason, Time deadline) {
  CHECK(!wait_.parked);
  wait_ = {.reason = reason, .woken_with = Status::kOk, .parked = true, .deadline = deadline};
  if (queue != nullptr) queue->add(*this);
}

void Waiter::wait_state(Archive& ar) { ar(wait_.reason, wait_.woken_with, wait_.parked, wait_.deadline); }

WaitQueue::~WaitQueue() {
  while (!waiters_.empty()) remove(*waiters_.begin()->second);
}

void WaitQueue::add(Waiter& waiter) {
  waiter.urgency_ = static_cast<uint8_t>(255 - waiter.priority());
  waiter.ticket_ = next_ticket_++;
  waiter.queue_ = this;
  waiters_.emplace(Order{waiter.urgency_, waiter.ticket_}, &waiter);
}

void WaitQueue::remove(Waiter& waiter) {
  waiters_.erase(Order{waiter.urgency_, waiter.ticket_});
  waiter.queue_ = nullptr;
}

Waiter* WaitQueue::wake_one(Status status) {
  Waiter* waiter = front();
  if (waiter != nullptr) waiter->wake(status);
  return waiter;
}

size_t WaitQueue::wake_all(Status status) {
  size_t woken = 0;
  for (; wake_one(status) != nullptr; ++woken) {
  }
  return woken;
}

void WaitQueue::reprioritize(Waiter& waiter) {
  CHECK(waiter.queue_ == this);
  waiters_.erase(Order{waiter.urgency_, waiter.ticket_});
  waiter.urgency_ = static_cast<uint8_t>(255 - waiter.priority());
  waiters_.emplace(Order{waiter.urgency_, waiter.ticket_}, &waiter);
}

void WaitQueue::move_to(WaitQueue& other, Waiter& waiter) {
  CHECK(waiter.queue_ == this);
  remove(waiter);
  other.add(waiter);
}

void WaitQueue::state(Archive& ar) {
  ar(next_ticket_);
  size_t count = ar.count(waiters_.size(), 17);
  if (!ar.loading()) {
    for (auto& [order, waiter] : waiters_) {
      uint64_t koid = abi::raw(waiter->waiter_koid());
      uint8_t urgency = order.urgency;
      uint64_t ticket = order.ticket;
      ar(koid, urgency, ticket);
    }
    return;
  }
  while (!waiters_.empty()) remove(*waiters_.begin()->second);
  for (size_t i = 0; i < count; ++i) {
    uint64_t koid = 0;
    uint8_t urgency = 0;
    uint64_t ticket = 0;
    ar(koid, urgency, ticket);
    Object* object = find_object(ar, koid);
    Waiter* waiter = object != nullptr ? object->as_waiter() : nullptr;
    if (waiter == nullptr || waiter->queue_ != nullptr || waiters_.contains({urgency, ticket})) {
      ar.fail("a waiter that cannot wait");
      return;
    }
    waiter->urgency_ = urgency;
    waiter->ticket_ = ticket;
    waiter->queue_ = this;
    waiters_.emplace(Order{urgency, ticket}, waiter);
  }
}

}  // namespace jacinth::kernel
