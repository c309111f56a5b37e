#include "kernel/task/process.h"

#include <algorithm>
#include <utility>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/task/job.h"
#include "kernel/task/tasks.h"

namespace jacinth::kernel {
namespace {

uint32_t draw_secret(Core& core) {
  uint32_t secret = 0;
  core.random(std::as_writable_bytes(std::span(&secret, 1)));
  return secret;
}

}  // namespace

Process::Process(Core& core)
    : Object(core, kType), shared_(new ShareableState(core.handles(), abi::raw(koid()), 0, nullptr)) {
  shared_->add(*this);
}

Process::Process(Ref<Job> job, std::string_view name, Sharing sharing, Ref<AddressSpace> space,
                 Ref<ShareableState> shared)
    : Object(job->core(), kType),
      job_(std::move(job)),
      policy_(job_->policy()),
      name_(name),
      sharing_(sharing),
      shared_(std::move(shared)),
      space_(std::move(space)) {
  if (!shared_) {
    shared_ = Ref<ShareableState>(new ShareableState(core().handles(), abi::raw(koid()), draw_secret(core()), space_));
  }
  shared_->add(*this);
  shared_->begin();
  space_->begin_process();
}

Process::~Process() {
  shared_->remove(*this);
  if (job_) job_->remove_process(*this);
}

Result<Ref<Process>> Process::create(const Ref<Job>& job, std::string_view name, Sharing sharing) {
  if (job->job_state() != Job::State::kReady) return Status::kBadState;
  AddressSpace::Half half = sharing == Sharing::kPrototype ? AddressSpace::Half::kUpper : AddressSpace::Half::kBoth;
  Ref<AddressSpace> space = TRY(AddressSpace::create(job->core(), name, half));
  Ref<Process> process(new Process(job, name, sharing, std::move(space), nullptr));
  process->begin();
  return process;
}

Result<Ref<Process>> Process::create_shared(const Process& other, std::string_view name) {
  if (other.sharing_ == Sharing::kNone) return Status::kInvalidArgs;
  if (other.shared_->living() == 0) return Status::kBadState;
  if (other.job_->job_state() != Job::State::kReady) return Status::kBadState;
  Ref<AddressSpace> own = TRY(AddressSpace::create(other.core(), name, AddressSpace::Half::kLower));
  Ref<Process> process(new Process(other.job_, name, Sharing::kMember, other.shared_->space(), other.shared_));
  process->restricted_space_ = std::move(own);
  process->restricted_space_->begin_process();
  process->begin();
  return process;
}

void Process::begin() {
  job_->add_process(*this);
  core().tasks().tell([&](KernelObserver& observer) { observer.process_created(*this); });
}

AddressSpace* Process::space_at(GuestAddr address) const {
  return restricted_space_ && restricted_space_->contains(address) ? restricted_space_.get() : space_.get();
}

Koid Process::related_koid() const { return job_->koid(); }

Status Process::set_name(std::string_view name) {
  name_.set(name);
  return Status::kOk;
}

Status Process::admit(Thread& thread, bool initial) {
  // The first thread comes with process_start, all others after it.
  if (state_ != (initial ? State::kInitial : State::kRunning)) return Status::kBadState;
  if (initial) start_time_ = core().now();
  state_ = State::kRunning;
  thread.start_order_ = next_start_++;
  threads_.emplace(thread.start_order_, Ref<Thread>(&thread));
  if (suspend_count_ > 0) ++thread.suspend_count_;
  return Status::kOk;
}

void Process::remove_thread(Thread& thread) {
  dead_runtime_.ns += thread.turn().runtime.ns;
  dead_queue_time_.ns += thread.turn().queue_time.ns;
  futexes().thread_exited(thread);
  threads_.erase(thread.start_order_);
  if (threads_.empty()) become_dead();
}

void Process::end(int64_t return_code) {
  if (state_ == State::kDead) return;
  if (state_ != State::kDying) return_code_ = return_code;
  if (threads_.empty()) {
    become_dead();
    return;
  }
  if (std::exchange(state_, State::kDying) == State::kDying) return;
  for (auto& [order, thread] : threads_) thread->kill();
}

void Process::on_zero_handles() {
  // Nobody can start it any more.
  if (state_ == State::kInitial) become_dead();
}

void Process::become_dead() {
  state_ = State::kDead;
  exceptionate_.shut_down();
  debug_exceptionate_.shut_down();
  shared_->end();
  core().tasks().add_dead(*this);
}

void Process::finish() {
  std::exchange(space_, nullptr)->end_process();
  shared_->finish();
  if (restricted_space_) {
    restricted_space_->destroy();
    std::exchange(restricted_space_, nullptr)->end_process();
  }
  update_signals(Signals::kNone, Signals::kProcessTerminated);
  core().tasks().tell([&](KernelObserver& observer) { observer.process_exited(*this); });
  job_->remove_process(*this);
  if (critical_to_ && (!critical_only_nonzero_ || return_code_ != 0)) {
    critical_to_->kill(static_cast<int64_t>(abi::TaskRetcode::kCriticalProcessKill));
  }
}

Status Process::suspend() {
  if (state_ >= State::kDying) return Status::kBadState;
  if (++suspend_count_ > 1) return Status::kOk;
  for (auto& [order, thread] : threads_) {
    // Fails for a thread that is on its way out, which will not run either.
    static_cast<void>(thread->suspend());
  }
  return Status::kOk;
}

void Process::resume() {
  if (state_ >= State::kDying || --suspend_count_ > 0) return;
  for (auto& [order, thread] : threads_) thread->resume();
}

Status Process::enforce(abi::PolicyCondition condition, Thread& thread) {
  abi::PolicyAction action = policy_.action(condition);
  if (action == abi::PolicyAction::kAllow) [[likely]]
    return Status::kOk;
  if (action == abi::PolicyAction::kAllowException || action == abi::PolicyAction::kDenyException) {
    thread.raise_policy(static_cast<abi::ExceptionPolicyCode>(condition), 0);
  } else if (action == abi::PolicyAction::kKill) {
    kill(static_cast<int64_t>(abi::TaskRetcode::kPolicyKill));
  }
  return action == abi::PolicyAction::kAllowException ? Status::kOk : Status::kAccessDenied;
}

Status Process::set_critical_to(const Ref<Job>& job, bool only_nonzero) {
  if (critical_to_) return Status::kAlreadyBound;
  if (!job->is_ancestor_of(*job_)) return Status::kInvalidArgs;
  critical_to_ = job;
  critical_only_nonzero_ = only_nonzero;
  return Status::kOk;
}

Status Process::set_debug_address(uint64_t address) {
  if (address == 0) return Status::kInvalidArgs;
  // Once the dynamic linker has said where its list is, it stays there.
  if (debug_address_ != 0 && debug_address_ != abi::kProcessDebugAddrBreakOnSet) return Status::kAccessDenied;
  debug_address_ = address;
  return Status::kOk;
}

void Process::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, job_);
  ar(policy_, name_, state_, return_code_, start_time_, sharing_, next_start_, suspend_count_);
  state_shared(ar);
  state_ref(ar, critical_to_);
  ar(critical_only_nonzero_, debug_address_, break_on_load_, dead_runtime_, dead_queue_time_);
  ar(exceptionate_, debug_exceptionate_);
  if (letting_go(ar)) {
    threads_.clear();
    space_ = nullptr;
    restricted_space_ = nullptr;
  }
  state_ref(ar, core().vm(), space_);
  state_ref(ar, core().vm(), restricted_space_);
  size_t count = ar.count(threads_.size(), 16);
  if (!ar.loading()) {
    for (auto& [order, thread] : threads_) {
      uint64_t number = order;
      ar(number);
      state_ref(ar, thread);
    }
    return;
  }
  threads_.clear();
  for (size_t i = 0; i < count && ar.ok(); ++i) {
    uint64_t order = 0;
    Ref<Thread> thread;
    ar(order);
    state_ref(ar, thread);
    if (thread) threads_.emplace(order, std::move(thread));
  }
}

void Process::state_shared(Archive& ar) {
  uint64_t oldest = abi::raw(shared_->holders().front()->koid());
  ar(oldest);
  if (oldest == abi::raw(koid())) return shared_->state(ar);
  if (!ar.loading()) return;
  auto* other = object_cast<Process>(find_object(ar, oldest));
  // What is older has been loaded by now.
  if (other == nullptr || oldest > abi::raw(koid())) return ar.fail("a process that shares with none");
  shared_->remove(*this);
  shared_ = other->shared_;
  shared_->add(*this);
}

void Process::check_loaded(Archive& ar) const {
  auto living = std::ranges::count_if(shared_->holders(), [](const Process* process) { return !process->dead(); });
  if (shared_->living() != static_cast<uint32_t>(living)) ar.fail("shared state that lives longer than its processes");
  if (sharing_ > Sharing::kMember) ar.fail("a process that shares in no known way");
  if ((restricted_space_.get() != nullptr) != (sharing_ == Sharing::kMember && !dead())) {
    ar.fail("a process with half of its memory");
  }
  if (!job_ || state_ > State::kDead) ar.fail("a process without a job or state");
  if ((space_.get() == nullptr) != dead()) ar.fail("a process without memory, or a dead one with some");
  for (const auto& [order, thread] : threads_) {
    bool ours = thread->process_.get() == this && thread->start_order_ == order && thread->started();
    if (!ours || thread->thread_state() == Thread::State::kDead) ar.fail("a process with a thread that is not its own");
  }
}

void Process::on_loaded(Archive& ar) {
  Object::on_loaded(ar);
  if (state_ != State::kDead && job_) job_->processes_.emplace(abi::raw(koid()), this);
}

}  // namespace jacinth::kernel
