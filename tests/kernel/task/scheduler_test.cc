// The scheduler: who runs next on which CPU, and for how long.
#include "kernel/task/scheduler.h"

#include <algorithm>
#include <vector>

#include "tests/kernel/task/scheduler_rig.h"

namespace jacinth::kernel {
namespace {

using Rig = SchedulerRig;

constexpr int64_t kGrain = Scheduler::kGranularity.ns;
constexpr int64_t kPeriod = Scheduler::kTargetLatency.ns;

}  // namespace

TEST_CASE("a thread alone gets the whole period, again and again") {
  Rig rig;
  Thread& a = rig.ready();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(rig.choose() == &a);
    REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{kPeriod});
    rig.pass(kPeriod);
  }
}

TEST_CASE("equals take turns, a fair share of the period each") {
  Rig rig;
  std::vector<Thread*> threads = {&rig.ready(), &rig.ready(), &rig.ready(), &rig.ready()};
  std::vector<Thread*> ran;
  for (int i = 0; i < 12; ++i) {
    ran.push_back(rig.choose());
    REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{kPeriod / 4});
    rig.pass(kPeriod / 4);
  }
  for (size_t i = 0; i < ran.size(); ++i) REQUIRE(ran[i] == threads[i % 4]);
}

TEST_CASE("a slice is never less than the smallest, however many threads there are") {
  Rig rig;
  for (int i = 0; i < 20; ++i) rig.ready();
  rig.choose();
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{kGrain});
}

TEST_CASE("a thread keeps its CPU while its slice lasts") {
  Rig rig;
  Thread& a = rig.ready();
  rig.ready();
  REQUIRE(rig.choose() == &a);
  rig.pass(kPeriod / 2 - 1);
  REQUIRE(rig.choose() == &a);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{1});
  rig.pass(1);
  REQUIRE(rig.choose() != &a);
}

TEST_CASE("threads that always want to run get CPU time in the ratio of their weights") {
  for (auto [low, high] : {std::pair<uint8_t, uint8_t>{16, 19}, {10, 16}, {0, 4}}) {
    Rig rig;
    Thread& a = rig.ready(low);
    Thread& b = rig.ready(high);
    for (int i = 0; i < 2000; ++i) {
      rig.choose();
      rig.pass(rig.scheduler.slice(0, rig.now).ns);
    }
    // Slices are whole grains: that is what it leaves of exactness.
    double ratio =
        static_cast<double>(Scheduler::runtime(b, rig.now).ns) / static_cast<double>(Scheduler::runtime(a, rig.now).ns);
    double wanted = static_cast<double>(weight_of(high)) / static_cast<double>(weight_of(low));
    REQUIRE(ratio > wanted * 0.8);
    REQUIRE(ratio < wanted * 1.35);
  }
}

TEST_CASE("nobody starves, however unequal the weights") {
  Rig rig;
  Thread& low = rig.ready(0);
  for (int i = 0; i < 3; ++i) rig.ready(31);
  for (int i = 0; i < 100; ++i) {
    rig.choose();
    rig.pass(rig.scheduler.slice(0, rig.now).ns);
  }
  REQUIRE(Scheduler::runtime(low, rig.now).ns >= kGrain);
}

TEST_CASE("who came at the same time goes before who has less weight") {
  Rig rig;
  Thread& low = rig.ready(3);
  Thread& high = rig.ready(31);
  Thread& middle = rig.ready(16);
  for (Thread* expected : {&high, &middle, &low}) {
    REQUIRE(rig.choose() == expected);
    rig.scheduler.stop(*expected, rig.now);
  }
  REQUIRE(rig.choose() == nullptr);
}

TEST_CASE(
    "a thread that becomes ready makes the slice of the one that runs smaller, and ends it when that is used up") {
  Rig rig;
  Thread& a = rig.ready();
  REQUIRE(rig.choose() == &a);
  rig.pass(kPeriod / 4);

  rig.ready();
  REQUIRE(rig.scheduler.should_switch(0));
  REQUIRE(rig.scheduler.keeps(0, rig.now));
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{kPeriod / 4});  // Of half the period, a quarter is gone.

  Thread& urgent = rig.ready(31);
  REQUIRE_FALSE(rig.scheduler.keeps(0, rig.now));  // Its share is one grain now.
  REQUIRE(rig.choose() == &urgent);
}

TEST_CASE("who yields goes behind those who wait") {
  Rig rig;
  Thread& a = rig.ready();
  REQUIRE(rig.choose() == &a);
  rig.scheduler.yield(0, rig.now);
  REQUIRE(rig.choose() == &a);

  Thread& b = rig.ready();
  rig.scheduler.yield(0, rig.now);
  REQUIRE(rig.choose() == &b);
  rig.scheduler.yield(0, rig.now);
  REQUIRE(rig.choose() == &a);
  REQUIRE(rig.scheduler.counts(0).yields == 3);
}

TEST_CASE("a thread that waits in line can be taken out from anywhere in it") {
  for (size_t gone = 0; gone < 4; ++gone) {
    Rig rig;
    std::vector<Thread*> line;
    for (int i = 0; i < 4; ++i) line.push_back(&rig.ready());
    rig.scheduler.stop(*line[gone], rig.now);
    line.erase(line.begin() + static_cast<ptrdiff_t>(gone));
    for (Thread* expected : line) {
      REQUIRE(rig.choose() == expected);
      rig.scheduler.stop(*expected, rig.now);
    }
    REQUIRE(rig.choose() == nullptr);
  }
}

TEST_CASE("a new priority moves a thread in line and counts for the one that runs") {
  Rig rig;
  Thread& a = rig.ready(10);
  Thread& b = rig.ready(12);
  rig.scheduler.set_priority(a, 14, rig.now);
  REQUIRE(rig.choose() == &a);
  Duration before = rig.scheduler.slice(0, rig.now);
  rig.scheduler.set_priority(a, 11, rig.now);
  REQUIRE(rig.scheduler.keeps(0, rig.now));
  REQUIRE(rig.scheduler.slice(0, rig.now) < before);
  rig.scheduler.stop(a, rig.now);
  REQUIRE(rig.choose() == &b);
}

TEST_CASE("time on a CPU, time in line and idle time add up") {
  Rig rig;
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  rig.choose();
  rig.pass(1000);
  rig.scheduler.stop(a, rig.now);
  rig.choose();
  rig.pass(500);
  REQUIRE(Scheduler::runtime(a, rig.now) == Duration{1000});
  REQUIRE(Scheduler::queue_time(b, rig.now) == Duration{1000});
  REQUIRE(Scheduler::queue_time(a, rig.now) == Duration{1});  // Nobody gets a CPU without having waited.
  REQUIRE(Scheduler::runtime(b, rig.now) == Duration{500});
  rig.scheduler.stop(b, rig.now);
  rig.choose();
  rig.pass(70);
  REQUIRE(rig.scheduler.idle_time(0, rig.now) == Duration{70});
  REQUIRE(rig.scheduler.context_switches(0) == 2);
}

// --- several CPUs ---

TEST_CASE("two CPUs never run the same thread") {
  Rig rig(2);
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  REQUIRE(rig.choose(0) == &a);
  REQUIRE(rig.choose(1) == &b);
  rig.pass(kPeriod);
  REQUIRE(rig.choose(0) == &a);
  REQUIRE(rig.choose(1) == &b);
}

TEST_CASE("a thread goes back to where it ran when that is idle, and to another idle CPU otherwise") {
  Rig rig(3);
  rig.ready();
  rig.choose(0);
  Thread& b = rig.ready();
  REQUIRE(rig.choose(1) == &b);
  rig.scheduler.stop(b, rig.now);
  rig.scheduler.ready(b, rig.now);
  REQUIRE(b.turn().cpu == 1);
  rig.scheduler.stop(b, rig.now);

  Thread& other = rig.thread();
  rig.pin(other, 1);
  rig.scheduler.ready(other, rig.now);
  rig.choose(1);
  rig.scheduler.ready(b, rig.now);
  REQUIRE(b.turn().cpu == 2);
}

TEST_CASE("a CPU without work takes what waits elsewhere, and only what may come") {
  Rig rig(2);
  Thread& a = rig.ready();
  REQUIRE(rig.choose(0) == &a);
  Thread& pinned = rig.thread();
  rig.pin(pinned, 0);
  rig.scheduler.ready(pinned, rig.now);
  REQUIRE(rig.choose(1) == nullptr);
  REQUIRE_FALSE(rig.scheduler.work_waiting());

  Thread& free = rig.thread();
  rig.pin(free, 0);
  rig.scheduler.ready(free, rig.now);
  rig.scheduler.set_affinity(free, 3, rig.now);
  REQUIRE(rig.choose(1) == &free);
}

TEST_CASE("a mask moves a thread from where it may not be any more, and none of our CPUs means all") {
  Rig rig(4);
  for (unsigned cpu = 0; cpu < 4; ++cpu) {
    Thread& thread = rig.thread();
    rig.pin(thread, cpu);
    rig.scheduler.ready(thread, rig.now);
    REQUIRE(rig.choose(cpu) == &thread);
    REQUIRE(thread.turn().cpu == cpu);
  }
  Thread& runs = *rig.scheduler.current(2);
  rig.scheduler.set_affinity(runs, 1u << 3, rig.now);
  REQUIRE(rig.scheduler.should_switch(2));
  REQUIRE(rig.choose(2) == nullptr);
  REQUIRE(runs.turn().cpu == 3);
  rig.scheduler.set_affinity(runs, 1u << 1, rig.now);  // In line this time.
  REQUIRE(runs.turn().cpu == 1);
  rig.scheduler.set_affinity(runs, 1u << 17, rig.now);
  REQUIRE(rig.choose(2) == &runs);
}

// --- whoever explores ---

TEST_CASE("each decision is asked for, and the answer counts") {
  struct Last : ScheduleChoices {
    std::vector<Question> asked;
    uint32_t choose(Question question, uint32_t answers, uint32_t usual) override {
      REQUIRE(answers > 1);
      REQUIRE(usual < answers);
      asked.push_back(question);
      return answers - 1;
    }
  } last;
  Rig rig(2);
  rig.scheduler.set_choices(&last);
  Thread& a = rig.ready();
  REQUIRE(a.turn().cpu == 1);  // The other way round from the usual.
  REQUIRE(rig.choose(1) == &a);
  Thread& b = rig.thread();
  rig.pin(b, 1);
  rig.scheduler.ready(b, rig.now);
  REQUIRE_FALSE(rig.scheduler.keeps(1, rig.now));
  REQUIRE(rig.choose(1) == &a);  // The last of the two in line.
  using Question = ScheduleChoices::Question;
  REQUIRE(last.asked == std::vector{Question::kCpu, Question::kPreempt, Question::kNext});
}

// --- saving ---

TEST_CASE("lines and current threads survive saving and loading") {
  Rig rig(2);
  for (uint8_t priority : {16, 16, 16, 4, 31, 4}) rig.ready(priority);
  rig.deadline(2 * kGrain, 4 * kGrain, 8 * kGrain);
  rig.choose(0);
  rig.choose(1);
  rig.pass(kGrain / 2);

  Writer saved;
  saved.set_context(&rig.k.core());
  saved(rig.scheduler);
  auto order = [&] {
    std::vector<Thread*> all;
    for (unsigned cpu : {0u, 1u}) all.push_back(rig.scheduler.current(cpu));
    for (unsigned cpu : {0u, 1u}) {
      rig.scheduler.stop(*rig.scheduler.current(cpu), rig.now);
      while (Thread* next = rig.choose(cpu)) {
        all.push_back(next);
        rig.scheduler.stop(*next, rig.now);
      }
    }
    return all;
  };
  std::vector<Turn> turns;
  std::vector<Thread*> threads;
  rig.k.core().objects().for_each([&](Object& object) {
    if (auto* thread = object_cast<Thread>(&object)) threads.push_back(thread);
  });
  for (Thread* thread : threads) turns.push_back(thread->turn());
  std::vector<Thread*> before = order();

  for (size_t i = 0; i < threads.size(); ++i) {
    threads[i]->turn() = turns[i];
    threads[i]->turn().place = Turn::Place::kStopped;
  }
  Reader loaded(saved.data());
  loaded.set_context(&rig.k.core());
  loaded(rig.scheduler);
  REQUIRE(loaded.ok());
  REQUIRE(order() == before);
  REQUIRE(before.size() == 7);
}

TEST_CASE("no thread is loaded onto the scheduler twice, or while it waits") {
  Rig rig(2);
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  rig.choose(0);

  Writer saved;
  saved.set_context(&rig.k.core());
  saved(rig.scheduler);
  rig.scheduler.clear();
  for (Thread* wrong : {&a, &b}) {
    std::vector<std::byte> bytes = saved.data();
    uint64_t koid = abi::raw(a.koid());
    auto found = std::ranges::search(bytes, std::as_bytes(std::span(&koid, 1)));
    REQUIRE_FALSE(found.empty());
    uint64_t other = abi::raw(b.koid());
    if (wrong == &b) std::ranges::copy(std::as_bytes(std::span(&other, 1)), found.begin());
    if (wrong == &a) a.park(nullptr, BlockReason::kSleeping, Time::never());
    Reader loaded(bytes);
    loaded.set_context(&rig.k.core());
    loaded(rig.scheduler);
    REQUIRE_FALSE(loaded.ok());
    rig.scheduler.clear();
    a.wake(Status::kOk);
    rig.k.kernel().tasks().scheduler().stop(a, rig.now);
  }
}

}  // namespace jacinth::kernel
