// Futexes by their calls: waiting, waking, requeueing, owners, bad addresses.
#include "kernel/task/futex.h"

#include "tests/support/kernel_rig.h"

namespace jacinth::kernel {
namespace {

constexpr Handle kNobody{};

struct Rig : KernelRig {
  GuestAddr word = user(int32_t{7});
  GuestAddr other = user(int32_t{9});

  Made& wait(Thread& thread, GuestAddr at, int32_t value = 7, Handle owner = kNobody, Time deadline = Time::never()) {
    return start(thread, "futex_wait", at, value, owner, deadline);
  }
  Koid owner(GuestAddr at) {
    GuestAddr out = room(sizeof(Koid));
    REQUIRE(call("futex_get_owner", at, out) == Status::kOk);
    return peek<Koid>(out);
  }
  Handle handle_of(Thread& thread) { return handle(Ref<Object>(&thread)); }
};

}  // namespace

TEST_CASE("futex_wait sleeps until somebody wakes the address", "[zx_futex_wait][zx_futex_wake]") {
  Rig k;
  Made& waiter = k.wait(k.thread(), k.word);
  REQUIRE(waiter.status() == Status::kParked);
  REQUIRE(waiter.thread->info_state() == abi::ThreadState::kBlockedFutex);

  REQUIRE(k.call("futex_wake", k.other, 1) == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kParked);

  REQUIRE(k.call("futex_wake", k.word, 1) == Status::kOk);
  k.run();
  REQUIRE(waiter.status() == Status::kOk);
  REQUIRE(k.process()->futexes().size() == 0);
}

TEST_CASE("futex_wait gives up at its deadline and leaves nothing behind", "[zx_futex_wait]") {
  Rig k;
  Thread& owner = k.thread();
  Made& waiter = k.wait(k.thread(), k.word, 7, k.handle_of(owner), Time{500});
  REQUIRE(k.owner(k.word) == owner.koid());
  k.advance_to(Time{499});
  REQUIRE(waiter.status() == Status::kParked);
  k.advance_to(Time{500});
  REQUIRE(waiter.status() == Status::kTimedOut);
  REQUIRE(k.owner(k.word) == Koid::kInvalid);
  REQUIRE(k.process()->futexes().size() == 0);
  REQUIRE(k.call("futex_wait", k.word, 7, kNobody, Time{10}) == Status::kTimedOut);
  REQUIRE(k.process()->futexes().size() == 0);
}

TEST_CASE("another value than expected comes before a bad owner", "[zx_futex_wait]") {
  Rig k;
  Handle bad{0x1237};
  REQUIRE(k.call("futex_wait", k.word, 8, bad, Time::never()) == Status::kBadState);
  REQUIRE(k.call("futex_wait", k.word, 7, bad, Time::never()) == Status::kBadHandle);
  REQUIRE(k.call("futex_wait", k.word, 7, k.handle(k.job()), Time::never()) == Status::kWrongType);
}

TEST_CASE("futexes live at aligned addresses that can be read", "[zx_futex_wait][zx_futex_wake]") {
  Rig k;
  REQUIRE(k.call("futex_wait", k.word + 2, 7, kNobody, Time::never()) == Status::kInvalidArgs);
  REQUIRE(k.call("futex_wait", GuestAddr(0), 7, kNobody, Time::never()) == Status::kInvalidArgs);
  REQUIRE(k.call("futex_wait", GuestAddr(0x40), 7, kNobody, Time::never()) == Status::kInvalidArgs);
  REQUIRE(k.call("futex_wake", k.word + 1, 1) == Status::kInvalidArgs);
  REQUIRE(k.call("futex_wake", GuestAddr(0), 1) == Status::kInvalidArgs);
  // Waking looks at nothing.
  REQUIRE(k.call("futex_wake", GuestAddr(0x40), 1) == Status::kOk);
}

TEST_CASE("who waits, is foreign or has not begun cannot own a futex", "[zx_futex_wait]") {
  Rig k;
  Made& waiter = k.wait(k.thread(), k.word);
  REQUIRE(k.call("futex_wait", k.word, 7, k.handle_of(*waiter.thread), Time::never()) == Status::kInvalidArgs);
  REQUIRE(k.call("futex_wait", k.word, 7, k.handle_of(k.main_thread()), Time::never()) == Status::kInvalidArgs);
  Ref<Process> foreign = k.make_process();
  REQUIRE(k.call("futex_wait", k.word, 7, k.handle_of(*foreign->threads().begin()->second), Time::never()) ==
          Status::kInvalidArgs);
  Handle fresh = k.handle(make_object<Thread>(k.process(), "new"));
  REQUIRE(k.call("futex_wait", k.word, 7, fresh, Time::never()) == Status::kInvalidArgs);
}

TEST_CASE("a thread that has exited counts as no owner, and stops being one", "[zx_futex_wait][zx_futex_get_owner]") {
  Rig k;
  Thread& owner = k.thread();
  Handle owner_handle = k.handle_of(owner);
  Made& first = k.wait(k.thread(), k.word, 7, owner_handle);
  REQUIRE(k.owner(k.word) == owner.koid());
  k.start(owner, "thread_exit");
  REQUIRE(k.owner(k.word) == Koid::kInvalid);
  Made& second = k.wait(k.thread(), k.word, 7, owner_handle);
  REQUIRE(second.status() == Status::kParked);
  REQUIRE(k.owner(k.word) == Koid::kInvalid);
  REQUIRE(first.status() == Status::kParked);
}

TEST_CASE("waiters wake in order, as many as asked for, and the owner goes", "[zx_futex_wake]") {
  Rig k;
  Thread& owner = k.thread();
  std::vector<Made*> waiters;
  for (int i = 0; i < 4; ++i) waiters.push_back(&k.wait(k.thread(), k.word, 7, k.handle_of(owner)));
  REQUIRE(k.call("futex_wake", k.word, 0) == Status::kOk);
  REQUIRE(k.owner(k.word) == Koid::kInvalid);
  REQUIRE(k.call("futex_wake", k.word, 2) == Status::kOk);
  k.run();
  REQUIRE(waiters[0]->over);
  REQUIRE(waiters[1]->over);
  REQUIRE_FALSE(waiters[2]->over);
  REQUIRE(k.call("futex_wake", k.word, ~0u) == Status::kOk);
  k.run();
  REQUIRE(waiters[3]->over);
}

TEST_CASE("wake_single_owner makes the woken thread the owner", "[zx_futex_wake_single_owner]") {
  Rig k;
  Made& first = k.wait(k.thread(), k.word);
  Made& second = k.wait(k.thread(), k.word);
  REQUIRE(k.call("futex_wake_single_owner", k.word) == Status::kOk);
  k.run();
  REQUIRE(first.over);
  REQUIRE_FALSE(second.over);
  REQUIRE(k.owner(k.word) == first.thread->koid());
  REQUIRE(k.call("futex_wake_single_owner", k.word) == Status::kOk);
  REQUIRE(k.owner(k.word) == Koid::kInvalid);
}

TEST_CASE("requeue wakes some and moves others", "[zx_futex_requeue]") {
  Rig k;
  Thread& owner = k.thread();
  std::vector<Made*> waiters;
  for (int i = 0; i < 4; ++i) waiters.push_back(&k.wait(k.thread(), k.word));
  REQUIRE(k.call("futex_requeue", k.word, 1, 7, k.other, 2, k.handle_of(owner)) == Status::kOk);
  k.run();
  REQUIRE(waiters[0]->over);
  REQUIRE(k.owner(k.other) == owner.koid());

  REQUIRE(k.call("futex_wake", k.word, 10) == Status::kOk);
  k.run();
  REQUIRE_FALSE(waiters[1]->over);
  REQUIRE_FALSE(waiters[2]->over);
  REQUIRE(waiters[3]->over);
  REQUIRE(k.call("futex_wake", k.other, 10) == Status::kOk);
  k.run();
  REQUIRE(waiters[1]->over);
  REQUIRE(waiters[2]->over);
  REQUIRE(k.process()->futexes().size() == 0);
}

TEST_CASE("a waiter that was moved gives up where it waits now", "[zx_futex_requeue]") {
  Rig k;
  Made& waiter = k.wait(k.thread(), k.word, 7, kNobody, Time{100});
  REQUIRE(k.call("futex_requeue", k.word, 0, 7, k.other, 1, kNobody) == Status::kOk);
  k.advance_to(Time{100});
  REQUIRE(waiter.status() == Status::kTimedOut);
  REQUIRE(k.process()->futexes().size() == 0);
}

TEST_CASE("requeue changes nothing when it fails", "[zx_futex_requeue]") {
  Rig k;
  Made& waiter = k.wait(k.thread(), k.word);
  Made& target = k.wait(k.thread(), k.other, 9);
  auto requeue = [&](GuestAddr from, int32_t value, GuestAddr to, Handle owner) {
    return k.call("futex_requeue", from, 1, value, to, 1, owner);
  };
  REQUIRE(requeue(k.word, 8, k.other, kNobody) == Status::kBadState);
  REQUIRE(requeue(k.word, 7, k.word, kNobody) == Status::kInvalidArgs);
  REQUIRE(requeue(k.word, 7, k.other + 1, kNobody) == Status::kInvalidArgs);
  REQUIRE(requeue(k.word, 7, k.other, k.handle_of(*waiter.thread)) == Status::kInvalidArgs);
  REQUIRE(requeue(k.word, 7, k.other, k.handle_of(*target.thread)) == Status::kInvalidArgs);
  REQUIRE(requeue(k.word, 7, k.other, Handle{0x17}) == Status::kBadHandle);
  k.run();
  REQUIRE(waiter.status() == Status::kParked);
  REQUIRE(k.process()->futexes().waits(k.word, *waiter.thread));
}

TEST_CASE("both forms of requeue look at the word first", "[zx_futex_requeue][zx_futex_requeue_single_owner]") {
  Rig k;
  Made& waiter = k.wait(k.thread(), k.word);
  REQUIRE(k.call("futex_requeue", k.word, 1, 8, k.other, 1, kNobody) == Status::kBadState);
  REQUIRE(k.call("futex_requeue_single_owner", k.word, 8, k.other, 1, kNobody) == Status::kBadState);
  REQUIRE(k.call("futex_requeue", k.word, 1, 7, k.word, 1, kNobody) == Status::kInvalidArgs);
  REQUIRE(k.call("futex_requeue_single_owner", k.word, 7, k.word, 1, kNobody) == Status::kInvalidArgs);
  REQUIRE_FALSE(waiter.over);
}

TEST_CASE("requeue_single_owner wakes one, who owns what is left", "[zx_futex_requeue_single_owner]") {
  Rig k;
  Made& first = k.wait(k.thread(), k.word);
  Made& second = k.wait(k.thread(), k.word);
  Made& third = k.wait(k.thread(), k.word);
  REQUIRE(k.call("futex_requeue_single_owner", k.word, 7, k.other, 1, kNobody) == Status::kOk);
  k.run();
  REQUIRE(first.over);
  REQUIRE(k.owner(k.word) == first.thread->koid());
  REQUIRE(k.process()->futexes().waits(k.other, *second.thread));
  REQUIRE(k.process()->futexes().waits(k.word, *third.thread));
}

}  // namespace jacinth::kernel
