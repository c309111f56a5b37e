#include "kernel/object/deadlines.h"

#include <iterator>

#include "emu/state/archive.h"
#include "kernel/object/object_table.h"

namespace jacinth::kernel {

uint64_t Deadlines::add(Time when, Object& object) {
  uint64_t id = next_id_++;
  order_.emplace(Place{when, id}, &object);
  by_id_.emplace_hint(by_id_.end(), id, when);
  return id;
}

uint64_t Deadlines::add(Time when, Duration early, Duration late, Object& object) {
  auto later = order_.lower_bound(Place{when, 0});
  Time best = when;
  if (later != order_.end() && later->first.when <= when + late) best = later->first.when;
  if (later != order_.begin()) {
    Time earlier = std::prev(later)->first.when;
    bool reaches = earlier >= when - early;
    bool nearer = best == when || when - earlier <= best - when;
    bool exact = later != order_.end() && later->first.when == when;
    if (reaches && nearer && !exact) best = earlier;
  }
  return add(best, object);
}

void Deadlines::remove(uint64_t id) {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  order_.erase(Place{found->second, id});
  by_id_.erase(found);
}

Time Deadlines::when(uint64_t id) const {
  auto found = by_id_.find(id);
  return found != by_id_.end() ? found->second : Time::never();
}

Object* Deadlines::pop(Time now) {
  if (order_.empty() || order_.begin()->first.when > now) return nullptr;
  auto first = order_.begin();
  Object* object = first->second;
  by_id_.erase(first->first.id);
  order_.erase(first);
  return object;
}

void Deadlines::clear() {
  order_.clear();
  by_id_.clear();
}

void Deadlines::state(Archive& ar) {
  ar(next_id_);
  size_t count = ar.count(order_.size(), 24);
  if (!ar.loading()) {
    for (auto& [place, object] : order_) {
      Place copy = place;
      uint64_t koid = abi::raw(object->koid());
      ar(copy.when, copy.id, koid);
    }
    return;
  }
  clear();
  for (size_t i = 0; i < count; ++i) {
    Place place;
    uint64_t koid = 0;
    ar(place.when, place.id, koid);
    Object* object = find_object(ar, koid);
    if (object == nullptr || place.id >= next_id_ || !by_id_.emplace(place.id, place.when).second) {
      ar.fail("a deadline of nobody");
      return;
    }
    order_.emplace(place, object);
  }
}

}  // namespace jacinth::kernel
