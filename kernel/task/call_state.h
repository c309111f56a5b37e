// What of a system call outlives its first run: plain data inside the thread that makes it.
//
// A call that has to wait ends with its thread parked, and its handler runs again from the start after the wake-up. The
// arguments are those of the trap; handles were looked up once and for all by the first run.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/object/object.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

struct CallState {
  Trap trap;
  bool active = false;             ///< A call is parked, or about to run again.
  bool resumed = false;            ///< This run is not the first.
  std::vector<Ref<Object>> named;  ///< In the order in which the handler asked for them.
  std::vector<uint64_t> scratch;   ///< What a handler wants to find again (observed signals, progress of a copy).

  /// The call is over, or begins: nothing of an earlier one is left.
  void clear() {
    active = resumed = false;
    named.clear();
    if (!scratch.empty()) scratch.clear();
  }
  void state(Archive& ar);
};

}  // namespace jacinth::kernel
