// Armed deadlines, earliest first; those of equal time in the order in which they were armed.
//
// A deadline carries a plain number that means something to whoever armed it, so that the queue can be saved, compared
// and replayed. The queue is a binary heap of slots that know their place in it: arming and cancelling take O(log n),
// and a machine with ten thousand sleepers allocates nothing.
//
//   order_:  [ heap of armed slots ........ | free slots, last freed first ]
//             0                      armed_ ^
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "emu/state/archive.h"
#include "emu/time/time.h"

namespace jacinth::emu {

class DeadlineQueue {
 public:
  /// Names one armed deadline; never zero, and not used again for the next four thousand million that take its slot.
  using Id = uint64_t;

  /// Arms a deadline. One at Time::never() is kept but never due.
  Id arm(Time when, uint64_t token);

  /// Disarms; false when the deadline is gone already.
  bool cancel(Id id);

  /// The earliest deadline; never when there is none.
  Time next() const { return armed_ == 0 ? Time::never() : slots_[order_[0]].when; }

  /// Disarms the earliest deadline that is `now` or before and returns its token.
  std::optional<uint64_t> pop_due(Time now);

  size_t size() const { return armed_; }
  bool empty() const { return armed_ == 0; }

  /// Ids stay valid across saving and loading.
  void state(Archive& ar);

 private:
  struct Slot {
    Time when;
    uint64_t sequence = 0;  ///< Of arming; decides between equal times.
    uint64_t token = 0;
    uint32_t place = 0;       ///< Index in order_.
    uint32_t generation = 1;  ///< Counts the uses of the slot, so that an old Id is known as such.
  };

  bool before(uint32_t a, uint32_t b) const {
    const Slot& x = slots_[a];
    const Slot& y = slots_[b];
    return x.when != y.when ? x.when < y.when : x.sequence < y.sequence;
  }
  void put(uint32_t place, uint32_t slot) {
    order_[place] = slot;
    slots_[slot].place = place;
  }
  void sift_up(uint32_t place);
  void sift_down(uint32_t place);
  void remove(uint32_t place);
  bool consistent() const;

  std::vector<Slot> slots_;
  std::vector<uint32_t> order_;
  uint32_t armed_ = 0;
  uint64_t next_sequence_ = 1;
};

}  // namespace jacinth::emu
