// What has happened to an object, found by making the run again up to here with somebody listening.
//
//   where the run begins --again, calls and traffic about the object told--> here
//
// Left out: what happened before a debugger changed the run, which does not lead here; signals that are taken back
// without a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "emu/debug/timeline.h"
#include "kernel/object/core.h"

namespace jacinth::cli {

struct ObjectHistory {
  struct Event {
    Time time;
    std::string text;  ///< A line as strace has them.
  };
  std::vector<Event> events;  ///< The first of all, and the last ones.
  size_t total = 0;
  /// The run was changed here; nothing earlier is known.
  bool since_change = false;
};

/// The first and the last `most` events. The timeline stands where it stood; objects are others, by the same koids.
ObjectHistory object_history(emu::Timeline& timeline, kernel::Core& core, uint64_t koid, size_t most);

/// As lines, the gap between the first and the others told.
std::string history_text(const ObjectHistory& history);

}  // namespace jacinth::cli
