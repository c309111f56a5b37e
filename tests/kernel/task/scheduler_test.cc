// The scheduler: who runs next on which CPU, and for how long.
#include "kernel/task/scheduler.h"

#include <algorithm>
#include <vector>

#include "kernel/task/thread.h"
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

/// Threads that are ready and a scheduler to choose among them; the kernel's own stands aside.
struct Rig {
  explicit Rig(unsigned cpus = 1) : scheduler(cpus) { k.main_thread(); }
  ~Rig() { scheduler.clear(); }

  Thread& thread(uint8_t priority = 16) {
    Thread& t = k.thread();
    k.kernel().tasks().scheduler().stop(t, now);
    t.turn() = {};
    t.turn().priority = priority;
    return t;
  }
  Thread& ready(uint8_t priority = 16) {
    Thread& t = thread(priority);
    scheduler.ready(t, now);
    return t;
  }
  Thread* choose(unsigned cpu = 0) { return scheduler.choose(cpu, now); }
  void pass(int64_t ns) { now = now + Duration{ns}; }

  KernelRig k;
  Scheduler scheduler;
  Time now;
};

constexpr int64_t kSlice = Scheduler::kSlice.ns;

}  // namespace

TEST_CASE("the most urgent ready thread runs, whatever the order in which they came") {
  Rig rig;
  Thread& low = rig.ready(3);
  Thread& high = rig.ready(31);
  Thread& middle = rig.ready(16);

  REQUIRE(rig.choose() == &high);
  rig.scheduler.stop(high, rig.now);
  REQUIRE(rig.choose() == &middle);
  rig.scheduler.stop(middle, rig.now);
  REQUIRE(rig.choose() == &low);
  rig.scheduler.stop(low, rig.now);
  REQUIRE(rig.choose() == nullptr);
}

TEST_CASE("equals take turns of one slice each") {
  Rig rig;
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  Thread& c = rig.ready();

  std::vector<Thread*> ran;
  for (int i = 0; i < 7; ++i) {
    ran.push_back(rig.choose());
    rig.pass(kSlice);
  }
  REQUIRE(ran == std::vector<Thread*>{&a, &b, &c, &a, &b, &c, &a});
}

TEST_CASE("a thread keeps its CPU while its slice lasts") {
  Rig rig;
  Thread& a = rig.ready();
  rig.ready();
  REQUIRE(rig.choose() == &a);
  rig.pass(kSlice - 1);
  REQUIRE(rig.choose() == &a);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{1});
  rig.pass(1);
  REQUIRE(rig.choose() != &a);
}

TEST_CASE("a thread without equals gets slice after slice") {
  Rig rig;
  Thread& a = rig.ready(16);
  rig.ready(15);
  for (int i = 0; i < 5; ++i) {
    REQUIRE(rig.choose() == &a);
    REQUIRE(rig.scheduler.slice(0, rig.now) == Scheduler::kSlice);
    rig.pass(kSlice);
  }
}

TEST_CASE("who is pushed aside by a more urgent thread goes on with its slice before its equals") {
  Rig rig;
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  REQUIRE(rig.choose() == &a);
  rig.pass(kSlice / 4);

  Thread& urgent = rig.ready(20);
  REQUIRE(rig.scheduler.should_switch(0));
  REQUIRE(rig.choose() == &urgent);
  rig.pass(100);
  rig.scheduler.stop(urgent, rig.now);

  REQUIRE(rig.choose() == &a);
  REQUIRE(rig.scheduler.slice(0, rig.now) == Duration{kSlice - kSlice / 4});
  rig.pass(kSlice - kSlice / 4);
  REQUIRE(rig.choose() == &b);
}

TEST_CASE("a ready equal or inferior is no reason to switch") {
  Rig rig;
  Thread& a = rig.ready(16);
  REQUIRE(rig.choose() == &a);
  rig.ready(16);
  rig.ready(2);
  REQUIRE_FALSE(rig.scheduler.should_switch(0));
}

TEST_CASE("who yields goes behind its equals, but never behind inferiors") {
  Rig rig;
  Thread& a = rig.ready();
  Thread& low = rig.ready(1);
  REQUIRE(rig.choose() == &a);
  rig.scheduler.yield(0, rig.now);
  REQUIRE(rig.choose() == &a);

  Thread& b = rig.ready();
  rig.scheduler.yield(0, rig.now);
  REQUIRE(rig.choose() == &b);
  rig.scheduler.yield(0, rig.now);
  REQUIRE(rig.choose() == &a);
  static_cast<void>(low);
}

TEST_CASE("two CPUs never run the same thread") {
  Rig rig(2);
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  REQUIRE(rig.choose(0) == &a);
  REQUIRE(rig.choose(1) == &b);
  rig.pass(kSlice);
  REQUIRE(rig.choose(0) == &a);
  REQUIRE(rig.choose(1) == &b);

  Thread& c = rig.ready();
  rig.pass(kSlice);
  REQUIRE(rig.choose(0) == &c);
  REQUIRE(rig.choose(1) == &a);
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
  REQUIRE_FALSE(rig.scheduler.should_switch(0));
  rig.scheduler.set_priority(a, 11, rig.now);
  REQUIRE(rig.scheduler.should_switch(0));
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
  REQUIRE(Scheduler::runtime(b, rig.now) == Duration{500});
  rig.scheduler.stop(b, rig.now);
  rig.choose();
  rig.pass(70);
  REQUIRE(rig.scheduler.idle_time(0, rig.now) == Duration{70});
  REQUIRE(rig.scheduler.context_switches(0) == 2);
}

TEST_CASE("lines and current threads survive saving and loading") {
  Rig rig(2);
  for (uint8_t priority : {16, 16, 16, 4, 31, 4}) rig.ready(priority);
  rig.choose(0);
  rig.choose(1);
  rig.pass(kSlice / 2);

  Writer saved;
  saved.set_context(&rig.k.core());
  saved(rig.scheduler);
  auto order = [&] {
    std::vector<Thread*> all;
    for (unsigned cpu : {0u, 1u}) all.push_back(rig.scheduler.current(cpu));
    for (unsigned cpu : {0u, 1u}) rig.scheduler.stop(*rig.scheduler.current(cpu), rig.now);
    while (Thread* next = rig.choose()) {
      all.push_back(next);
      rig.scheduler.stop(*next, rig.now);
    }
    return all;
  };
  std::vector<Thread*> before = order();

  Reader loaded(saved.data());
  loaded.set_context(&rig.k.core());
  loaded(rig.scheduler);
  REQUIRE(loaded.ok());
  REQUIRE(order() == before);
  REQUIRE(before.size() == 6);
}

TEST_CASE("no thread is loaded onto the scheduler twice, or while it waits") {
  Rig rig(2);
  Thread& a = rig.ready();
  Thread& b = rig.ready();
  rig.choose(0);

  // Koids stand at the beginning: of the first CPU's thread, then of the second's.
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
