// Parked threads: in which order they wake, and with what (kernel/object/wait_queue.h).
#include "kernel/object/wait_queue.h"

#include "kernel/object/object_table.h"
#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

/// A thing to wait for.
class Gate final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kPort;
  explicit Gate(Core& core) : Object(core, kType) {}
  WaitQueue queue;
  void state(Archive& ar) override {
    Object::state(ar);
    queue.state(ar);
  }
};

struct Rig : ObjectRig {
  Rig() { knows<Gate>(); }
  Handle gate = make<Gate>();
  Handle thread(uint8_t priority = 16) { return make<FakeThread>(priority); }
  void park(Handle thread, Time deadline = Time::never()) {
    WaitQueue& queue = object<Gate>(gate).queue;
    pin();  // Both at once.
    object<FakeThread>(thread).park(&queue, deadline);
    unpin();
  }
  bool parked(Handle thread) { return object<FakeThread>(thread).parked(); }
  Status woken_with(Handle thread) { return object<FakeThread>(thread).wait().woken_with; }
};

TEST_CASE("threads wake by priority, then in the order in which they parked") {
  Rig k;
  Handle low = k.thread(5);
  Handle first = k.thread(16);
  Handle second = k.thread(16);
  Handle high = k.thread(31);
  for (Handle thread : {low, first, second, high}) k.park(thread);

  for (Handle expected : {high, first, second, low}) {
    REQUIRE(k.parked(expected));
    k.object<Gate>(k.gate).queue.wake_one();
    REQUIRE_FALSE(k.parked(expected));
    REQUIRE(k.woken_with(expected) == Status::kOk);
  }
  REQUIRE(k.object<Gate>(k.gate).queue.wake_one() == nullptr);
}

TEST_CASE("a change of priority moves a parked thread, but not past its equals that came earlier") {
  Rig k;
  Handle a = k.thread(16);
  Handle b = k.thread(16);
  Handle c = k.thread(10);
  for (Handle thread : {a, b, c}) k.park(thread);
  k.object<FakeThread>(c).set_priority(16);
  k.object<FakeThread>(a).set_priority(9);

  for (Handle expected : {b, c, a}) {
    k.object<Gate>(k.gate).queue.wake_one();
    REQUIRE_FALSE(k.parked(expected));
  }
}

TEST_CASE("a deadline ends the wait with timed out and leaves the queue") {
  Rig k;
  Handle thread = k.thread();
  k.park(thread, Time{100});
  k.advance_to(Time{99});
  REQUIRE(k.parked(thread));
  k.advance_to(Time{100});
  REQUIRE(k.woken_with(thread) == Status::kTimedOut);
  REQUIRE(k.object<Gate>(k.gate).queue.empty());
}

TEST_CASE("a second wake-up does nothing") {
  Rig k;
  Handle thread = k.thread();
  k.park(thread, Time{100});
  k.object<FakeThread>(thread).wake(Status::kCanceled);
  k.object<FakeThread>(thread).wake(Status::kOk);
  k.advance_to(Time{200});
  REQUIRE(k.woken_with(thread) == Status::kCanceled);
}

TEST_CASE("wake_all wakes everyone and counts") {
  Rig k;
  std::vector<Handle> threads;
  for (int i = 0; i < 5; ++i) {
    threads.push_back(k.thread());
    k.park(threads.back());
  }
  REQUIRE(k.object<Gate>(k.gate).queue.wake_all(Status::kBadState) == 5);
  for (Handle thread : threads) REQUIRE(k.woken_with(thread) == Status::kBadState);
}

TEST_CASE("a queue that dies lets its waiters be") {
  Rig k;
  Handle thread = k.thread();
  k.park(thread, Time{50});
  k.close(k.gate);
  REQUIRE(k.parked(thread));
  k.advance_to(Time{50});
  REQUIRE(k.woken_with(thread) == Status::kTimedOut);
}

TEST_CASE("parked threads and their order survive a save and load") {
  Rig k;
  Handle a = k.thread();
  Handle b = k.thread();
  k.park(b, Time{500});
  k.park(a);
  k.reload();
  k.object<Gate>(k.gate).queue.wake_one();
  REQUIRE(k.parked(a));
  REQUIRE(k.woken_with(b) == Status::kOk);
}

}  // namespace
}  // namespace jacinth::kernel
