#include "kernel/task/job.h"

#include <vector>

#include "kernel/object/core.h"
#include "kernel/task/process.h"

namespace jacinth::kernel {

Job::Job(Core& core) : Object(core, kType) {}

Job::Job(Core& core, Ref<Job> parent) : Object(core, kType), parent_(std::move(parent)) {
  if (parent_) {
    height_ = parent_->height_ - 1;
    policy_ = parent_->policy_;
  }
  update_signals(Signals::kNone, abi::initial_signals(kType));
}

Job::~Job() {
  if (parent_) parent_->remove_job(*this);
}

Ref<Job> Job::create_root(Core& core) {
  Ref<Job> job(new Job(core, nullptr));
  job->name_.set("root");
  return job;
}

Result<Ref<Job>> Job::create(const Ref<Job>& parent) {
  if (parent->height_ == 0) return Status::kOutOfRange;
  if (parent->state_ != State::kReady) return Status::kBadState;
  Ref<Job> job(new Job(parent->core(), parent));
  parent->add_job(*job);
  return job;
}

bool Job::is_ancestor_of(const Job& job) const {
  const Job* at = &job;
  while (at != nullptr && at != this) at = at->parent_.get();
  return at == this;
}

bool Job::add_job(Job& job) {
  jobs_.emplace(abi::raw(job.koid()), &job);
  if (jobs_.size() == 1) update_signals(Signals::kJobNoJobs, Signals::kNone);
  return true;
}

bool Job::add_process(Process& process) {
  if (state_ != State::kReady) return false;
  processes_.emplace(abi::raw(process.koid()), &process);
  if (processes_.size() == 1) update_signals(Signals::kJobNoProcesses, Signals::kNone);
  return true;
}

void Job::remove_job(Job& job) {
  if (jobs_.erase(abi::raw(job.koid())) > 0) child_left();
}

void Job::remove_process(Process& process) {
  if (processes_.erase(abi::raw(process.koid())) == 0) return;
  dead_runtime_.ns += process.runtime_of_the_dead().ns;
  dead_queue_time_.ns += process.queue_time_of_the_dead().ns;
  child_left();
}

void Job::child_left() {
  Signals set = Signals::kNone;
  if (processes_.empty()) set |= Signals::kJobNoProcesses;
  if (jobs_.empty()) set |= Signals::kJobNoJobs;
  update_signals(Signals::kNone, set);

  if (state_ != State::kKilling || !jobs_.empty() || !processes_.empty()) return;
  // Dead before it leaves its parent's list: parents die after their children.
  state_ = State::kDead;
  exceptionate_.shut_down();
  debug_exceptionate_.shut_down();
  update_signals(Signals::kNone, Signals::kJobTerminated);
  if (parent_) parent_->remove_job(*this);
}

bool Job::kill(int64_t return_code) {
  if (state_ != State::kReady) return false;
  return_code_ = return_code;
  state_ = State::kKilling;

  // A child without references is only waiting to be destroyed.
  std::vector<Ref<Job>> jobs;
  for (const auto& [koid, job] : jobs_) {
    if (job->ref_count() > 0) jobs.emplace_back(job);
  }
  std::vector<Ref<Process>> processes;
  for (const auto& [koid, process] : processes_) {
    if (process->ref_count() > 0) processes.emplace_back(process);
  }

  if (jobs_.empty() && processes_.empty()) child_left();
  // As deep as jobs may nest, which is 32.
  for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) (*job)->kill(return_code);
  for (auto process = processes.rbegin(); process != processes.rend(); ++process) (*process)->kill(return_code);
  return true;
}

Status Job::set_basic_policy(abi::PolicyOption option, std::span<const abi::PolicyBasicV2> records) {
  if (!jobs_.empty() || !processes_.empty()) return Status::kBadState;
  return policy_.add(option, records);
}

Status Job::set_timer_slack(const abi::PolicyTimerSlack& policy) {
  if (!jobs_.empty() || !processes_.empty()) return Status::kBadState;
  return policy_.set_timer_slack(policy);
}

Status Job::set_name(std::string_view name) {
  name_.set(name);
  return Status::kOk;
}

void Job::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, parent_);
  // Older, and so with a smaller koid: no job is above itself.
  if (ar.loading() && parent_ && parent_->koid() >= koid()) ar.fail("a job below a younger one");
  ar(height_, state_, return_code_, kill_on_oom_, policy_, name_, dead_runtime_, dead_queue_time_);
  ar(exceptionate_, debug_exceptionate_);
}

void Job::on_loaded(Archive& ar) {
  Object::on_loaded(ar);
  if (parent_ && state_ != State::kDead) parent_->jobs_.emplace(abi::raw(koid()), this);
}

}  // namespace jacinth::kernel
