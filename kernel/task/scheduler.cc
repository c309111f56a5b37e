#include "kernel/task/scheduler.h"

#include <bit>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/object_table.h"
#include "kernel/task/thread.h"

namespace jacinth::kernel {

void Turn::state(Archive& ar) {
  ar(priority, left, since, runtime, ready_since, queue_time, cpu);
  if (priority >= Scheduler::kPriorities) {
    ar.fail("a priority that no thread has");
    priority = Scheduler::kDefaultPriority;
  }
}

void Scheduler::Counts::state(Archive& ar) { ar(reschedules, context_switches, slices_over, preempts, yields); }

void Scheduler::push_back(Thread& thread) {
  Turn& turn = thread.turn();
  Line& line = lines_[turn.priority];
  turn.previous = line.last;
  turn.next = nullptr;
  (line.last != nullptr ? line.last->turn().next : line.first) = &thread;
  line.last = &thread;
  turn.place = Turn::Place::kReady;
  ready_mask_ |= uint32_t{1} << turn.priority;
}

void Scheduler::push_front(Thread& thread) {
  Turn& turn = thread.turn();
  Line& line = lines_[turn.priority];
  turn.previous = nullptr;
  turn.next = line.first;
  (line.first != nullptr ? line.first->turn().previous : line.last) = &thread;
  line.first = &thread;
  turn.place = Turn::Place::kReady;
  ready_mask_ |= uint32_t{1} << turn.priority;
}

void Scheduler::unlink(Thread& thread) {
  Turn& turn = thread.turn();
  Line& line = lines_[turn.priority];
  (turn.previous != nullptr ? turn.previous->turn().next : line.first) = turn.next;
  (turn.next != nullptr ? turn.next->turn().previous : line.last) = turn.previous;
  turn.previous = turn.next = nullptr;
  turn.place = Turn::Place::kStopped;
  if (line.first == nullptr) ready_mask_ &= ~(uint32_t{1} << turn.priority);
}

void Scheduler::charge(Thread& thread, Time now) {
  Turn& turn = thread.turn();
  Duration used = now - turn.since;
  turn.runtime.ns += used.ns;
  turn.left.ns -= used.ns;
  turn.since = now;
}

void Scheduler::put_on(unsigned cpu, Thread& thread, Time now) {
  Cpu& at = cpus_[cpu];
  Turn& turn = thread.turn();
  unlink(thread);
  turn.place = Turn::Place::kRunning;
  turn.cpu = cpu;
  turn.since = now;
  turn.queue_time.ns += (now - turn.ready_since).ns;
  if (turn.left.ns <= 0) turn.left = kSlice;
  at.idle.ns += (now - at.idle_since).ns;
  at.current = &thread;
  at.urgency = turn.priority;
  uint64_t koid = abi::raw(thread.koid());
  if (at.previous != koid) ++at.counts.context_switches;
  at.previous = koid;
}

void Scheduler::take_off(unsigned cpu, Time now) {
  Cpu& at = cpus_[cpu];
  charge(*at.current, now);
  at.current->turn().place = Turn::Place::kStopped;
  ++at.counts.reschedules;
  at.current = nullptr;
  at.urgency = 0;
  at.yielding = false;
  at.idle_since = now;
}

void Scheduler::ready(Thread& thread, Time now) {
  if (thread.turn().place != Turn::Place::kStopped) return;
  thread.turn().ready_since = now;
  push_back(thread);
}

void Scheduler::stop(Thread& thread, Time now) {
  switch (thread.turn().place) {
    case Turn::Place::kStopped: break;
    case Turn::Place::kReady: unlink(thread); break;
    case Turn::Place::kRunning: take_off(thread.turn().cpu, now); break;
  }
}

void Scheduler::yield(unsigned cpu, Time) {
  if (cpus_[cpu].current == nullptr) return;
  cpus_[cpu].yielding = true;
  ++cpus_[cpu].counts.yields;
}

void Scheduler::set_priority(Thread& thread, uint8_t priority, Time now) {
  CHECK(priority < kPriorities, "priority {}", priority);
  Turn& turn = thread.turn();
  if (turn.place == Turn::Place::kReady) {
    unlink(thread);
    turn.priority = priority;
    ready(thread, now);
    return;
  }
  turn.priority = priority;
  if (turn.place == Turn::Place::kRunning) cpus_[turn.cpu].urgency = priority;
}

Thread* Scheduler::choose(unsigned cpu, Time now) {
  Cpu& at = cpus_[cpu];
  if (Thread* current = at.current) {
    charge(*current, now);
    Turn& turn = current->turn();
    bool over = turn.left.ns <= 0 || at.yielding;
    bool outranked = (ready_mask_ >> turn.priority) > 1;
    if (over && (ready_mask_ >> turn.priority) == 0) {  // Nobody to hand over to.
      turn.left = kSlice;
      over = at.yielding = false;
    }
    if (!over && !outranked) return current;
    if (outranked) {
      ++at.counts.preempts;
    } else if (!at.yielding) {
      ++at.counts.slices_over;
    }

    // Who was pushed aside in the middle of a slice goes on with it before its equals do.
    take_off(cpu, now);
    turn.ready_since = now;
    if (over) {
      turn.left = Duration{};
      push_back(*current);
    } else {
      push_front(*current);
    }
  }
  if (ready_mask_ == 0) return nullptr;
  Thread* next = lines_[static_cast<unsigned>(std::bit_width(ready_mask_)) - 1].first;
  put_on(cpu, *next, now);
  return next;
}

Duration Scheduler::slice(unsigned cpu, Time now) const {
  const Thread* current = cpus_[cpu].current;
  if (current == nullptr) return kSlice;
  const Turn& turn = current->turn();
  Duration left{turn.left.ns - (now - turn.since).ns};
  return left.ns > 0 ? left : Duration{1};
}

Duration Scheduler::runtime(const Thread& thread, Time now) {
  const Turn& turn = thread.turn();
  bool running = turn.place == Turn::Place::kRunning;
  return running ? Duration{turn.runtime.ns + (now - turn.since).ns} : turn.runtime;
}

Duration Scheduler::queue_time(const Thread& thread, Time now) {
  const Turn& turn = thread.turn();
  bool waiting = turn.place == Turn::Place::kReady;
  return waiting ? Duration{turn.queue_time.ns + (now - turn.ready_since).ns} : turn.queue_time;
}

Duration Scheduler::idle_time(unsigned cpu, Time now) const {
  const Cpu& at = cpus_[cpu];
  return at.current != nullptr ? at.idle : Duration{at.idle.ns + (now - at.idle_since).ns};
}

void Scheduler::clear() {
  for (Line& line : lines_) {
    while (line.first != nullptr) unlink(*line.first);
  }
  for (Cpu& at : cpus_) {
    if (at.current != nullptr) at.current->turn().place = Turn::Place::kStopped;
    at = {};
  }
}

void Scheduler::state(Archive& ar) {
  if (ar.loading()) clear();
  // A thread has one place at most; whatever says otherwise was never saved.
  auto free = [&ar](Thread* thread) {
    if (thread == nullptr) return false;
    bool good = thread->turn().place == Turn::Place::kStopped && thread->may_run();
    if (!good) ar.fail("a thread on the scheduler that cannot be there");
    return good;
  };
  for (unsigned cpu = 0; cpu < cpus_.size(); ++cpu) {
    Cpu& at = cpus_[cpu];
    Thread* current = at.current;
    state_link(ar, current);
    ar(at.urgency, at.yielding, at.idle_since, at.idle, at.counts, at.previous);
    if (!ar.loading()) continue;
    at.current = free(current) ? current : nullptr;
    at.urgency = at.current != nullptr ? current->turn().priority : 0;
    if (at.current == nullptr) continue;
    current->turn().place = Turn::Place::kRunning;
    current->turn().cpu = cpu;
  }
  for (Line& line : lines_) {
    std::vector<Thread*> waiting;
    for (Thread* t = line.first; t != nullptr; t = t->turn().next) waiting.push_back(t);
    waiting.resize(ar.count(waiting.size(), sizeof(uint64_t)));
    for (Thread*& thread : waiting) {
      state_link(ar, thread);
      if (ar.loading() && free(thread)) push_back(*thread);
    }
  }
}

}  // namespace jacinth::kernel
