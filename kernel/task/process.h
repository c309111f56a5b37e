// Processes: an address space, a handle table, and the threads that live in them.
//
//   initial --start--> running --exit, kill--> dying --last thread gone--> dead
//      '----------- last handle closed, kill --------------------------------^
//
// zircon/kernel/object/process_dispatcher.cc settles the order of death: handles first, then memory, then TERMINATED,
// then the job hears of it, then the job that the process was critical to.
//
// A shared process has two halves of memory: the upper one in common with others of its kind, with all handles and
// futexes (ShareableState), the lower one for itself. Its threads see the upper half, and in restricted mode the lower
// one. The first of them, the prototype, has the upper half only.
//
// Left out: the one view of both halves that normal mode has since 2023.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "kernel/abi/policy.h"
#include "kernel/abi/property.h"
#include "kernel/abi/task.h"
#include "kernel/object/handle_table.h"
#include "kernel/object/name.h"
#include "kernel/object/object.h"
#include "kernel/task/exceptionate.h"
#include "kernel/task/futex.h"
#include "kernel/task/job_policy.h"
#include "kernel/task/shareable_state.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {

class Job;

class Process final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kProcess;

  enum class State : uint8_t { kInitial, kRunning, kDying, kDead };

  /// kBadState when the job takes no children any more, kNoMemory when there is none for its page tables.
  static Result<Ref<Process>> create(const Ref<Job>& job, std::string_view name) {
    return create(job, name, Sharing::kNone);
  }
  /// A prototype for others to share memory with.
  static Result<Ref<Process>> create_shareable(const Ref<Job>& job, std::string_view name) {
    return create(job, name, Sharing::kPrototype);
  }
  /// Shares with `other`, in its job. kInvalidArgs when that was not made for it, kBadState when all it would share is
  /// gone.
  static Result<Ref<Process>> create_shared(const Process& other, std::string_view name);
  /// For loading only.
  explicit Process(Core& core);

  Job& job() const { return *job_; }
  State process_state() const { return state_; }
  Time start_time() const { return start_time_; }
  bool dead() const { return state_ == State::kDead; }
  int64_t return_code() const { return return_code_; }

  HandleTable& handles() { return shared_->handles(); }
  /// Null once it is dead.
  AddressSpace* space() const { return space_.get(); }
  /// The same for who knows that it lives: what its own threads call.
  AddressSpace& memory() const { return *space_; }
  /// The half of its own; null when it has none, or is dead.
  AddressSpace* restricted_space() const { return restricted_space_.get(); }
  AddressSpace& restricted_or_normal() const { return restricted_space_ ? *restricted_space_ : *space_; }
  /// The one that has this address, for who looks from outside; null once it is dead.
  AddressSpace* space_at(GuestAddr address) const;
  FutexTable& futexes() { return shared_->futexes(); }
  /// Where the vDSO's image is mapped; 0 before.
  /// Where its vDSO's code lies; 0 when it has none.
  GuestAddr vdso_code() const { return space_ ? space_->vdso_code() : GuestAddr(); }
  GuestAddr vdso_base() const { return space_ ? space_->vdso_base() : GuestAddr(); }

  /// Called by one of its own threads. The first return code that anybody gives wins.
  void exit(int64_t return_code) { end(return_code); }
  void kill(int64_t return_code) { end(return_code); }

  /// Counted; every thread is suspended, and every thread that starts. kBadState when it is dying or dead.
  Status suspend();
  void resume();

  /// Started threads that are not dead, in the order in which they were started.
  const std::map<uint64_t, Ref<Thread>>& threads() const { return threads_; }

  /// What its job's policy at creation says: kOk or what the call returns. May raise an exception or kill.
  Status enforce(abi::PolicyCondition condition, Thread& thread);
  const JobPolicy& policy() const { return policy_; }

  /// The job that is killed when the process dies. kInvalidArgs unless `job` is an ancestor, kAlreadyBound the second
  /// time.
  Status set_critical_to(const Ref<Job>& job, bool only_nonzero);

  /// Where exceptions of its threads go: to its own handler, and to its debugger.
  Exceptionate& exceptionate() { return exceptionate_; }
  Exceptionate& debug_exceptionate() { return debug_exceptionate_; }

  uint64_t debug_address() const { return debug_address_; }
  Status set_debug_address(uint64_t address);
  uint64_t break_on_load() const { return break_on_load_; }
  void set_break_on_load(uint64_t value) { break_on_load_ = value; }
  /// What its threads that are gone had of CPUs; living ones count themselves.
  Duration runtime_of_the_dead() const { return dead_runtime_; }
  Duration queue_time_of_the_dead() const { return dead_queue_time_; }

  Koid related_koid() const override;
  std::string_view name() const override { return name_.text(); }
  Status set_name(std::string_view name) override;
  void on_zero_handles() override;
  void state(Archive& ar) override;
  void on_loaded(Archive& ar) override;
  void check_loaded(Archive& ar) const;

 private:
  friend class Thread;
  friend class Tasks;

  enum class Sharing : uint8_t { kNone, kPrototype, kMember };
  static Result<Ref<Process>> create(const Ref<Job>& job, std::string_view name, Sharing sharing);

  Process(Ref<Job> job, std::string_view name, Sharing sharing, Ref<AddressSpace> space, Ref<ShareableState> shared);
  void begin();
  ~Process() override;

  /// A thread of its own starts.
  Status admit(Thread& thread, bool initial);
  void remove_thread(Thread& thread);
  void end(int64_t return_code);
  void become_dead();
  void state_shared(Archive& ar);
  /// The last step, by Tasks, when everything that its handles held is gone.
  void finish();

  Ref<Job> job_;
  JobPolicy policy_;
  Name name_;
  State state_ = State::kInitial;
  int64_t return_code_ = 0;
  Time start_time_;
  Sharing sharing_ = Sharing::kNone;
  Ref<ShareableState> shared_;
  Ref<AddressSpace> space_;
  Ref<AddressSpace> restricted_space_;
  std::map<uint64_t, Ref<Thread>> threads_;
  uint64_t next_start_ = 1;
  uint32_t suspend_count_ = 0;
  Exceptionate exceptionate_{abi::ExceptionChannelType::kProcess};
  Exceptionate debug_exceptionate_{abi::ExceptionChannelType::kDebugger};
  Ref<Job> critical_to_;
  bool critical_only_nonzero_ = false;
  uint64_t debug_address_ = 0;
  uint64_t break_on_load_ = 0;
  Duration dead_runtime_;
  Duration dead_queue_time_;
};

}  // namespace jacinth::kernel
