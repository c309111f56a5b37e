// Timers, as objects (kernel/time/timer.h).
#include "kernel/time/timer.h"

#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct Rig : ObjectRig {
  Rig() { knows<Timer>(); }
  Handle timer(abi::TimerSlack mode = abi::TimerSlack::kCenter) { return make<Timer>(mode); }
  void set(Handle timer, int64_t deadline, int64_t slack = 0) {
    object<Timer>(timer).set(Time{deadline}, Duration{slack});
  }
  bool signaled(Handle timer) { return object<Timer>(timer).signals() == Signals::kTimerSignaled; }
  /// When the timer fires, looking at every nanosecond.
  int64_t fires_at(Handle timer, int64_t until) {
    for (int64_t at = platform().now().ns; at <= until; ++at) {
      advance_to(Time{at});
      if (signaled(timer)) return at;
    }
    return -1;
  }
};

TEST_CASE("a timer signals at its deadline and not before") {
  Rig k;
  Handle timer = k.timer();
  k.set(timer, 100);
  REQUIRE(k.fires_at(timer, 200) == 100);
}

TEST_CASE("a timer set to now, to the past or to zero signals at once") {
  Rig k;
  k.advance_to(Time{50});
  for (int64_t deadline : {50, 49, 0, -7}) {
    Handle timer = k.timer();
    k.set(timer, deadline);
    REQUIRE(k.signaled(timer));
    REQUIRE(k.object<Timer>(timer).info().deadline == Time{0});
  }
}

TEST_CASE("setting a timer again takes back the signal and the old deadline") {
  Rig k;
  Handle timer = k.timer();
  k.set(timer, 10);
  k.advance_to(Time{10});
  REQUIRE(k.signaled(timer));

  k.set(timer, 100);
  REQUIRE_FALSE(k.signaled(timer));
  k.set(timer, 60);
  REQUIRE(k.fires_at(timer, 200) == 60);
  k.advance_to(Time{200});
  REQUIRE(k.signaled(timer));
}

TEST_CASE("cancel takes back signal and deadline, and is fine when there is neither") {
  Rig k;
  Handle timer = k.timer();
  k.object<Timer>(timer).cancel();
  k.set(timer, 10);
  k.object<Timer>(timer).cancel();
  REQUIRE(k.fires_at(timer, 30) == -1);

  k.set(timer, 40);
  k.advance_to(Time{40});
  k.object<Timer>(timer).cancel();
  REQUIRE_FALSE(k.signaled(timer));
}

TEST_CASE("a timer tells what it is set to while it is armed") {
  Rig k;
  Handle timer = k.timer(abi::TimerSlack::kLate);
  k.set(timer, 100, 7);
  abi::InfoTimer info = k.object<Timer>(timer).info();
  REQUIRE(info.options == 2);
  REQUIRE(info.deadline == Time{100});
  REQUIRE(info.slack == Duration{7});

  k.advance_to(Time{100});
  info = k.object<Timer>(timer).info();
  REQUIRE(info.deadline == Time{0});
  REQUIRE(info.slack == Duration{0});
}

// An anchor at 100 and a timer beside it: whether it joins depends on the way its mode lets it move.
TEST_CASE("slack lets a timer fire with another, the way its mode says") {
  using enum abi::TimerSlack;
  struct Row {
    abi::TimerSlack mode;
    int64_t deadline;
    int64_t slack;
    int64_t fires;
  };
  for (const Row& row : std::initializer_list<Row>{
           {kCenter, 90, 10, 100},
           {kCenter, 110, 10, 100},
           {kCenter, 90, 9, 90},
           {kCenter, 110, 9, 110},
           {kEarly, 90, 10, 90},
           {kEarly, 110, 10, 100},
           {kEarly, 110, 9, 110},
           {kLate, 90, 10, 100},
           {kLate, 110, 10, 110},
           {kLate, 90, 9, 90},
       }) {
    Rig k;
    Handle anchor = k.timer();
    k.set(anchor, 100);
    Handle timer = k.timer(row.mode);
    k.set(timer, row.deadline, row.slack);
    CAPTURE(static_cast<int>(row.mode), row.deadline, row.slack);
    REQUIRE(k.fires_at(timer, 200) == row.fires);
  }
}

TEST_CASE("a timer without handles never fires") {
  Rig k;
  Handle timer = k.timer();
  Ref<Timer> kept(&k.object<Timer>(timer));
  k.pin();
  k.set(timer, 10);
  k.close(timer);
  k.advance_to(Time{20});
  REQUIRE(kept->signals() == Signals::kNone);
}

TEST_CASE("a thousand timers fire in the order of their deadlines") {
  Rig k;
  k.pin();
  std::vector<Handle> timers;
  for (int i = 0; i < 1000; ++i) {
    timers.push_back(k.timer());
    k.set(timers.back(), 1 + i * 7919 % 1000);
  }
  for (int64_t now = 1; now <= 1000; ++now) {
    k.advance_to(Time{now});
    int fired = 0;
    for (Handle timer : timers) fired += k.signaled(timer);
    REQUIRE(fired == now);
  }
}

}  // namespace
}  // namespace jacinth::kernel
