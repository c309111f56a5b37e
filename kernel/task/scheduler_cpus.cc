// The scheduler's CPUs: which one a thread goes to, what an idle one takes from others, how fast they are, and what
// happens when one is taken away. zircon/kernel/kernel/scheduler.cc (FindTargetCpu, StealWork), mp.cc.
#include <algorithm>
#include <array>
#include <cstdint>

#include "emu/base/check.h"
#include "kernel/task/scheduler.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

Duration Scheduler::Cpu::worth(Duration here) const {
  if (speed == kFullSpeed) return here;
  return Duration{static_cast<int64_t>(static_cast<__int128>(here.ns) * speed / kFullSpeed)};
}

/// Rounded up: after so long it has what it is worth.
Duration Scheduler::Cpu::takes(Duration worth) const {
  if (speed == kFullSpeed || worth.ns <= 0) return worth;
  __int128 here = (static_cast<__int128>(worth.ns) * kFullSpeed + speed - 1) / speed;
  return Duration{static_cast<int64_t>(std::min<__int128>(here, INT64_MAX / 4))};
}

uint32_t Scheduler::ask(Question question, size_t answers, size_t usual) const {
  if (choices_ == nullptr || answers < 2) return static_cast<uint32_t>(usual);
  uint32_t answer = choices_->choose(question, static_cast<uint32_t>(answers), static_cast<uint32_t>(usual));
  CHECK(answer < answers, "answer {} of {}", answer, answers);
  return answer;
}

uint32_t Scheduler::allowed(const Turn& turn) const {
  uint32_t mask = turn.affinity & online_;
  return mask != 0 ? mask : online_;
}

unsigned Scheduler::find_cpu(const Turn& turn) const {
  uint32_t mask = allowed(turn);
  using Load = std::array<int64_t, 3>;
  auto share = [&](const Cpu& at) { return at.takes(Duration{turn.utilization()}).ns; };
  auto load = [&](const Cpu& at) {
    return turn.fair() ? Load{at.expected.ns, at.utilization} : Load{at.utilization, share(at), at.expected.ns};
  };
  auto sufficient = [&](const Cpu& at) {
    if (at.expected > kNextToNothing) return false;
    return turn.fair() || (share(at) <= Turn::kWhole && at.utilization + share(at) <= Turn::kWhole);
  };
  auto count = static_cast<unsigned>(cpus_.size());
  unsigned first = (turn.placed ? turn.cpu : here_) % count;
  unsigned best = count;
  unsigned best_index = 0;
  unsigned index = 0;
  bool found = false;
  for (unsigned i = 0; i < count; ++i) {
    unsigned cpu = (first + i) % count;
    if ((mask >> cpu & 1) == 0) continue;
    if (!found && (best == count || load(cpus_[cpu]) < load(cpus_[best]))) {
      best = cpu;
      best_index = index;
      found = sufficient(cpus_[cpu]);
    }
    ++index;
  }
  if (choices_ == nullptr) return best;
  uint32_t answer = ask(Question::kCpu, index, best_index);
  for (unsigned i = 0;; ++i) {
    unsigned cpu = (first + i) % count;
    if ((mask >> cpu & 1) != 0 && answer-- == 0) return cpu;
  }
}

bool Scheduler::idle_has_work() const {
  return std::ranges::any_of(cpus_, [](const Cpu& at) { return at.current == nullptr && at.has_work(); });
}

/// The first thread of another CPU that has more than it runs, and that may run here.
Thread* Scheduler::steal(unsigned cpu) {
  if (ready_count_ == 0 || (online_ >> cpu & 1) == 0) return nullptr;
  for (unsigned i = 1; i < cpus_.size(); ++i) {
    const Cpu& from = cpus_[(cpu + i) % cpus_.size()];
    if (from.current == nullptr) continue;
    for (const Queue* queue : {&from.released, &from.fair}) {
      auto found = std::ranges::find_if(*queue, [&](const Entry& e) {
        const Turn& turn = e.thread->turn();
        // One with a deadline must not need more than all of this CPU (kThreadUtilizationMax).
        bool fits = turn.fair() || cpus_[cpu].takes(Duration{turn.utilization()}).ns <= Turn::kWhole;
        return fits && (allowed(turn) >> cpu & 1) != 0;
      });
      if (found == queue->end()) continue;
      Thread* thread = found->thread;
      Time since = thread->turn().ready_since;
      dequeue(*thread);
      remove(*thread);
      insert(cpu, *thread, cpus_[cpu].updated);
      thread->turn().ready_since = since;
      return thread;
    }
  }
  return nullptr;
}

void Scheduler::set_affinity(Thread& thread, uint32_t mask, Time now) {
  Turn& turn = thread.turn();
  if (mask == 0) mask = ~uint32_t{0};
  turn.affinity = mask;
  if (turn.place == Turn::Place::kStopped || (allowed(turn) >> turn.cpu & 1) != 0) return;
  if (turn.place == Turn::Place::kRunning) {
    cpus_[turn.cpu].reschedule = true;
    return;
  }
  stop(thread, now);
  ready(thread, now);
}

void Scheduler::set_online(uint32_t mask, Time now) {
  CHECK((mask & all_cpus()) != 0, "no CPU left");
  uint32_t added = mask & all_cpus() & ~online_;
  online_ = mask & all_cpus();
  for (unsigned cpu = 0; cpu < cpus_.size(); ++cpu) {
    if ((online_ >> cpu & 1) != 0) continue;
    Cpu& at = cpus_[cpu];
    at.reschedule = at.current != nullptr;
    for (Queue* queue : {&at.released, &at.fair, &at.throttled}) {
      while (!queue->empty()) {
        Thread& thread = *queue->begin()->thread;
        stop(thread, now);
        ready(thread, now);
      }
    }
  }
  // A CPU that is new has nothing to do and looks for something at once.
  for (unsigned cpu = 0; cpu < cpus_.size(); ++cpu) {
    if ((added >> cpu & 1) != 0) steal(cpu);
  }
}

void Scheduler::set_speed(unsigned cpu, int64_t speed, Time now) {
  Cpu& at = cpus_[cpu];
  if (at.current != nullptr && !at.current->turn().fair()) {
    // What it had so far, it had at the speed of so far.
    Turn& turn = at.current->turn();
    Duration worth = at.worth(now - at.slice_start);
    turn.banked.ns += worth.ns;
    turn.slice.ns -= worth.ns;
    at.slice_start = now;
    at.reschedule = true;
  }
  at.speed = speed;
}

}  // namespace jacinth::kernel
