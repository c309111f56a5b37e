// What time travel asks of the kernel, and hears from it (kernel/inspect/debug_events.h implements it).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "emu/base/address.h"
#include "emu/debug/timeline.h"
#include "emu/state/thread_context.h"

namespace jacinth::emu {

/// Told while the kernel works; whoever listens only notes it down.
class KernelSink {
 public:
  virtual ~KernelSink() = default;
  /// The guest will find `result`.
  virtual void call_left(TaskId who, uint64_t number, int64_t result) = 0;
  /// Whether a moment of this kind would be heard. Asked for kinds that are too many, or too dear, to be told always.
  virtual bool wants(MomentKind kind) = 0;
  virtual void moment(const Moment& moment) = 0;
};

/// An instruction that calls the kernel.
struct CallSite {
  uint64_t process = 0;
  GuestAddr address;
  uint64_t number = 0;
};

class KernelSide {
 public:
  virtual ~KernelSide() = default;
  /// One listener, null for none; it is told of calls and moments of these kinds.
  virtual void set_sink(KernelSink* sink) = 0;
  virtual TaskId task_of(const ThreadContext& context) = 0;
  /// The thread waits in a system call.
  virtual bool in_call(uint64_t thread) = 0;
  /// Where the processes that live now make the calls with these numbers (all, when there are none).
  virtual std::vector<CallSite> call_sites(std::span<const uint64_t> numbers) = 0;
  /// The run is over, with this code for the host.
  virtual std::optional<int> exit_code() = 0;
};

}  // namespace jacinth::emu
