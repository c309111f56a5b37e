// A system call while it runs, and the typed view that its handler has of it.
//
//   trap -> CallState{arguments} -> bind<handler> decodes -> handler(Call&, Handle, Time, UserOut<T>...) -> Status
//
// A handler resolves handles, copies in, calls one verb of an object, copies out. When it has to wait it returns what
// call.park() returned, and runs again from the start after the wake-up: get() then yields the objects of the first
// run, and park() says how the wait ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "emu/base/result.h"
#include "emu/time/time.h"
#include "kernel/abi/exception.h"
#include "kernel/abi/policy.h"
#include "kernel/object/core.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/wait_queue.h"
#include "kernel/syscalls/user.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

class Kernel;

class Call {
 public:
  Call(Kernel& kernel, Thread& thread)
      : kernel_(kernel), thread_(thread), state_(thread.call()), fresh_wake_(state_.resumed) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Kernel& kernel() const { return kernel_; }
  Thread& thread() const { return thread_; }
  Process& process() const { return thread_.process(); }
  Core& core() const { return thread_.core(); }
  HandleTable& handles() const { return process().handles(); }
  UserMemory& memory() const { return process().memory(); }
  Time now() const { return core().now(); }

  uint64_t number() const { return state_.trap.number; }
  uint64_t argument(size_t index) const { return state_.trap.arguments[index]; }

  /// The object behind a handle: bad handle, wrong type, access denied, in this order. A bad value also meets the job's
  /// policy. On later runs of a parked call: what the first run found, whatever became of the handle.
  template <class T>
  Result<Ref<T>> get(Handle value, Rights rights) {
    if (next_named_ < state_.named.size()) [[unlikely]] {
      Ref<Object>& object = state_.named[next_named_++];
      return Ref<T>(static_cast<T*>(object.get()));
    }
    Result<Ref<T>> found = handles().template get<T>(value, rights);
    if (!found) [[unlikely]]
      return lookup_failed(found.status());
    state_.named.push_back(*found);
    ++next_named_;
    return found;
  }

  /// The handle itself, for calls that take any object and look at the handle's rights: bad handle, access denied. Only
  /// for a call's first run: the handle may have gone since.
  Result<HandleEntry> entry(Handle value, Rights rights);
  /// Takes a handle out of the calling process.
  Result<HandleOwner> take(Handle value);

  /// Makes a handle to `object` in the calling process and tells the guest its value: the last thing that a call does.
  /// When the guest cannot be told, the handle is gone again.
  Status give(UserOut<Handle> out, Ref<Object> object, Rights rights);
  Status give(UserOut<Handle> out, HandleOwner handle);
  /// The same for two handles, such as the ends of a channel: both or none.
  Status give(UserOut<Handle> out0, Ref<Object> object0, UserOut<Handle> out1, Ref<Object> object1, Rights rights);
  Status give(UserOut<Handle> out0, HandleOwner handle0, UserOut<Handle> out1, HandleOwner handle1);

  /// Ends a call that has acted, so that it cannot run again: writes what it has to tell, now or when the page for it
  /// is there, and returns `status`; kInvalidArgs when the guest cannot be told.
  Status tell(GuestAddr at, std::span<const std::byte> bytes, Status status = Status::kOk);
  /// The same for what an earlier run left.
  Status tell_rest();

  /// Whether the calling process's job lets it: kOk, or what to return. Raises or kills as the policy says.
  Status policy(abi::PolicyCondition condition) { return process().enforce(condition, thread_); }
  /// A policy exception that comes whatever the job says, delivered when the call ends.
  void raise(abi::ExceptionPolicyCode code, uint32_t data = 0) { thread_.raise_policy(code, data); }

  /// Waits on `queue` until woken or `deadline` (absolute). Returns kParked when the thread is parked now, kTimedOut
  /// when the deadline is or has come, or the status it was woken with when that is a failure. A handler whose
  /// condition does not hold yet after a wake-up with kOk just parks again.
  Status park(WaitQueue& queue, BlockReason reason, Time deadline) { return park_on(&queue, reason, deadline); }
  /// The same without a queue: the deadline, or whoever knows the thread, ends it.
  Status park(BlockReason reason, Time deadline) { return park_on(nullptr, reason, deadline); }
  bool resumed() const { return state_.resumed; }
  /// How the wait ended; kOk on the first run.
  Status woken_with() const { return state_.resumed ? thread_.wait().woken_with : Status::kOk; }

  /// The guest asked for something that Zircon has and we lack (`what` in a few words): named, counted and summed up
  /// at exit. Returns `status`, which is what the guest gets.
  Status unsupported(std::string_view what, Status status = Status::kNotSupported);

  CallState& state() { return state_; }

 private:
  Status lookup_failed(Status status);
  Telling& begin_telling();
  Status park_on(WaitQueue* queue, BlockReason reason, Time deadline);

  Kernel& kernel_;
  Thread& thread_;
  CallState& state_;
  size_t next_named_ = 0;
  bool fresh_wake_;  // The wake-up that led to this run has not been reported by park() yet.
};

}  // namespace jacinth::kernel
