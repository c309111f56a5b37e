#include "emu/time/deadline_queue.h"

#include <limits>

#include "emu/base/check.h"

namespace jacinth::emu {

DeadlineQueue::Id DeadlineQueue::arm(Time when, uint64_t token) {
  if (armed_ == slots_.size()) {
    CHECK(slots_.size() < std::numeric_limits<uint32_t>::max());
    order_.push_back(armed_);
    slots_.push_back({.place = armed_});
  }
  uint32_t slot = order_[armed_];
  slots_[slot].when = when;
  slots_[slot].sequence = next_sequence_++;
  slots_[slot].token = token;
  sift_up(armed_++);
  return Id{slots_[slot].generation} << 32 | slot;
}

bool DeadlineQueue::cancel(Id id) {
  uint32_t slot = static_cast<uint32_t>(id);
  if (slot >= slots_.size() || slots_[slot].generation != id >> 32 || slots_[slot].place >= armed_) return false;
  remove(slots_[slot].place);
  return true;
}

std::optional<uint64_t> DeadlineQueue::pop_due(Time now) {
  if (next() > now || next() == Time::never()) return std::nullopt;
  uint64_t token = slots_[order_[0]].token;
  remove(0);
  return token;
}

void DeadlineQueue::sift_up(uint32_t place) {
  uint32_t slot = order_[place];
  while (place > 0) {
    uint32_t parent = (place - 1) / 2;
    if (!before(slot, order_[parent])) break;
    put(place, order_[parent]);
    place = parent;
  }
  put(place, slot);
}

void DeadlineQueue::sift_down(uint32_t place) {
  uint32_t slot = order_[place];
  for (;;) {
    uint64_t child = uint64_t{place} * 2 + 1;
    if (child >= armed_) break;
    if (child + 1 < armed_ && before(order_[child + 1], order_[child])) ++child;
    if (!before(order_[child], slot)) break;
    put(place, order_[child]);
    place = static_cast<uint32_t>(child);
  }
  put(place, slot);
}

void DeadlineQueue::remove(uint32_t place) {
  uint32_t slot = order_[place];
  uint32_t last = order_[--armed_];
  put(armed_, slot);
  slots_[slot] = {.place = armed_, .generation = slots_[slot].generation + 1};
  if (slots_[slot].generation == 0) slots_[slot].generation = 1;  // Zero would make an Id of zero.
  if (slot == last) return;
  put(place, last);
  sift_up(place);
  sift_down(slots_[last].place);
}

/// Whether loaded slots are a heap in which every slot has its place.
bool DeadlineQueue::consistent() const {
  if (order_.size() != slots_.size() || armed_ > slots_.size()) return false;
  for (uint32_t place = 0; place < order_.size(); ++place) {
    uint32_t slot = order_[place];
    if (slot >= slots_.size() || slots_[slot].place != place || slots_[slot].generation == 0) return false;
    if (place > 0 && place < armed_ && before(slot, order_[(place - 1) / 2])) return false;
  }
  return true;
}

void DeadlineQueue::state(Archive& ar) {
  ar(slots_, order_, armed_, next_sequence_);
  if (!ar.loading()) return;
  if (ar.ok() && !consistent()) ar.fail("the deadline queue is no heap");
  if (!ar.ok()) *this = {};
}

}  // namespace jacinth::emu
