#include "kernel/vm/page_queues.h"

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/vm/pmm.h"

namespace jacinth::kernel {

void PageQueues::push(Frame frame, unsigned queue) {
  FrameRecord& at = pmm_.record(frame);
  CHECK(at.queue == 0, "a page in two queues");
  Queue& to = queues_[queue];
  at.queue = static_cast<uint8_t>(queue);
  at.next = to.first;
  at.previous = Frame::kNone;
  (to.first != Frame::kNone ? pmm_.record(to.first).previous : to.last) = frame;
  to.first = frame;
  ++to.count;
}

void PageQueues::remove(Frame frame) {
  FrameRecord& at = pmm_.record(frame);
  if (at.queue == 0) return;
  Queue& from = queues_[at.queue];
  (at.previous != Frame::kNone ? pmm_.record(at.previous).next : from.first) = at.next;
  (at.next != Frame::kNone ? pmm_.record(at.next).previous : from.last) = at.previous;
  at.next = at.previous = Frame::kNone;
  at.queue = 0;
  --from.count;
}

void PageQueues::mark_accessed(Frame frame) {
  unsigned queue = pmm_.record(frame).queue;
  if (queue == 0 || queue == kZeroForks || queue == newest()) return;
  remove(frame);
  push(frame, newest());
  pmm_.record(frame).came_back = true;
}

void PageQueues::mark_unneeded(Frame frame) {
  unsigned queue = pmm_.record(frame).queue;
  if (queue == 0 || queue == kZeroForks || queue == kUnneeded) return;
  remove(frame);
  push(frame, kUnneeded);
}

bool PageQueues::unneeded(Frame frame) const { return pmm_.record(frame).queue == kUnneeded; }

void PageQueues::rotate() {
  // The oldest generation's queue is about to be the newest one's: what it holds joins the end of the next.
  unsigned joined = queue_of_age(kGenerations - 2);
  Queue& from = queues_[queue_of_age(kGenerations - 1)];
  Queue& to = queues_[joined];
  if (from.count > 0) {
    for (Frame frame = from.first; frame != Frame::kNone; frame = pmm_.record(frame).next)
      pmm_.record(frame).queue = static_cast<uint8_t>(joined);
    pmm_.record(from.first).previous = to.last;
    (to.last != Frame::kNone ? pmm_.record(to.last).next : to.first) = from.first;
    to.last = from.last;
    to.count += from.count;
    from = {};
  }
  ++rotations_;
}

Frame PageQueues::oldest(unsigned age) const {
  if (queues_[kUnneeded].count > 0) return queues_[kUnneeded].last;
  return oldest_below(kGenerations, age);
}

Frame PageQueues::oldest_below(unsigned below, unsigned age) const {
  for (unsigned at = below; at > age; --at) {
    if (queues_[queue_of_age(at - 1)].count > 0) return queues_[queue_of_age(at - 1)].last;
  }
  return Frame::kNone;
}

Frame PageQueues::after(Frame frame, unsigned age) const {
  const FrameRecord& record = pmm_.record(frame);
  if (record.previous != Frame::kNone) return record.previous;
  if (record.queue == kUnneeded) return oldest_below(kGenerations, age);
  for (unsigned at = age; at < kGenerations; ++at) {
    if (queue_of_age(at) == record.queue) return oldest_below(at, age);
  }
  return Frame::kNone;
}

Frame PageQueues::pop_zero_fork() {
  Frame frame = queues_[kZeroForks].last;
  if (frame != Frame::kNone) remove(frame);
  return frame;
}

uint64_t PageQueues::active_count() const {
  uint64_t sum = 0;
  for (unsigned age = 0; age < kActive; ++age) sum += count(age);
  return sum;
}

uint64_t PageQueues::inactive_count() const {
  uint64_t sum = unneeded_count();
  for (unsigned age = kActive; age < kGenerations; ++age) sum += count(age);
  return sum;
}

uint64_t PageQueues::oldest_count() const {
  uint64_t sum = unneeded_count();
  for (unsigned age = kGenerations - kOldest; age < kGenerations; ++age) sum += count(age);
  return sum;
}

void PageQueues::Queue::state(Archive& ar) { ar(first, last, count); }

bool PageQueues::sound() const {
  uint64_t linked = 0;
  for (unsigned queue = 1; queue < kQueues; ++queue) {
    Frame before = Frame::kNone;
    uint64_t count = 0;
    for (Frame frame = queues_[queue].first; frame != Frame::kNone; before = frame, frame = pmm_.record(frame).next) {
      if (!pmm_.known(frame) || ++count > queues_[queue].count) return false;
      const FrameRecord& record = pmm_.record(frame);
      if (record.queue != queue || record.previous != before || record.state != FrameState::kObject) return false;
    }
    if (before != queues_[queue].last || count != queues_[queue].count) return false;
    linked += count;
  }
  uint64_t marked = 0;
  pmm_.for_each_record([&](const FrameRecord& record) { marked += record.queue != 0 ? 1 : 0; });
  return queues_[0].count == 0 && marked == linked;
}

void PageQueues::state(Archive& ar) {
  ar(queues_, rotations_);
  if (!ar.loading() || (ar.ok() && sound())) return;
  ar.fail("queues of pages that do not hang together");
  queues_ = {};
  pmm_.for_each_record([](FrameRecord& record) { record.queue = 0; });
}

}  // namespace jacinth::kernel
