#include "emu/machine/machine.h"

#include <algorithm>
#include <utility>

#include "emu/base/check.h"

namespace jacinth::emu {

Machine::Machine(const MachineOptions& options)
    : options_(options),
      memory_(options.ram_base, options.ram_size),
      coherence_(memory_),
      pool_(options.core_limit, [this] { return make_core(options_.stepping); }),
      stepper_(1, [this] { return make_core(true); }),
      cpus_(options.cpus) {
  CHECK(options.cpus > 0);
}

Machine::~Machine() = default;

std::unique_ptr<Cpu> Machine::make_core(bool stepping) {
  auto core = make_cpu({.arch = options_.arch, .stepping = stepping, .blocks = options_.blocks}, memory_, bus_, *this,
                       coherence_);
  core->set_breakpoints(breakpoints_);
  // The core that steps is the one that runs what another stopped before.
  if (!stepping) core->set_watched_pages(watched_pages_);
  return core;
}

void Machine::set_breakpoints(std::vector<GuestAddr> addresses) {
  if (addresses == breakpoints_) return;
  breakpoints_ = std::move(addresses);
  auto set = [this](Cpu& core) { core.set_breakpoints(breakpoints_); };
  pool_.for_each(set);
  stepper_.for_each(set);
}

void Machine::set_watched_pages(std::vector<WatchedPage> pages) {
  watched_pages_ = std::move(pages);
  pool_.for_each([this](Cpu& core) { core.set_watched_pages(watched_pages_); });
}

/// Counts entries, which must not depend on where the run was stopped in between.
void Machine::entered() {
  ++entries_;
  if (probe_ != nullptr && probe_->entered()) [[unlikely]]
    hold_ = true;
  if (entries_ >= limits_.entries) [[unlikely]]
    entry_limit_ = true;
}

uint64_t Machine::executed_bytes() {
  now();
  return clock_.executed_bytes();
}

void Machine::set_alarm(Time when) {
  alarm_ = when;
  update_preemption();
}

void Machine::update_preemption() { preempt_at_ = std::min({alarm_, turn_end_, cpus_[turn_].slice_end}); }

RunEnd Machine::run(const RunLimits& limits) {
  CHECK(supervisor_ != nullptr);
  stop_requested_ = hold_ = entry_limit_ = false;
  limits_ = limits;
  while (true) {
    if (stop_requested_) return RunEnd::kStopped;
    if (hold_) return RunEnd::kHeld;
    if (entry_limit_) return RunEnd::kEntryLimit;
    if (limits.interrupt != nullptr && *limits.interrupt != 0) return RunEnd::kInterrupted;
    if (!in_turn_) {
      if (now() >= alarm_) {
        alarm_ = Time::never();
        supervisor_->alarm();
        entered();
        for (CpuState& cpu : cpus_) cpu.must_schedule = 1;
        continue;
      }
      if (clock_.now() >= limits.time) return RunEnd::kTimeLimit;
      if (clock_.executed_bytes() >= limits.code_bytes) return RunEnd::kCodeLimit;
      if (!take_turn()) {
        if (stop_requested_) return RunEnd::kStopped;
        if (alarm_ == Time::never()) return RunEnd::kBlocked;
        if (alarm_ > limits.time) {
          clock_.advance_to(limits.time);
          return RunEnd::kTimeLimit;
        }
        clock_.advance_to(alarm_);
        continue;
      }
    }

    // The middle of a turn is no event of the run: whoever comes back here goes on as if nothing had been.
    in_turn_ = true;
    if (hold_ || entry_limit_) [[unlikely]]
      continue;
    ThreadContext* context = supervisor_->current(turn_);
    if (context == nullptr) {
      // Another CPU ended or suspended it since.
      in_turn_ = false;
      cpus_[turn_].must_schedule = 1;
      continue;
    }
    Stop stop = run_thread(*context);
    if (stop.reason == Stop::Reason::kLimit) return RunEnd::kCodeLimit;
    if (stop.reason == Stop::Reason::kHeld) {
      if (!hold_ && entry_limit_) return RunEnd::kEntryLimit;
      return RunEnd::kHeld;
    }
    if (stop.reason == Stop::Reason::kStepped) continue;
    if (stop.reason == Stop::Reason::kBudget && clock_.now() < preempt_at_)
      return hold_ ? RunEnd::kHeld : RunEnd::kTimeLimit;
    // Somebody looked at the registers during a call: that is no event of the run either.
    if (std::exchange(reload_, false)) continue;
    in_turn_ = false;
    if (stop.reason == Stop::Reason::kException) {
      now();
      spend(kTrapCost);
      if (supervisor_->exception(turn_, stop.exception) == Next::kSwitch) cpus_[turn_].must_schedule = 1;
      entered();
    }
  }
}

bool Machine::take_turn() {
  Time time = clock_.now();
  // A choice for one CPU can take the thread of another away (it was killed there), also of one that we looked at
  // before.
  auto lost = [this](unsigned i) { return cpus_[i].has_thread != 0 && supervisor_->current(i) == nullptr; };
  bool again = true;
  while (again) {
    again = false;
    busy_ = 0;
    for (unsigned i = 0; i < cpus_.size(); ++i) {
      CpuState& cpu = cpus_[i];
      bool idle_but_wanted = cpu.has_thread == 0 && supervisor_->work_waiting();
      bool slice_over = cpu.has_thread != 0 && time >= cpu.slice_end;
      if (cpu.must_schedule != 0 || idle_but_wanted || slice_over || lost(i)) {
        cpu.must_schedule = 0;
        cpu.has_thread = supervisor_->schedule(i) != nullptr ? 1 : 0;
        entered();
        cpu.slice_end = cpu.has_thread != 0 ? time + supervisor_->slice(i) : Time::never();
        if (stop_requested_) return false;
        for (unsigned earlier = 0; earlier < i; ++earlier) again |= lost(earlier);
      }
      if (cpu.has_thread != 0) ++busy_;
    }
    // A choice can also wake a thread for a CPU that had nothing to do when we looked.
    if (busy_ != cpus_.size() && supervisor_->work_waiting()) again = true;
  }
  if (busy_ == 0) return false;

  // The one whose turn it is keeps it until its end; then the next that has work.
  if (time >= turn_end_ || cpus_[turn_].has_thread == 0) {
    do {
      turn_ = (turn_ + 1) % static_cast<uint32_t>(cpus_.size());
    } while (cpus_[turn_].has_thread == 0);
    turn_end_ = Time::never();
  }
  if (busy_ == 1) {
    turn_end_ = Time::never();
  } else if (turn_end_ == Time::never()) {
    turn_end_ = time + kTurn;
  }
  update_preemption();
  return true;
}

uint64_t Machine::budget() const { return clock_.bytes_until(std::min(preempt_at_, limits_.time)); }

template <class Go>
Stop Machine::run_on(CorePool& pool, Cpu& core, Go go) {
  uint64_t limit = limits_.code_bytes;
  if (limit != Cpu::kUnlimited) limit -= std::min(limit, clock_.executed_bytes());
  running_ = &core;
  running_pool_ = &pool;
  Stop stop = go(core, budget(), limit);
  clock_.advance_bytes(core.take_executed());
  running_ = nullptr;
  return stop;
}

Stop Machine::run_on(CorePool& pool, Cpu& core) {
  return run_on(pool, core, [](Cpu& cpu, uint64_t budget, uint64_t limit) { return cpu.run(budget, limit); });
}

Stop Machine::step_on(Cpu& core) {
  return run_on(stepper_, core, [](Cpu& cpu, uint64_t budget, uint64_t limit) { return cpu.step(budget, limit); });
}

Stop Machine::run_thread(ThreadContext& context) {
  context_ = &context;
  if (context.traced || (probe_ != nullptr && probe_->traces(context))) [[unlikely]]
    return run_traced(context);
  Stop stop = run_on(pool_, pool_.core_for(context));
  if (stop.reason == Stop::Reason::kWatched) [[unlikely]]
    return run_watched(context);
  if (stop.reason != Stop::Reason::kLimit || options_.stepping) return stop;

  // A core that runs blocks stops before the block that holds the limit: the rest goes instruction by instruction.
  // It knows no watched pages: where there are any, each instruction is looked at.
  if (!watched_pages_.empty()) return run_traced(context);
  pool_.fetch(context);
  stop = run_on(stepper_, stepper_.core_for(context));
  // What the system call that ended it may have made of the thread, only the pool knows.
  stepper_.fetch_all();
  return stop;
}

// --- While the guest runs ---

bool Machine::system_call(Cpu& core) {
  clock_.advance_bytes(core.take_executed());
  spend(kTrapCost);
  running_ = nullptr;
  Next next = supervisor_->system_call(turn_, core, *context_);
  running_ = &core;
  entered();
  if (next != Next::kContinue) [[unlikely]] {
    if (next == Next::kSwitch) {
      cpus_[turn_].must_schedule = 1;
      return false;
    }
    if (next == Next::kReslice) {
      cpus_[turn_].slice_end = clock_.now() + supervisor_->slice(turn_);
      update_preemption();
    }
  }
  if (stop_requested_ || clock_.now() >= preempt_at_) return false;
  // Work for an idle CPU: it takes it here and now, and this one need not leave the guest when the turn stays its own.
  if (next != Next::kContinue && busy_ != cpus_.size() && supervisor_->work_waiting()) {
    uint32_t turn = turn_;
    if (!take_turn() || turn_ != turn) return false;
    // What another CPU took up can have ended or suspended this one's thread.
    if (supervisor_->current(turn_) == nullptr) return false;
  }
  core.set_budget(budget());
  // Whoever fetched the registers may have changed them: they are loaded again. And a stop that somebody from outside
  // wants here is none of the run.
  if (context_->resident == nullptr || hold_ || entry_limit_) [[unlikely]] {
    reload_ = true;
    return false;
  }
  return true;
}

bool Machine::page_fault(Cpu& core, GuestAddr page, AccessKind access) {
  clock_.advance_bytes(core.take_executed());
  spend(kPageFaultCost);
  bool resolved = supervisor_->page_fault(turn_, page, access);
  ThreadContext* context = supervisor_->current(turn_);
  if (context != nullptr && context->resident == nullptr) running_pool_->reattach(*context, core);
  core.set_budget(budget());
  entered();
  if (hold_ || entry_limit_) [[unlikely]]
    core.hold();
  return resolved;
}

bool Machine::breakpoint(Cpu& core, GuestAddr pc) {
  if (probe_ == nullptr) return false;
  clock_.advance_bytes(core.take_executed());
  if (!probe_->breakpoint(*context_, pc)) return false;
  hold_ = true;
  return true;
}

uint64_t Machine::counter(Cpu& core) {
  clock_.advance_bytes(core.take_executed());
  return static_cast<uint64_t>(clock_.now().ns);
}

void Machine::state(Archive& ar) {
  state_without_memory(ar);
  ar(memory_);
}

void Machine::state_without_memory(Archive& ar) {
  fetch_all_registers();
  if (ar.loading()) {
    pool_.forget_all();
    stepper_.forget_all();
  }
  ar(clock_, alarm_, entries_);
  auto count = static_cast<uint32_t>(cpus_.size());
  ar(count);
  if (count != cpus_.size()) return ar.fail("a machine with another number of CPUs");
  for (CpuState& cpu : cpus_) ar(cpu);
  ar(turn_, turn_end_, in_turn_, busy_);
  if (turn_ >= cpus_.size()) {
    turn_ = 0;
    return ar.fail("a turn of a CPU that is not there");
  }
  if (ar.loading()) update_preemption();
  ar(bus_);
}

}  // namespace jacinth::emu
