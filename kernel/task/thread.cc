#include "kernel/task/thread.h"

#include <utility>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/task/exception_object.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/restricted_mode.h"
#include "kernel/task/tasks.h"
#include "kernel/task/x86_registers.h"

namespace jacinth::kernel {
namespace {

// What a thread finds in the registers that are not its arguments (arch_setup_uspace_iframe and the FPU's reset state).
constexpr uint16_t kInitialX87Control = 0x037f;
constexpr uint16_t kInitialX87Tag = 0xffff;
constexpr uint32_t kInitialMxcsr = 0x1f80;

Registers initial_registers(Arch arch, const Thread::Entry& entry) {
  Registers r;
  r.pc = entry.pc.value;
  stack_pointer(arch, r) = entry.sp.value;
  if (arch == Arch::kArm64) {
    r.gpr[0] = entry.argument1;
    r.gpr[1] = entry.argument2;
    r.gpr[18] = entry.shadow_call_stack;
  } else {
    r.gpr[kRdi] = entry.argument1;
    r.gpr[kRsi] = entry.argument2;
    r.flags = kX86InitialFlags;
    r.fpcr = kInitialMxcsr;
    r.x87_control = kInitialX87Control;
    r.x87_tag = kInitialX87Tag;
  }
  return r;
}

}  // namespace

void CallState::state(Archive& ar) {
  ar(trap.number, trap.return_address, trap.arguments, active, resumed);
  named.resize(ar.count(named.size(), sizeof(uint64_t)));
  for (Ref<Object>& object : named) state_ref(ar, object);
  ar(scratch);
  bool tells = telling != nullptr;
  ar(tells);
  if (ar.loading()) telling = tells ? std::make_unique<Telling>() : nullptr;
  if (telling) telling->state(ar);
}

void Telling::state(Archive& ar) {
  pieces.resize(ar.count(pieces.size(), 2 * sizeof(uint64_t)));
  for (Piece& piece : pieces) ar(piece.at, piece.bytes);
  handles.resize(ar.count(handles.size(), sizeof(uint32_t)));
  for (HandleOwner& handle : handles) {
    handle.state(ar);
    if (ar.loading() && !handle) ar.fail("a handle for a guest that is none");
  }
  if (!ar.ok()) std::erase_if(handles, [](const HandleOwner& handle) { return !handle; });
  ar(status);
}

Thread::Thread(Core& core) : Object(core, kType) {}

Thread::Thread(Ref<Process> process, std::string_view name)
    : Object(process->core(), kType), process_(std::move(process)), name_(name) {}

Thread::~Thread() {
  if (turn_.place != Turn::Place::kStopped) core().tasks().scheduler().stop(*this, core().now());
  if (deadline_id_ != 0) core().cancel(deadline_id_);
}

Koid Thread::related_koid() const { return process_->koid(); }

Status Thread::set_name(std::string_view name) {
  name_.set(name);
  return Status::kOk;
}

abi::ThreadState Thread::info_state() const {
  switch (state_) {
    case State::kNew: return abi::ThreadState::kNew;
    case State::kSuspended: return abi::ThreadState::kSuspended;
    case State::kDying: return abi::ThreadState::kDying;
    case State::kDead: return abi::ThreadState::kDead;
    case State::kRunning: break;
  }
  if (exceptions_.active()) return abi::ThreadState::kBlockedException;
  if (!parked()) return abi::ThreadState::kRunning;
  switch (wait().reason) {
    case BlockReason::kNone: break;
    case BlockReason::kException: return abi::ThreadState::kBlockedException;
    case BlockReason::kSleeping: return abi::ThreadState::kBlockedSleeping;
    case BlockReason::kFutex: return abi::ThreadState::kBlockedFutex;
    case BlockReason::kPort: return abi::ThreadState::kBlockedPort;
    case BlockReason::kChannel: return abi::ThreadState::kBlockedChannel;
    case BlockReason::kWaitOne: return abi::ThreadState::kBlockedWaitOne;
    case BlockReason::kWaitMany: return abi::ThreadState::kBlockedWaitMany;
    case BlockReason::kInterrupt: return abi::ThreadState::kBlockedInterrupt;
    case BlockReason::kPager: return abi::ThreadState::kBlockedPager;
    case BlockReason::kConsole: break;
  }
  return abi::ThreadState::kBlocked;
}

void Thread::set_state(State state) {
  state_ = state;
  switch (state) {
    case State::kNew:
    case State::kDying: break;
    case State::kRunning: update_signals(Signals::kThreadSuspended, Signals::kThreadRunning); break;
    case State::kSuspended: update_signals(Signals::kThreadRunning, Signals::kThreadSuspended); break;
    case State::kDead:
      update_signals(Signals::kThreadRunning | Signals::kThreadSuspended, Signals::kThreadTerminated);
      break;
  }
}

void Thread::update_attention() {
  attention_ = dying_or_dead() || pending_exception_ || start_ != Start::kTold ||
               (suspend_count_ > 0 && state_ == State::kRunning);
}

Status Thread::start(const Entry& entry, bool initial) {
  if (state_ != State::kNew) return Status::kBadState;
  TRY_STATUS(process_->admit(*this, initial));

  context_.registers = initial_registers(core().platform().arch(), entry);
  context_.page_table = process_->memory().page_table();
  // It runs for a moment even when it is suspended from the start.
  set_state(State::kRunning);
  start_ = initial ? Start::kProcess : Start::kThread;
  update_attention();
  core().tasks().scheduler().ready(*this, core().now());
  core().tasks().tell([&](KernelObserver& observer) {
    if (initial) observer.process_started(*process_, *this);
    observer.thread_started(*this);
  });
  return Status::kOk;
}

bool Thread::announce_start() {
  if (start_ == Start::kProcess) {
    start_ = Start::kThread;
    for (Ref<Job> job(&process_->job()); job; job = job->parent()) {
      if (exceptions_.announce(abi::ExceptionType::kProcessStarting, job->debug_exceptionate())) return true;
    }
  }
  if (start_ == Start::kThread) {
    start_ = Start::kTold;
    update_attention();
    return exceptions_.announce(abi::ExceptionType::kThreadStarting, process_->debug_exceptionate());
  }
  return false;
}

void Thread::stop_running() { core().tasks().scheduler().stop(*this, core().now()); }

void Thread::debug_points_changed() {
  context_.debug.points = debug_.points(core().platform().arch());
  context_.traced = context_.debug.active();
}

void Thread::set_step(bool step) {
  context_.debug.step = step;
  context_.debug.step_due = false;
  context_.traced = context_.debug.active();
}

void Thread::note_debug_stop(const ExceptionInfo& info) { debug_.note(core().platform().arch(), info); }

void Thread::debug_stop_over() {
  debug_.clear_step_status();
  // A program can set the flag itself; from now on we know.
  if (core().platform().arch() == Arch::kX86_64) set_step((registers().flags & kX86TrapFlag) != 0);
}

RestrictedMode& Thread::restricted_mode() {
  if (!restricted_) restricted_ = std::make_unique<RestrictedMode>();
  return *restricted_;
}

Status Thread::enter_restricted_mode(GuestAddr vector, uint64_t context) {
  Status status = restricted_mode().enter(*this, vector, context);
  in_restricted_mode_ = restricted_->inside();
  return status;
}

void Thread::leave_restricted_mode() {
  restricted_->leave(*this);
  in_restricted_mode_ = false;
}

AddressSpace& Thread::active_space() const {
  return in_restricted_mode_ ? process_->restricted_or_normal() : process_->memory();
}

void Thread::use_space(AddressSpace& space) {
  registers();  // No core holds any of it now.
  context_.page_table = space.page_table();
}

void Thread::exception_over() {
  if (state_ == State::kDying) {
    core().tasks().add_dying(*this);
  } else {
    core().tasks().scheduler().ready(*this, core().now());
  }
}

void Thread::exit() {
  if (dying_or_dead()) return;
  set_state(State::kDying);
  update_attention();
  exit_told_ = true;
  if (!exceptions_.announce(abi::ExceptionType::kThreadExiting, process_->debug_exceptionate())) {
    core().tasks().add_dying(*this);
  }
}

void Thread::kill() {
  if (state_ == State::kNew || state_ == State::kDead) return;
  bool waits = exceptions_.active();
  exceptions_.abandon();
  if (state_ == State::kDying) {
    if (waits) core().tasks().add_dying(*this);  // For its debugger, as it exits.
    return;
  }
  set_state(State::kDying);
  update_attention();
  wake(Status::kInternalIntrKilled);
  core().tasks().add_dying(*this);
}

void Thread::finish() {
  Tasks& tasks = core().tasks();
  tasks.scheduler().stop(*this, core().now());
  if (call_.active) {
    if (wait().reason == BlockReason::kFutex) process_->futexes().waiter_left(GuestAddr(call_.scratch[0]));
    tasks.tell_results([&](KernelObserver& observer) { observer.call_abandoned(*this, call_.trap); });
    // What it was woken for goes to somebody else.
    if (wait().woken_with == Status::kOk) {
      for (const Ref<Object>& object : call_.named) object->on_waiter_lost();
    }
  }
  call_.clear();
  waits_.end();
  message_waiter_.abandon();
  page_wait_.forget_failure();
  pending_exception_.reset();
  if (!std::exchange(exit_told_, true)) {
    // The debugger of a killed thread hears of it, and nobody waits for what it does.
    static_cast<void>(exceptions_.announce(abi::ExceptionType::kThreadExiting, process_->debug_exceptionate()));
    exceptions_.abandon();
  }
  core().platform().forget(context_);
  restricted_ = nullptr;
  in_restricted_mode_ = false;
  // Nobody can see them any more, so whether a last result had come to them must not count.
  context_.registers = {};
  context_.result.reset();
  set_state(State::kDead);
  exceptionate_.shut_down();
  tasks.tell([&](KernelObserver& observer) { observer.thread_exited(*this); });
  process_->remove_thread(*this);
}

Status Thread::suspend() {
  ++suspend_count_;
  if (dying_or_dead()) return Status::kBadState;
  if (suspend_count_ > 1 || state_ == State::kNew) return Status::kOk;
  update_attention();
  // Out of its wait: the vDSO asks again when the suspension is over.
  wake(Status::kInterruptedRetry);
  return Status::kOk;
}

bool Thread::enter_suspension() {
  if (suspend_count_ == 0 || state_ != State::kRunning) return false;
  core().tasks().scheduler().stop(*this, core().now());
  set_state(State::kSuspended);
  update_attention();
  return true;
}

void Thread::resume() {
  CHECK(suspend_count_ > 0);
  if (--suspend_count_ > 0) return;
  if (state_ == State::kSuspended) {
    set_state(State::kRunning);
    core().tasks().scheduler().ready(*this, core().now());
  }
  update_attention();
}

void Thread::raise_policy(abi::ExceptionPolicyCode code, uint32_t data) {
  pending_exception_ = Exception::from_policy(code, data, call_.trap.return_address);
  update_attention();
}

std::optional<Exception> Thread::take_pending_exception() {
  std::optional<Exception> taken = std::exchange(pending_exception_, std::nullopt);
  update_attention();
  return taken;
}

Registers& Thread::registers() {
  core().platform().fetch_registers(context_);
  if (context_.result) {
    result_register(context_.registers) = static_cast<uint64_t>(*context_.result);
    context_.result.reset();
  }
  return context_.registers;
}

void Thread::park(WaitQueue* queue, BlockReason reason, Time deadline) {
  park_on(queue, reason, deadline);
  core().tasks().scheduler().stop(*this, core().now());
  if (deadline == Time::never()) return;
  // A page, or a byte, comes when it comes: only what a program asked for has slack.
  bool comes = reason == BlockReason::kPager || reason == BlockReason::kConsole;
  Slack slack = comes ? Slack{} : process_->policy().slack();
  deadline_id_ = core().arm(deadline, slack.early, slack.late, *this);
}

void Thread::arm_release(Time when) {
  CHECK(deadline_id_ == 0);
  if (when != Time::never()) deadline_id_ = core().arm(when, *this);
}

void Thread::disarm_release() {
  if (deadline_id_ != 0) core().cancel(std::exchange(deadline_id_, 0));
}

void Thread::on_deadline() {
  deadline_id_ = 0;
  wake(Status::kTimedOut);
}

Status PageWait::park(Time deadline) {
  if (thread_.dying_or_dead()) return Status::kInternalIntrKilled;
  thread_.park(nullptr, BlockReason::kPager, deadline);
  return Status::kParked;
}

void PageWait::wake() { thread_.wake(Status::kOk); }

void Thread::on_woken() {
  if (page_wait_.waiting()) {
    // Whatever it was, the call or the access is made again: how a wait of its own ends is another matter.
    page_wait_.give_up(std::exchange(wait_.woken_with, Status::kOk));
  }
  if (deadline_id_ != 0) core().cancel(std::exchange(deadline_id_, 0));
  if (wait_.reason == BlockReason::kFutex) process_->futexes().left(*this);
  if (state_ != State::kRunning) return;
  core().tasks().scheduler().ready(*this, core().now());
  core().tasks().tell_traffic([&](KernelObserver& observer) { observer.thread_woken(*this); });
}

void Thread::check_loaded(Archive& ar) const {
  if (!process_ || state_ > State::kDead || start_ > Start::kThread) {
    return ar.fail("a thread without a process or state");
  }
  exceptions_.check_loaded(ar);
  bool may_except = (state_ == State::kRunning && !parked()) || state_ == State::kDying;
  if (exceptions_.active() && !may_except) ar.fail("a thread in an exception that cannot be in one");
  if (!started() || state_ == State::kDead) return;
  auto listed = process_->threads().find(start_order_);
  if (listed == process_->threads().end() || listed->second != this) ar.fail("a thread that its process does not know");
  bool faults = wait().reason == BlockReason::kPager;
  if (page_wait_.waiting() != (parked() && faults)) ar.fail("a thread that waits for a page, and does not");
  if (parked() && ((!call_.active && !faults) || state_ != State::kRunning))
    ar.fail("a thread that waits and makes no call");
}

void Thread::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, process_);
  ar(name_, state_, attention_, suspend_count_, start_order_, deadline_id_);
  if (ar.mode() != Archive::Mode::kLoad && state_ != State::kDead && state_ != State::kNew) registers();
  ar(context_.registers, context_.page_table, context_.result, debug_, context_.debug.step, context_.debug.step_due);
  if (ar.loading()) debug_points_changed();
  bool restricted = restricted_ != nullptr;
  ar(restricted);
  if (ar.loading()) restricted_ = restricted ? std::make_unique<RestrictedMode>() : nullptr;
  if (restricted_) restricted_->state(ar);
  in_restricted_mode_ = restricted_ && restricted_->inside();
  ar(call_, waits_, message_waiter_, turn_, exceptions_, exceptionate_, pending_exception_, start_, exit_told_);
  wait_state(ar);
  page_wait_.state(ar, core().vm());
}

}  // namespace jacinth::kernel
