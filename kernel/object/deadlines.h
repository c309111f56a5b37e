// The kernel's deadlines: parked threads and armed timers, in the order in which they come.
//
// A deadline may have slack, which is leave to coalesce: it joins the nearest one that is there already if that lies
// within its window, and is exact otherwise (kernel/timer.cc of Zircon decides so, for each CPU by itself). Equal times
// fire in arming order.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "emu/time/time.h"
#include "kernel/abi/names.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Object;

class Deadlines {
 public:
  /// Ids are never 0 and never come back.
  uint64_t add(Time when, Object& object);
  /// Somewhere in [when - early, when + late].
  uint64_t add(Time when, Duration early, Duration late, Object& object);
  /// No effect when it has fired already.
  void remove(uint64_t id);
  /// When it will fire; never() when it has.
  Time when(uint64_t id) const;
  /// The next one; never() when there is none.
  Time next() const { return order_.empty() ? Time::never() : order_.begin()->first.when; }
  /// Takes out the next one that is due; null when none is.
  Object* pop(Time now);
  size_t size() const { return order_.size(); }
  void clear();
  void state(Archive& ar);

 private:
  struct Place {
    Time when;
    uint64_t id = 0;
    auto operator<=>(const Place&) const = default;
  };
  std::map<Place, Object*> order_;
  std::map<uint64_t, Time> by_id_;
  uint64_t next_id_ = 1;
};

}  // namespace jacinth::kernel
