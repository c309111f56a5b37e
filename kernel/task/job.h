// Jobs: a tree whose leaves are processes; what a job may not do, nothing below it may.
//
//   root job (height 32)
//    '- job (31)          a job or process keeps its parent alive (Ref), the parent only lists its children
//        |- job (30)
//        '- process
//
// zircon/kernel/object/job_dispatcher.cc settles the order of what happens when a job is killed: child jobs before
// processes, the youngest of each first; a job is dead when its last child has left.
//
// Left out: the choice of a victim when memory runs out.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "emu/time/time.h"
#include "kernel/object/name.h"
#include "kernel/object/object.h"
#include "kernel/task/exceptionate.h"
#include "kernel/task/job_policy.h"

namespace jacinth::kernel {

class Process;

class Job final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kJob;
  static constexpr uint32_t kRootHeight = 32;

  enum class State : uint8_t { kReady, kKilling, kDead };

  static Ref<Job> create_root(Core& core);
  /// kOutOfRange below a job of height 0, kBadState below one that was killed.
  static Result<Ref<Job>> create(const Ref<Job>& parent);
  /// For loading only.
  explicit Job(Core& core);

  State job_state() const { return state_; }
  uint32_t height() const { return height_; }
  const Ref<Job>& parent() const { return parent_; }
  int64_t return_code() const { return return_code_; }
  bool is_ancestor_of(const Job& job) const;

  /// Kills all that is below and lets nothing new in. False when that has happened before.
  bool kill(int64_t return_code);

  const JobPolicy& policy() const { return policy_; }
  /// kBadState once the job has children.
  Status set_basic_policy(abi::PolicyOption option, std::span<const abi::PolicyBasicV2> records);
  Status set_timer_slack(const abi::PolicyTimerSlack& policy);

  /// Where exceptions go that nobody below handled, and where the starts of processes go.
  Exceptionate& exceptionate() { return exceptionate_; }
  Exceptionate& debug_exceptionate() { return debug_exceptionate_; }

  bool kill_on_oom() const { return kill_on_oom_; }
  void set_kill_on_oom(bool value) { kill_on_oom_ = value; }

  /// Direct children by koid, which is the order in which they were made.
  const std::map<uint64_t, Job*>& jobs() const { return jobs_; }
  const std::map<uint64_t, Process*>& processes() const { return processes_; }

  /// What its processes that are gone had of CPUs.
  Duration runtime_of_the_dead() const { return dead_runtime_; }
  Duration queue_time_of_the_dead() const { return dead_queue_time_; }

  /// False when the job takes no children any more.
  bool add_process(Process& process);
  void remove_process(Process& process);

  Koid related_koid() const override { return parent_ ? parent_->koid() : Koid::kInvalid; }
  std::string_view name() const override { return name_.text(); }
  Status set_name(std::string_view name) override;
  void state(Archive& ar) override;
  void on_loaded(Archive& ar) override;

 private:
  friend class Process;
  Job(Core& core, Ref<Job> parent);
  ~Job() override;

  bool add_job(Job& job);
  void remove_job(Job& job);
  void child_left();

  Ref<Job> parent_;
  uint32_t height_ = kRootHeight;
  State state_ = State::kReady;
  int64_t return_code_ = 0;
  bool kill_on_oom_ = false;
  Duration dead_runtime_;
  Duration dead_queue_time_;
  JobPolicy policy_;
  Name name_;
  Exceptionate exceptionate_{abi::ExceptionChannelType::kJob};
  Exceptionate debug_exceptionate_{abi::ExceptionChannelType::kJobDebugger};
  std::map<uint64_t, Job*> jobs_;
  std::map<uint64_t, Process*> processes_;
};

}  // namespace jacinth::kernel
