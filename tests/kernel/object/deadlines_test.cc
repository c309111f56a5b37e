// The order of deadlines, and which of them slack lets coalesce (kernel/object/deadlines.h).
#include "kernel/object/deadlines.h"

#include "tests/kernel/object/plain_object.h"
#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct Rig : ObjectRig {
  Rig() {
    knows<PlainObject>();
    pin();
  }
  Ref<PlainObject> object = make_object<PlainObject>(core());
  Deadlines deadlines;

  /// Where a deadline with a window lands among those there are.
  int64_t place(int64_t when, int64_t early, int64_t late) {
    return deadlines.when(deadlines.add(Time{when}, Duration{early}, Duration{late}, *object)).ns;
  }
};

TEST_CASE("deadlines come in order of time, equal ones in order of arming") {
  Rig k;
  auto other = make_object<PlainObject>(k.core());
  k.deadlines.add(Time{20}, *k.object);
  k.deadlines.add(Time{10}, *k.object);
  k.deadlines.add(Time{10}, *other);

  REQUIRE(k.deadlines.next() == Time{10});
  REQUIRE(k.deadlines.pop(Time{9}) == nullptr);
  REQUIRE(k.deadlines.pop(Time{10}) == k.object.get());
  REQUIRE(k.deadlines.pop(Time{10}) == other.get());
  REQUIRE(k.deadlines.pop(Time{10}) == nullptr);
  REQUIRE(k.deadlines.next() == Time{20});
}

TEST_CASE("a deadline without slack is exact, whatever stands beside it") {
  Rig k;
  k.place(99, 0, 0);
  k.place(101, 0, 0);
  REQUIRE(k.place(100, 0, 0) == 100);
}

TEST_CASE("slack joins what lies in the window and is exact when nothing does") {
  Rig k;
  REQUIRE(k.place(100, 10, 10) == 100);
  REQUIRE(k.place(105, 0, 10) == 105);    // 100 is earlier than may be.
  REQUIRE(k.place(95, 0, 5) == 100);      // Late by 5.
  REQUIRE(k.place(120, 15, 0) == 105);    // Early by 15.
  REQUIRE(k.place(130, 20, 100) == 130);  // 105 is too early and nothing is later.
}

TEST_CASE("of two in the window the nearer one wins, and a tie goes early") {
  Rig k;
  k.place(100, 0, 0);
  k.place(110, 0, 0);
  REQUIRE(k.place(104, 50, 50) == 100);
  REQUIRE(k.place(106, 50, 50) == 110);
  REQUIRE(k.place(105, 50, 50) == 100);
}

TEST_CASE("the core arms the machine's timer for the earliest, and again after each alarm") {
  Rig k;
  k.core().arm(Time{200}, *k.object);
  uint64_t early = k.core().arm(Time{100}, *k.object);
  REQUIRE(k.platform().alarm() == Time{100});
  k.core().cancel(early);  // The alarm comes for nothing, which is harmless.
  k.advance_to(Time{100});
  REQUIRE(k.platform().alarm() == Time{200});
  k.advance_to(Time{200});
  REQUIRE(k.core().next_deadline() == Time::never());
}

}  // namespace
}  // namespace jacinth::kernel
