// What of a run is shown: by call, by who makes it, by what it names, by when, and by how it ends.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "emu/time/time.h"
#include "kernel/abi/names.h"
#include "kernel/abi/syscall_info.h"

namespace jacinth::kernel {

struct TraceFilter {
  /// By number: whether the call is shown. Empty: all are.
  std::vector<bool> calls;
  /// What comes from other processes and threads than these, by koid, is not shown. Empty: everything is.
  std::vector<uint64_t> tasks;
  /// Calls that name none of these objects by a handle, neither going in nor coming out, are not shown. Empty: all are.
  std::vector<uint64_t> objects;
  /// Only calls that end with one of these. Empty: all.
  std::vector<Status> statuses;
  /// Calls that begin, and what else happens, outside these virtual times is not shown.
  Time from;
  Time until = Time::never();
  enum class Results : uint8_t { kAll, kFailed, kSucceeded };
  Results results = Results::kAll;

  bool takes_call(uint64_t number) const { return number >= calls.size() || calls[number]; }
  /// `thread` is 0 for what a process does as a whole.
  bool takes(Time now, uint64_t process, uint64_t thread) const;
  /// The same for what is no call: with a choice of objects, only what happens to these.
  bool takes_life(Time now, uint64_t process, uint64_t thread) const;
  /// Only the end of a call tells whether it is shown.
  bool decides_late() const { return results != Results::kAll || !objects.empty() || !statuses.empty(); }
  /// `info` is null for a number that no call has, `result` for a call that never ends; `named` are all objects that it
  /// named.
  bool takes_end(const abi::SyscallInfo* info, const int64_t* result, std::span<const uint64_t> named) const;
};

}  // namespace jacinth::kernel
