// Threads: registers, a call in progress, a place in the scheduler, and the steps from created to dead.
//
//   new --start--> running <--> suspended            parked, in an exception: still "running", but off the scheduler
//                     |             |
//                     '---> dying <-'   (kill, exit, the process ends)
//                             |
//                           dead        (Tasks::settle; one that exits by itself waits for its debugger before)
//
// A thread never stops inside the kernel: when its call has to wait, the call's arguments stay here and the handler
// runs again (CallState). zircon/kernel/object/thread_dispatcher.cc settles states and signals.
//
// Left out: runtime statistics beyond the scheduler's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "kernel/abi/thread.h"
#include "kernel/ipc/message_waiter.h"
#include "kernel/object/name.h"
#include "kernel/object/object.h"
#include "kernel/object/wait_observer.h"
#include "kernel/object/wait_queue.h"
#include "kernel/platform/platform.h"
#include "kernel/task/call_state.h"
#include "kernel/task/debug_state.h"
#include "kernel/task/exception.h"
#include "kernel/task/exception_delivery.h"
#include "kernel/task/exceptionate.h"
#include "kernel/task/scheduler.h"
#include "kernel/vm/page_source.h"

namespace jacinth::kernel {

class AddressSpace;
class Process;
class RestrictedMode;
class Thread;

/// A thread's wait for a page, in a call or in a fault.
class PageWait final : public PageRequest {
 public:
  explicit PageWait(Thread& thread) : thread_(thread) {}

 private:
  Status park(Time deadline) override;
  void wake() override;
  Thread& thread_;
};

class Thread final : public Object, public Waiter {
 public:
  static constexpr ObjectType kType = ObjectType::kThread;

  enum class State : uint8_t { kNew, kRunning, kSuspended, kDying, kDead };

  /// Where a thread begins, and what it finds in its first two argument registers.
  struct Entry {
    GuestAddr pc;
    GuestAddr sp;
    uint64_t argument1 = 0;
    uint64_t argument2 = 0;
    /// arm64: x18, where what is compiled with a shadow call stack keeps return addresses. No call can ask for one.
    uint64_t shadow_call_stack = 0;
  };

  Thread(Ref<Process> process, std::string_view name);
  /// For loading only.
  explicit Thread(Core& core);

  Process& process() const { return *process_; }
  const Ref<Process>& process_ref() const { return process_; }
  State thread_state() const { return state_; }
  bool started() const { return state_ != State::kNew; }
  bool dying_or_dead() const { return state_ >= State::kDying; }
  /// Neither new, suspended, dying nor in an exception, and waiting for nothing: what the scheduler may hold.
  bool may_run() const { return state_ == State::kRunning && !parked() && !exceptions_.active(); }
  /// As ZX_INFO_THREAD reports it.
  abi::ThreadState info_state() const;

  /// Begins to run; `initial` when it is the process's first. kBadState when it has begun before or the process is not
  /// in the state for it.
  Status start(const Entry& entry, bool initial);
  /// Ends the thread at the next point where the kernel settles. Nothing happens before it was started.
  void kill();
  /// The thread ends by itself: its debugger hears of it first, and it waits for that.
  void exit();

  /// Counted. kBadState when the thread is dying or dead.
  Status suspend();
  void resume();

  /// The exception is delivered when the running call ends.
  void raise_policy(abi::ExceptionPolicyCode code, uint32_t data);
  /// The exception that the thread is in, if any, and its handlers.
  ExceptionDelivery& exceptions() { return exceptions_; }
  const ExceptionDelivery& exceptions() const { return exceptions_; }
  Exceptionate& exceptionate() { return exceptionate_; }
  /// Tells debuggers that the thread starts, and its process with it. True while one of them looks at it.
  bool announce_start();
  /// A policy exception that waits for the call to end.
  std::optional<Exception> take_pending_exception();

  /// It stands still, so that its registers can be looked at (kernel/task/thread_state.h).
  bool observable() const { return state_ == State::kSuspended || exceptions_.active(); }
  /// There is something to go back to: always but for one that exits.
  bool has_frame() const { return !exceptions_.active() || exceptions_.has_registers(); }
  DebugState& debug_state() { return debug_; }
  /// Its debug registers were written.
  void debug_points_changed();
  /// Stops after its next instruction, or no more.
  void set_step(bool step);
  /// The processor stopped at a point of these registers, or behind a step.
  void note_debug_stop(const ExceptionInfo& info);

  /// Its registers and place in restricted mode; made when first asked for.
  RestrictedMode& restricted_mode();
  bool in_restricted_mode() const { return in_restricted_mode_; }
  /// zx_restricted_enter and what ends it.
  Status enter_restricted_mode(GuestAddr vector, uint64_t context);
  void leave_restricted_mode();
  /// The memory that its code sees now.
  AddressSpace& active_space() const;
  /// From now on it runs in this one.
  void use_space(AddressSpace& space);

  /// Something has to happen before it may run guest code: death, an exception, suspension.
  bool attention() const { return attention_; }
  /// Goes into suspension if it was asked to. True when it did.
  bool enter_suspension();

  ThreadContext& context() { return context_; }
  /// The registers as the guest would see them now, the result of a call included.
  Registers& registers();
  CallState& call() { return call_; }
  const CallState& call() const { return call_; }
  /// What zx_object_wait_one and _many wait for.
  WaitObservers& waits() { return waits_; }
  /// The zx_channel_call in progress.
  MessageWaiter& message_waiter() { return message_waiter_; }
  PageWait& page_wait() { return page_wait_; }
  Turn& turn() { return turn_; }
  const Turn& turn() const { return turn_; }
  /// Parks with an absolute deadline, which the process's timer slack may move.
  void park(WaitQueue* queue, BlockReason reason, Time deadline);
  /// It stands aside until its next period: then the alarm comes.
  void arm_release(Time when);
  void disarm_release();

  // Waiter.
  Koid waiter_koid() const override { return koid(); }
  uint8_t priority() const override { return turn_.priority; }

  // Object.
  Koid related_koid() const override;
  std::string_view name() const override { return name_.text(); }
  Status set_name(std::string_view name) override;
  void on_deadline() override;
  Waiter* as_waiter() override { return this; }
  void state(Archive& ar) override;
  void check_loaded(Archive& ar) const;

 private:
  friend class ExceptionDelivery;
  friend class Process;
  friend class Tasks;
  ~Thread() override;

  /// What debuggers have still to hear of its start.
  enum class Start : uint8_t { kTold, kProcess, kThread };

  void on_woken() override;
  void set_state(State state);
  /// Off the scheduler.
  void stop_running();
  /// Its handlers are done with it: it goes on, or ends what it began.
  void exception_over();
  /// Of a breakpoint or step, which leaves traces.
  void debug_stop_over();
  void update_attention();
  /// The last step, by Tasks.
  void finish();

  Ref<Process> process_;
  Name name_;
  State state_ = State::kNew;
  bool attention_ = false;
  bool in_restricted_mode_ = false;  // What restricted_ says, at hand for every call.
  uint32_t suspend_count_ = 0;
  uint64_t start_order_ = 0;  // Among the threads of the process.
  uint64_t deadline_id_ = 0;
  ThreadContext context_;
  CallState call_;
  WaitObservers waits_{*this};
  MessageWaiter message_waiter_{*this};
  PageWait page_wait_{*this};
  Turn turn_;
  ExceptionDelivery exceptions_{*this};
  Exceptionate exceptionate_{abi::ExceptionChannelType::kThread};
  DebugState debug_;
  std::unique_ptr<RestrictedMode> restricted_;
  std::optional<Exception> pending_exception_;
  Start start_ = Start::kTold;
  bool exit_told_ = false;  // The debugger has heard that it exits.
};

}  // namespace jacinth::kernel
