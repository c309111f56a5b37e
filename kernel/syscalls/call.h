// A system call while it runs, and the typed view that its handler has of it.
//
//   trap -> Call{arguments} -> bind<handler> decodes -> handler(Call&, Handle, Time, UserOut<T>...) -> Status
//
// A handler resolves handles, copies in, calls one verb of an object, copies out. When it has to wait it returns what
// call.park() returned, and runs again from the start after the wake-up: get() then yields the objects of the first
// run, and park() says how the wait ended.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "emu/base/result.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/wait_queue.h"

namespace jacinth::kernel {

class Kernel;
class Process;
class Thread;

/// What of a call outlives its first run: plain data inside the thread.
struct CallState {
  uint32_t number = 0;
  bool active = false;   ///< A call is parked (or about to run again).
  bool resumed = false;  ///< This run is not the first.
  std::array<uint64_t, 8> arguments = {};
  uint64_t return_address = 0;
  std::vector<Ref<Object>> named;  ///< In the order in which the handler asked for them.
  std::vector<uint64_t> scratch;   ///< What a handler wants to find again (observed signals, progress of a copy).
  void state(Archive& ar);
};

class Call {
 public:
  Call(Kernel& kernel, Thread& thread, CallState& state);

  Kernel& kernel() const { return kernel_; }
  Thread& thread() const { return thread_; }
  Process& process() const;
  HandleTable& handles() const;

  /// The object behind a handle: bad handle, wrong type, access denied, in this order. A bad value also meets the job's
  /// policy. On later runs of a parked call: what the first run found, whatever became of the handle.
  template <class T>
  Result<Ref<T>> get(Handle value, Rights rights);

  /// Waits on `queue` until woken or `deadline` (absolute; user deadlines get the job's timer slack). Returns kParked
  /// when the thread is parked now, kTimedOut when the deadline is or has come, or the status it was woken with when
  /// that is a failure. A handler whose condition does not hold yet after a wake-up with kOk just parks again.
  Status park(WaitQueue& queue, BlockReason reason, Time deadline);
  /// The same without a queue: the deadline, or whoever knows the thread, ends it.
  Status park(BlockReason reason, Time deadline);
  bool resumed() const { return state_.resumed; }
  /// How the wait ended; kOk on the first run.
  Status woken_with() const;

  CallState& state() { return state_; }

 private:
  Kernel& kernel_;
  Thread& thread_;
  CallState& state_;
  size_t next_named_ = 0;
};

}  // namespace jacinth::kernel
