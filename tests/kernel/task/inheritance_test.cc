// Priority inheritance: whoever owns a futex runs with the priority of the most urgent thread that waits for it.
#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

/// Threads with a handle each, and futexes that they own and wait for.
struct InheritanceRig : KernelRig {
  Thread& with_priority(uint8_t priority) {
    Thread& t = thread();
    core().tasks().scheduler().set_priority(t, priority, platform().now());
    return t;
  }
  GuestAddr word() { return user(int32_t{0}); }
  void wait(Thread& waiter, GuestAddr at, Thread& owner, Time deadline = Time::never()) {
    // No time passes here, so that whoever has less weight than others would never run.
    uint8_t priority = waiter.turn().base_priority;
    set(waiter, Turn::kDefaultPriority);
    start(waiter, "futex_wait", at, 0, handle(Ref<Object>(&owner)), deadline);
    REQUIRE(waiter.parked());
    set(waiter, priority);
  }
  void set(Thread& waiter, uint8_t priority) {
    core().tasks().scheduler().set_priority(waiter, priority, platform().now());
    process()->futexes().reprioritized(waiter);
  }
};

}  // namespace

TEST_CASE("the owner of a futex inherits the highest priority of those who wait", "[zx_futex_wait]") {
  InheritanceRig k;
  Thread& owner = k.with_priority(10);
  GuestAddr word = k.word();
  Thread& low = k.with_priority(12);
  k.wait(low, word, owner);
  REQUIRE(owner.priority() == 12);
  Thread& high = k.with_priority(16);
  k.wait(high, word, owner);
  REQUIRE(owner.priority() == 16);
  Thread& lower = k.with_priority(3);
  k.wait(lower, word, owner);
  REQUIRE(owner.priority() == 16);
  REQUIRE(owner.turn().base_priority == 10);
}

TEST_CASE("an owner gives back what it inherited when the waiter goes, however it goes", "[zx_futex_wake]") {
  for (int way = 0; way < 4; ++way) {
    InheritanceRig k;
    Thread& owner = k.with_priority(10);
    GuestAddr word = k.word();
    Thread& low = k.with_priority(12);
    Thread& high = k.with_priority(16);
    k.wait(low, word, owner);
    k.wait(high, word, owner, Time{1000});
    REQUIRE(owner.priority() == 16);
    switch (way) {
      case 0: k.advance_to(Time{1000}); break;
      case 1: high.kill(); break;
      case 2: REQUIRE(high.suspend() == Status::kOk); break;
      case 3: REQUIRE(k.call("futex_wake", word, 1) == Status::kOk); break;
    }
    k.kernel().settle();
    // A wake takes the futex from its owner; all else leaves it the other waiter.
    REQUIRE(owner.priority() == (way == 3 ? 10 : 12));
    if (way == 2) high.resume();
  }
}

TEST_CASE("what is inherited goes on along a chain of owners, and back", "[zx_futex_wait]") {
  InheritanceRig k;
  Thread& first = k.with_priority(5);
  Thread& second = k.with_priority(16);
  Thread& third = k.with_priority(16);
  GuestAddr a = k.word();
  GuestAddr b = k.word();
  k.wait(second, a, first);
  REQUIRE(first.priority() == 16);
  k.wait(third, b, second);
  Thread& urgent = k.with_priority(16);
  k.wait(urgent, b, second);
  k.set(urgent, 30);
  REQUIRE(second.priority() == 30);
  REQUIRE(first.priority() == 30);
  urgent.wake(Status::kOk);
  REQUIRE(second.priority() == 16);
  REQUIRE(first.priority() == 16);
}

TEST_CASE("a ring of owners ends somewhere", "[zx_futex_wait]") {
  InheritanceRig k;
  Thread& one = k.with_priority(16);
  Thread& two = k.with_priority(16);
  GuestAddr a = k.word();
  GuestAddr b = k.word();
  k.wait(one, a, two);
  k.wait(two, b, one);
  for (uint8_t priority : {31, 2}) {
    k.set(one, priority);
    REQUIRE(two.priority() >= 16);
  }
}

TEST_CASE("whoever takes over a futex inherits from its waiters, and a deadline thread from nobody",
          "[zx_futex_requeue]") {
  InheritanceRig k;
  Thread& owner = k.with_priority(10);
  Thread& other = k.with_priority(11);
  GuestAddr from = k.word();
  GuestAddr to = k.word();
  Thread& waiter = k.with_priority(16);
  k.wait(waiter, from, owner);
  REQUIRE(k.call("futex_requeue", from, 0, 0, to, 1, k.handle(Ref<Object>(&other))) == Status::kOk);
  REQUIRE(owner.priority() == 10);
  REQUIRE(other.priority() == 16);

  abi::SchedDeadlineParams params{.capacity = Duration{10}, .relative_deadline = Duration{20}, .period = Duration{40}};
  k.core().tasks().scheduler().set_deadline(other, params, k.platform().now());
  k.set(waiter, 20);
  REQUIRE(other.turn().inherited == Turn::kNothingInherited);
}

TEST_CASE("an owner that exits owns nothing", "[zx_futex_get_owner]") {
  InheritanceRig k;
  Thread& owner = k.with_priority(16);
  GuestAddr word = k.word();
  Thread& waiter = k.with_priority(16);
  k.wait(waiter, word, owner);
  k.start(owner, "thread_exit");
  GuestAddr koid = k.user(uint64_t{7});
  REQUIRE(k.call("futex_get_owner", word, koid) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(koid) == 0);
}

TEST_CASE("inheritance comes through a snapshot", "[zx_futex_wait]") {
  InheritanceRig k;
  Thread* owner = &k.with_priority(10);
  Handle owner_handle = k.handle(Ref<Object>(owner));
  GuestAddr word = k.word();
  Thread& waiter = k.with_priority(14);
  Handle waiter_handle = k.handle(Ref<Object>(&waiter));
  k.wait(waiter, word, *owner);
  k.reload();
  REQUIRE(k.object<Thread>(owner_handle)->priority() == 14);
  k.object<Thread>(waiter_handle)->wake(Status::kOk);
  REQUIRE(k.object<Thread>(owner_handle)->priority() == 10);
}

TEST_CASE("a waiter that is killed leaves no futex behind", "[zx_futex_wait]") {
  InheritanceRig k;
  Thread& waiter = k.with_priority(16);
  k.wait(waiter, k.word(), k.main_thread());
  REQUIRE(k.process()->futexes().size() == 1);
  waiter.kill();
  k.kernel().settle();
  REQUIRE(k.process()->futexes().size() == 0);
}

}  // namespace jacinth::kernel
