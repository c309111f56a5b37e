// What of a system call outlives its first run: plain data inside the thread that makes it.
//
// A call that has to wait ends with its thread parked, and its handler runs again from the start after the wake-up. The
// arguments are those of the trap; handles were looked up once and for all by the first run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel/object/handle_table.h"
#include "kernel/object/object.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

/// What is left of a call that has acted: to tell the guest of it, once the pages for that are there.
struct Telling {
  struct Piece {
    GuestAddr at;
    std::vector<std::byte> bytes;
  };
  std::vector<Piece> pieces;
  std::vector<HandleOwner> handles;  ///< The guest's when it has been told.
  Status status = Status::kOk;       ///< How the call ends then.

  void state(Archive& ar);
};

struct CallState {
  Trap trap;
  bool active = false;             ///< A call is parked, or about to run again.
  bool resumed = false;            ///< This run is not the first.
  std::vector<Ref<Object>> named;  ///< In the order in which the handler asked for them.
  std::vector<uint64_t> scratch;   ///< What a handler wants to find again (observed signals, progress of a copy).

  std::unique_ptr<Telling> telling;  ///< The handler has nothing more to do.

  /// The result was put in, and the call not made (kernel/syscalls/injection.h). Only while its end is told.
  bool injected = false;

  /// The call is over, or begins: nothing of an earlier one is left.
  void clear() {
    active = resumed = injected = false;
    named.clear();
    if (!scratch.empty()) scratch.clear();
    telling.reset();
  }
  void state(Archive& ar);
};

}  // namespace jacinth::kernel
