#include "kernel/task/scheduler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/object_table.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {
namespace {

constexpr int64_t kTargetGrains = Scheduler::kTargetLatency.ns / Scheduler::kGranularity.ns;
/// What a thread usually runs falls by a quarter of the difference, and rises by all of it (kExpectedRuntimeAlpha and
/// _Beta).
constexpr int64_t kDecay = 4;

Duration part(Duration whole, int64_t share) {
  return Duration{static_cast<int64_t>(static_cast<__int128>(whole.ns) * share / Turn::kWhole)};
}

}  // namespace

// --- shares and slices ---

void Scheduler::Counts::state(Archive& ar) { ar(reschedules, context_switches, slices_over, preempts, yields); }

void Scheduler::update_timeline(Cpu& at, Time now) {
  if (at.weight > 0) at.virtual_time = at.virtual_time + (now - at.updated);
  at.updated = now;
}

/// Every thread has its turn in it, as long as turns are not too short for that.
Duration Scheduler::period(const Cpu& at) { return {std::max(at.fair_count, kTargetGrains) * kGranularity.ns}; }

Duration Scheduler::fair_slice(const Cpu& at, const Turn& turn) {
  int64_t grains = period(at).ns / kGranularity.ns;
  int64_t share = (grains * turn.weight() + at.weight / 2) / at.weight;
  return {std::max<int64_t>(share, 1) * kGranularity.ns};
}

/// More or less is wanted of the CPU than when the slice was made.
void Scheduler::adjust_slice(Cpu& at, Turn& turn, Time now) {
  if (!turn.fair() || at.weight == at.scheduled_weight || now - at.slice_start >= turn.slice) return;
  at.scheduled_weight = at.weight;
  turn.whole_slice = fair_slice(at, turn);
  turn.slice = part(turn.whole_slice, turn.remainder);
}

bool Scheduler::expired(const Cpu& at, const Turn& turn, Time now) const {
  Duration ran = now - at.slice_start;
  return turn.yielded || (turn.fair() ? ran >= turn.slice : at.worth(ran) >= turn.slice || now >= turn.finish);
}

bool Scheduler::outranked(const Cpu& at, const Turn& turn) const {
  return !at.released.empty() && (turn.fair() || at.released.begin()->key < turn.finish);
}

void Scheduler::charge(Turn& turn, Time now) {
  turn.runtime.ns += (now - turn.since).ns;
  turn.since = now;
}

void Scheduler::average(Cpu& at, Turn& turn, Time now, bool over) {
  turn.banked.ns += at.worth(now - at.slice_start).ns;
  if (!over) return;  // The rest is still to come.
  int64_t more = std::exchange(turn.banked, Duration{}).ns - turn.expected.ns;
  int64_t change = std::max(more >= 0 ? more : more / kDecay, -turn.expected.ns);
  turn.expected.ns += change;
  at.expected.ns += change;
}

// --- queues ---

Scheduler::Queue& Scheduler::queue_of(const Turn& turn) {
  Cpu& at = cpus_[turn.cpu];
  if (turn.fair()) return at.fair;
  return turn.place == Turn::Place::kThrottled ? at.throttled : at.released;
}

Time Scheduler::key_of(const Turn& turn) { return turn.place == Turn::Place::kThrottled ? turn.start : turn.finish; }

void Scheduler::account(Cpu& at, const Turn& turn, int sign) {
  at.expected.ns += sign * turn.expected.ns;
  if (turn.fair()) {
    at.fair_count += sign;
    at.weight += sign * turn.weight();
  } else {
    at.deadline_count += sign;
    at.utilization += sign * turn.utilization();
  }
}

void Scheduler::enqueue(Thread& thread, Placement placement, Time now, Duration ran) {
  Turn& turn = thread.turn();
  Cpu& at = cpus_[turn.cpu];
  bool yielded = std::exchange(turn.yielded, false);
  turn.slice.ns -= yielded ? turn.slice.ns : ran.ns;
  if (turn.fair()) {
    if (yielded) turn.finish = at.virtual_time;
    auto left = static_cast<int64_t>(static_cast<__int128>(turn.slice.ns) * Turn::kWhole /
                                     std::max<int64_t>(turn.whole_slice.ns, 1));
    if (placement == Placement::kInsertion || (placement == Placement::kPreemption && left <= 0)) {
      turn.start = std::max(turn.finish, at.virtual_time);
      turn.remainder = Turn::kWhole;
    } else if (placement == Placement::kPreemption) {
      turn.remainder = std::min(left, Turn::kWhole);
    }
    turn.finish = turn.start + Duration{period(at).ns * weight_of(0) / turn.weight()};
  } else if (placement != Placement::kAdjustment) {
    Duration until_deadline = turn.finish - now;
    if (until_deadline.ns <= 0 || turn.slice.ns <= 0) {
      turn.start = std::max(now, turn.start + turn.deadline.period);
      turn.finish = turn.start + turn.deadline.relative_deadline;
      turn.slice = turn.deadline.capacity;
    } else {
      turn.slice = std::min(turn.slice, until_deadline);
    }
  }
  if (placement != Placement::kAdjustment) {
    turn.generation = ++generation_;
    turn.ready_since = now;
  }
  bool throttled = !turn.fair() && turn.start > now;
  turn.place = throttled ? Turn::Place::kThrottled : Turn::Place::kReady;
  if (throttled) {
    thread.arm_release(turn.start);
  } else {
    ++ready_count_;
  }
  queue_of(turn).insert({key_of(turn), turn.generation, &thread});
}

void Scheduler::dequeue(Thread& thread) {
  Turn& turn = thread.turn();
  queue_of(turn).erase({key_of(turn), turn.generation, &thread});
  if (turn.place == Turn::Place::kThrottled) {
    thread.disarm_release();
  } else {
    --ready_count_;
  }
  turn.place = Turn::Place::kStopped;
}

/// Those whose next period has begun.
void Scheduler::release_due(Cpu& at, Time now) {
  while (!at.throttled.empty() && at.throttled.begin()->key <= now) {
    Thread& thread = *at.throttled.begin()->thread;
    dequeue(thread);
    Turn& turn = thread.turn();
    turn.place = Turn::Place::kReady;
    ++ready_count_;
    at.released.insert({key_of(turn), turn.generation, &thread});
  }
}

void Scheduler::insert(unsigned cpu, Thread& thread, Time now) {
  Cpu& at = cpus_[cpu];
  thread.turn().cpu = cpu;
  update_timeline(at, now);
  account(at, thread.turn(), 1);
  enqueue(thread, Placement::kInsertion, now);
  if (at.current == nullptr) return;
  at.reschedule = true;
  if (choices_ != nullptr && thread.turn().fair() && ask(Question::kPreempt, 2, 0) == 1) {
    at.current->turn().yielded = true;
  }
}

void Scheduler::remove(Thread& thread) {
  Turn& turn = thread.turn();
  account(cpus_[turn.cpu], turn, -1);
  if (turn.fair()) turn.start = turn.finish = Time{};
}

// --- which thread ---

Thread* Scheduler::take_next(unsigned cpu, Time now) {
  Cpu& at = cpus_[cpu];
  if (!at.has_work() && steal(cpu) == nullptr) return nullptr;
  uint32_t index = ask(Question::kNext, at.ready(), 0);
  const Queue& queue = index < at.released.size() ? at.released : at.fair;
  if (index >= at.released.size()) index -= static_cast<uint32_t>(at.released.size());
  Thread* next = std::next(queue.begin(), index)->thread;
  if (next->turn().fair()) at.virtual_time = std::max(at.virtual_time, next->turn().start);
  dequeue(*next);
  put_on(cpu, *next, now);
  return next;
}

void Scheduler::put_on(unsigned cpu, Thread& thread, Time now) {
  Cpu& at = cpus_[cpu];
  Turn& turn = thread.turn();
  turn.place = Turn::Place::kRunning;
  turn.placed = true;
  turn.since = now;
  // Where a switch takes time, nobody gets a CPU without having waited for it; programs wait to see that.
  turn.queue_time.ns = std::max<int64_t>(turn.queue_time.ns + (now - turn.ready_since).ns, 1);
  if (turn.fair()) {
    turn.whole_slice = fair_slice(at, turn);
    turn.slice = part(turn.whole_slice, turn.remainder);
  }
  at.slice_start = now;
  at.scheduled_weight = at.weight;
  at.idle.ns += (now - at.idle_since).ns;
  at.current = &thread;
  at.reschedule = false;
  uint64_t koid = abi::raw(thread.koid());
  if (at.previous != koid) ++at.counts.context_switches;
  at.previous = koid;
}

void Scheduler::take_off(Cpu& at, Time now, bool over) {
  Turn& turn = at.current->turn();
  charge(turn, now);
  average(at, turn, now, over);
  turn.place = Turn::Place::kStopped;
  ++at.counts.reschedules;
  at.current = nullptr;
  at.reschedule = false;
  at.idle_since = now;
}

// --- what others ask for ---

void Scheduler::ready(Thread& thread, Time now) {
  if (thread.turn().place != Turn::Place::kStopped) return;
  insert(find_cpu(thread.turn()), thread, now);
}

void Scheduler::stop(Thread& thread, Time now) {
  Turn& turn = thread.turn();
  if (turn.place == Turn::Place::kStopped) return;
  Cpu& at = cpus_[turn.cpu];
  update_timeline(at, now);
  if (turn.place == Turn::Place::kRunning) {
    if (!turn.fair()) turn.slice.ns -= at.worth(now - at.slice_start).ns;
    turn.yielded = false;
    take_off(at, now, true);
  } else {
    dequeue(thread);
  }
  remove(thread);
}

void Scheduler::yield(unsigned cpu, Time) {
  Cpu& at = cpus_[cpu];
  if (at.current == nullptr) return;
  at.current->turn().yielded = true;
  at.reschedule = true;
  ++at.counts.yields;
}

template <class F>
void Scheduler::change(Thread& thread, Time now, F&& change) {
  Turn& turn = thread.turn();
  if (turn.place == Turn::Place::kStopped) return change(turn, nullptr);
  Cpu& at = cpus_[turn.cpu];
  update_timeline(at, now);
  bool waits = turn.place != Turn::Place::kRunning;
  if (waits) dequeue(thread);
  account(at, turn, -1);
  change(turn, &at);
  account(at, turn, 1);
  if (waits) enqueue(thread, Placement::kAdjustment, now);
  at.reschedule = at.current != nullptr;
}

void Scheduler::set_priority(Thread& thread, uint8_t priority, Time now) {
  CHECK(priority < Turn::kPriorities, "priority {}", priority);
  change(thread, now, [&](Turn& turn, Cpu* at) {
    turn.base_priority = priority;
    turn.priority = static_cast<uint8_t>(std::max<int>(priority, turn.inherited));
    if (turn.fair()) return;
    // As if it had yielded.
    turn.discipline = Turn::Discipline::kFair;
    turn.start = turn.finish = at != nullptr ? at->virtual_time : Time{};
    turn.slice = turn.whole_slice = Duration{};
    turn.remainder = Turn::kWhole;
  });
}

void Scheduler::set_deadline(Thread& thread, const abi::SchedDeadlineParams& params, Time now) {
  change(thread, now, [&](Turn& turn, Cpu* at) {
    bool was_fair = turn.fair();
    turn.discipline = Turn::Discipline::kDeadline;
    turn.deadline = params;
    // In the eyes of whatever still asks for priorities.
    turn.base_priority = turn.priority = Turn::kPriorities - 1;
    turn.inherited = Turn::kNothingInherited;
    if (at == nullptr) {
      if (!was_fair) return;
      turn.start = now - params.period;  // So that its first period begins when it is ready.
      turn.finish = turn.start;
      turn.slice = Duration{};
      return;
    }
    bool runs = turn.place == Turn::Place::kRunning;
    if (was_fair) turn.start = runs ? at->slice_start : now;
    turn.finish = turn.start + params.relative_deadline;
    turn.slice = std::min(turn.slice, params.capacity);
  });
}

bool Scheduler::inherit(Thread& thread, int8_t priority, Time now) {
  Turn& turn = thread.turn();
  if (!turn.fair() || turn.inherited == priority) return false;
  turn.inherited = priority;
  auto effective = static_cast<uint8_t>(std::max<int>(turn.base_priority, priority));
  if (effective == turn.priority) return false;
  change(thread, now, [&](Turn& changed, Cpu*) { changed.priority = effective; });
  return true;
}

bool Scheduler::keeps(unsigned cpu, Time now) {
  Cpu& at = cpus_[cpu];
  if (at.current == nullptr) return false;
  release_due(at, now);
  update_timeline(at, now);
  Turn& turn = at.current->turn();
  adjust_slice(at, turn, now);
  at.reschedule = expired(at, turn, now) || outranked(at, turn) || (allowed(turn) >> cpu & 1) == 0;
  return !at.reschedule;
}

Thread* Scheduler::choose(unsigned cpu, Time now) {
  Cpu& at = cpus_[cpu];
  here_ = cpu;
  if (Thread* current = at.current) {
    charge(current->turn(), now);
    if (keeps(cpu, now)) return current;
    Turn& turn = current->turn();
    bool over = expired(at, turn, now);
    Duration ran = now - at.slice_start;
    if (!turn.fair()) ran = at.worth(ran);
    if (!over) ++at.counts.preempts;
    if (over && !turn.yielded && at.has_work()) ++at.counts.slices_over;
    take_off(at, now, over);
    if ((allowed(turn) >> cpu & 1) == 0) {
      turn.yielded = false;
      remove(*current);
      insert(find_cpu(turn), *current, now);
    } else {
      enqueue(*current, over ? Placement::kInsertion : Placement::kPreemption, now, ran);
    }
  } else {
    release_due(at, now);
    update_timeline(at, now);
  }
  return take_next(cpu, now);
}

Duration Scheduler::slice(unsigned cpu, Time now) const {
  const Cpu& at = cpus_[cpu];
  if (at.current == nullptr) return kTargetLatency;
  const Turn& turn = at.current->turn();
  Time end = at.slice_start + (turn.fair() ? turn.slice : at.takes(turn.slice));
  if (!turn.fair()) end = std::min(end, turn.finish);
  return std::max(end - now, Duration{1});
}

// --- what it tells ---

Duration Scheduler::runtime(const Thread& thread, Time now) {
  const Turn& turn = thread.turn();
  bool running = turn.place == Turn::Place::kRunning;
  return running ? Duration{turn.runtime.ns + (now - turn.since).ns} : turn.runtime;
}

Duration Scheduler::queue_time(const Thread& thread, Time now) {
  const Turn& turn = thread.turn();
  bool waiting = turn.place == Turn::Place::kReady || turn.place == Turn::Place::kThrottled;
  return waiting ? Duration{turn.queue_time.ns + (now - turn.ready_since).ns} : turn.queue_time;
}

Duration Scheduler::idle_time(unsigned cpu, Time now) const {
  const Cpu& at = cpus_[cpu];
  return at.current != nullptr ? at.idle : Duration{at.idle.ns + (now - at.idle_since).ns};
}

void Scheduler::clear() {
  for (Cpu& at : cpus_) {
    for (Queue* queue : {&at.fair, &at.released, &at.throttled}) {
      while (!queue->empty()) dequeue(*queue->begin()->thread);
    }
    if (at.current != nullptr) at.current->turn().place = Turn::Place::kStopped;
    at = {};
  }
  CHECK(ready_count_ == 0);
}

void Scheduler::state(Archive& ar) {
  if (ar.loading()) clear();
  ar(generation_, here_, online_);
  if (ar.loading() && ((online_ & all_cpus()) == 0 || (online_ & ~all_cpus()) != 0)) {
    ar.fail("CPUs that there are not");
    online_ = all_cpus();
  }
  // A thread has one place at most; whatever says otherwise was never saved.
  auto place = [&ar, this](Thread* thread, size_t cpu, Turn::Place where, bool fair) {
    if (thread == nullptr) return false;
    Turn& turn = thread->turn();
    if (turn.place != Turn::Place::kStopped || !thread->may_run() || turn.fair() != fair) {
      ar.fail("a thread on the scheduler that cannot be there");
      return false;
    }
    turn.place = where;
    turn.cpu = static_cast<uint32_t>(cpu);
    account(cpus_[cpu], turn, 1);
    return true;
  };
  for (size_t cpu = 0; cpu < cpus_.size(); ++cpu) {
    Cpu& at = cpus_[cpu];
    Thread* current = at.current;
    state_link(ar, current);
    ar(at.reschedule, at.speed, at.scheduled_weight, at.virtual_time, at.updated, at.slice_start, at.idle_since,
       at.idle);
    ar(at.counts, at.previous);
    if (ar.loading() && at.speed <= 0) {
      ar.fail("a CPU that stands still");
      at.speed = kFullSpeed;
    }
    if (ar.loading()) {
      bool fair = current == nullptr || current->turn().fair();
      at.current = place(current, cpu, Turn::Place::kRunning, fair) ? current : nullptr;
    }
    for (Queue* queue : {&at.fair, &at.released, &at.throttled}) {
      std::vector<Thread*> waiting;
      for (const Entry& entry : *queue) waiting.push_back(entry.thread);
      waiting.resize(ar.count(waiting.size(), sizeof(uint64_t)));
      auto where = queue == &at.throttled ? Turn::Place::kThrottled : Turn::Place::kReady;
      for (Thread*& thread : waiting) {
        state_link(ar, thread);
        if (!ar.loading() || !place(thread, cpu, where, queue == &at.fair)) continue;
        Turn& turn = thread->turn();
        if (where == Turn::Place::kReady) ++ready_count_;
        if (!queue->insert({key_of(turn), turn.generation, thread}).second) {
          ar.fail("two threads in one place of a queue");
          dequeue(*thread);
        }
      }
    }
  }
}

}  // namespace jacinth::kernel
