// Clock objects: lines over the monotonic clock, and what their options forbid.
#include "kernel/abi/clock.h"

#include "kernel/time/clock.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {

using abi::ClockDetailsOptions;
using abi::ClockOptions;
using abi::ClockUpdateOptions;

namespace {

constexpr auto kValue = ClockUpdateOptions::kSyntheticValueValid;
constexpr auto kRate = ClockUpdateOptions::kRateAdjustValid;
constexpr auto kError = ClockUpdateOptions::kErrorBoundValid;
constexpr auto kReference = ClockUpdateOptions::kReferenceValueValid;
constexpr auto kMonotonic = ClockOptions::kMonotonic;
constexpr auto kContinuous = ClockOptions::kContinuous;
constexpr auto kAutoStart = ClockOptions::kAutoStart;

struct ClockRig : IpcRig {
  ClockRig() { advance_to(Time{1000}); }
  Handle clock(ClockOptions options = ClockOptions::kNone) { return make("clock_create", options, nullptr); }
  Handle clock(ClockOptions options, int64_t backstop) {
    return make("clock_create", options | ClockOptions::kArgsVersion1,
                user(abi::ClockCreateArgsV1{.backstop_time = Time{backstop}}));
  }
  Status create_status(ClockOptions options, int64_t backstop) {
    return call("clock_create", options | ClockOptions::kArgsVersion1,
                user(abi::ClockCreateArgsV1{.backstop_time = Time{backstop}}), room(4));
  }
  int64_t read(Handle clock) {
    GuestAddr out = room(8);
    REQUIRE(call("clock_read", clock, out) == Status::kOk);
    return peek<int64_t>(out);
  }
  abi::ClockDetailsV1 details(Handle clock) {
    GuestAddr out = room(sizeof(abi::ClockDetailsV1));
    REQUIRE(call("clock_get_details", clock, ClockDetailsOptions::kArgsVersion1, out) == Status::kOk);
    return peek<abi::ClockDetailsV1>(out);
  }
  Status update1(Handle clock, ClockUpdateOptions options, int64_t value, int32_t rate = 0, uint64_t error = 0) {
    abi::ClockUpdateArgsV1 args{.rate_adjust = rate, .value = value, .error_bound = error};
    return call("clock_update", clock, options | ClockUpdateOptions::kArgsVersion1, user(args));
  }
  Status update2(Handle clock, ClockUpdateOptions options, int64_t synthetic, int64_t reference, int32_t rate = 0) {
    abi::ClockUpdateArgsV2 args{.rate_adjust = rate, .synthetic_value = synthetic, .reference_value = reference};
    return call("clock_update", clock, options | ClockUpdateOptions::kArgsVersion2, user(args));
  }
};

}  // namespace

TEST_CASE("a clock stands at its backstop until it is set", "[zx_clock_create][zx_clock_read][zx_clock_update]") {
  ClockRig k;
  Handle clock = k.clock(ClockOptions::kNone, 77);
  REQUIRE(k.basic(clock).type == ObjectType::kClock);
  REQUIRE(k.read(clock) == 77);
  k.advance_to(Time{2000});
  REQUIRE(k.read(clock) == 77);
  REQUIRE(k.signals(clock) == Signals::kNone);
  REQUIRE(k.update1(clock, kRate, 0, 10) == Status::kBadState);
  REQUIRE(k.update1(clock, kError, 0, 0, 5) == Status::kBadState);

  REQUIRE(k.update1(clock, kValue, 5000) == Status::kOk);
  REQUIRE(k.signals(clock) == Signals::kClockStarted);
  REQUIRE(k.read(clock) == 5000);
  k.advance_to(Time{2100});
  REQUIRE(k.read(clock) == 5100);
}

TEST_CASE("a clock that starts by itself is the monotonic clock", "[zx_clock_create][zx_clock_read]") {
  ClockRig k;
  Handle clock = k.clock(kAutoStart);
  REQUIRE(k.signals(clock) == Signals::kClockStarted);
  REQUIRE(k.read(clock) == 1000);
  k.advance_to(Time{1234});
  REQUIRE(k.read(clock) == 1234);
}

TEST_CASE("clocks are made with options that go together", "[zx_clock_create]") {
  ClockRig k;
  GuestAddr out = k.room(4);
  REQUIRE(k.call("clock_create", 8, nullptr, out) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_create", kContinuous, nullptr, out) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_create", 0, k.user(uint64_t{0}), out) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_create", ClockOptions::kArgsVersion1, nullptr, out) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_create", uint64_t{2} << 58, k.user(uint64_t{0}), out) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_create", 0, nullptr, k.kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.create_status(ClockOptions::kNone, -1) == Status::kInvalidArgs);
  REQUIRE(k.create_status(kAutoStart, 1001) == Status::kInvalidArgs);
  REQUIRE(k.create_status(kAutoStart, 1000) == Status::kOk);
  REQUIRE(k.create_status(ClockOptions::kNone, 1 << 30) == Status::kOk);
  REQUIRE(k.create_status(kMonotonic | kContinuous | kAutoStart, 0) == Status::kOk);
}

TEST_CASE("a rate bends the line where it is", "[zx_clock_update]") {
  ClockRig k;
  Handle clock = k.clock(kMonotonic | kContinuous | kAutoStart);
  REQUIRE(k.update1(clock, kRate, 0, 1000) == Status::kOk);
  k.advance_to(Time{1'001'000});
  REQUIRE(k.read(clock) == 1000 + 1'001'000);
  REQUIRE(k.update1(clock, kRate, 0, -1000) == Status::kOk);
  k.advance_to(Time{2'001'000});
  REQUIRE(k.read(clock) == 1000 + 1'001'000 + 999'000);
  for (int32_t rate : {1001, -1001, INT32_MAX, INT32_MIN}) {
    REQUIRE(k.update1(clock, kRate, 0, rate) == Status::kInvalidArgs);
  }
}

TEST_CASE("monotonic clocks never go back, continuous ones never jump", "[zx_clock_update]") {
  ClockRig k;
  Handle free = k.clock(kAutoStart), monotonic = k.clock(kMonotonic | kAutoStart),
         continuous = k.clock(kMonotonic | kContinuous | kAutoStart);
  REQUIRE(k.update1(free, kValue, 10) == Status::kOk);
  REQUIRE(k.update1(monotonic, kValue, 999) == Status::kInvalidArgs);
  REQUIRE(k.update1(monotonic, kValue, 1000) == Status::kOk);
  REQUIRE(k.update1(monotonic, kValue, 3000) == Status::kOk);
  REQUIRE(k.update1(continuous, kValue, 1000) == Status::kInvalidArgs);
  REQUIRE(k.update1(continuous, kError, 0, 0, 9) == Status::kOk);
  REQUIRE(k.read(free) == 10);
  REQUIRE(k.read(monotonic) == 3000);

  Handle first = k.clock(kMonotonic | kContinuous);
  REQUIRE(k.update1(first, kValue, 50) == Status::kOk);
  REQUIRE(k.update1(first, kValue, 60) == Status::kInvalidArgs);
}

TEST_CASE("no clock goes below its backstop", "[zx_clock_update]") {
  ClockRig k;
  Handle clock = k.clock(ClockOptions::kNone, 500);
  REQUIRE(k.update1(clock, kValue, 499) == Status::kInvalidArgs);
  REQUIRE(k.update1(clock, kValue, 500) == Status::kOk);
  REQUIRE(k.update2(clock, kValue | kReference, 900, 2000) == Status::kInvalidArgs);  // Now it would be -100.
  REQUIRE(k.read(clock) == 500);
}

TEST_CASE("the second version says when an update counts from", "[zx_clock_update]") {
  ClockRig k;
  Handle clock = k.clock(kAutoStart);
  REQUIRE(k.update2(clock, kValue | kReference, 10'000, 500) == Status::kOk);
  REQUIRE(k.read(clock) == 10'500);
  REQUIRE(k.update2(clock, kRate | kReference, 0, 0, 1000) == Status::kOk);  // From 9500 at 0.
  REQUIRE(k.read(clock) == 9500 + 1001);
  REQUIRE(k.update2(clock, kError | kReference, 0, 0) == Status::kInvalidArgs);

  Handle monotonic = k.clock(kMonotonic | kAutoStart);
  REQUIRE(k.update2(monotonic, kValue, 9000, 0) == Status::kInvalidArgs);
  REQUIRE(k.update2(monotonic, kValue | kReference, 9000, 1000) == Status::kOk);
  REQUIRE(k.update2(monotonic, kValue | kReference | kRate, 9000, 1000, 1) == Status::kInvalidArgs);
  REQUIRE(k.update2(monotonic, kRate | kReference, 0, 1000, 1) == Status::kInvalidArgs);
  REQUIRE(k.update2(monotonic, kRate, 0, 0, 1) == Status::kOk);
  REQUIRE(k.update2(monotonic, kValue | kReference, 8999, 1000) == Status::kInvalidArgs);
}

TEST_CASE("bad updates are refused in order", "[zx_clock_update][zx_clock_read][zx_clock_get_details]") {
  ClockRig k;
  Handle clock = k.clock(kAutoStart);
  Handle event = k.event();
  GuestAddr args = k.user(abi::ClockUpdateArgsV2{});
  auto update = [&](Handle handle, uint64_t options, GuestAddr at) {
    return k.call("clock_update", handle, options, at);
  };
  constexpr uint64_t kV1 = uint64_t{1} << 58, kV2 = uint64_t{2} << 58;
  REQUIRE(update(k.kBad, kV1 | 1, GuestAddr(0)) == Status::kInvalidArgs);
  REQUIRE(update(k.kBad, 1, args) == Status::kInvalidArgs);
  REQUIRE(update(k.kBad, uint64_t{3} << 58 | 1, args) == Status::kInvalidArgs);
  REQUIRE(update(k.kBad, kV1 | 1, k.kNowhere) == Status::kInvalidArgs);
  REQUIRE(update(k.kBad, kV1, args) == Status::kInvalidArgs);
  REQUIRE(update(k.kBad, kV2 | 16, args) == Status::kInvalidArgs);
  REQUIRE(update(k.kBad, kV1 | 1, args) == Status::kBadHandle);
  REQUIRE(update(event, kV1 | 1, args) == Status::kWrongType);
  REQUIRE(update(k.duplicate(clock, Rights::kRead), kV1 | 1, args) == Status::kAccessDenied);
  REQUIRE(update(clock, kV1 | 1 | 8, args) == Status::kInvalidArgs);  // Version 1 knows no reference.

  GuestAddr out = k.room(112);
  REQUIRE(k.call("clock_read", k.kBad, out) == Status::kBadHandle);
  REQUIRE(k.call("clock_read", event, out) == Status::kWrongType);
  REQUIRE(k.call("clock_read", k.duplicate(clock, Rights::kWrite), out) == Status::kAccessDenied);
  REQUIRE(k.call("clock_read", clock, k.kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_get_details", k.kBad, 0, out) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_get_details", k.kBad, kV2, out) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_get_details", clock, kV1, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_get_details", k.kBad, kV1, out) == Status::kBadHandle);
  REQUIRE(k.call("clock_get_details", k.duplicate(clock, Rights::kWrite), kV1, out) == Status::kAccessDenied);
}

TEST_CASE("details tell the line and when what was changed", "[zx_clock_get_details]") {
  ClockRig k;
  Handle clock = k.clock(kMonotonic, 5);
  auto details = k.details(clock);
  REQUIRE(details.options == static_cast<uint64_t>(kMonotonic));
  REQUIRE(details.backstop_time == Time{5});
  REQUIRE(details.mono_to_synthetic.rate.synthetic_ticks == 0);
  REQUIRE(details.mono_to_synthetic.rate.reference_ticks == 1);
  REQUIRE(details.mono_to_synthetic.synthetic_offset == 5);
  REQUIRE(details.error_bound == abi::kClockUnknownError);
  REQUIRE(details.generation_counter == 0);

  k.advance_to(Time{2000});
  REQUIRE(k.update1(clock, kValue | kRate, 9000, 500) == Status::kOk);
  k.advance_to(Time{3000});
  REQUIRE(k.update1(clock, kError, 0, 0, 42) == Status::kOk);
  k.advance_to(Time{4000});
  details = k.details(clock);
  REQUIRE(details.query_ticks == 4000);
  REQUIRE(details.last_value_update_ticks == 2000);
  REQUIRE(details.last_rate_adjust_update_ticks == 2000);
  REQUIRE(details.last_error_bounds_update_ticks == 3000);
  REQUIRE(details.error_bound == 42);
  REQUIRE(details.generation_counter == 4);
  REQUIRE(details.mono_to_synthetic.reference_offset == 2000);
  REQUIRE(details.mono_to_synthetic.synthetic_offset == 9000);
  REQUIRE(details.mono_to_synthetic.rate.synthetic_ticks == 1'000'500);
  REQUIRE(details.mono_to_synthetic.rate.reference_ticks == 1'000'000);
  REQUIRE(details.ticks_to_synthetic.rate.synthetic_ticks == 2001);
  REQUIRE(details.ticks_to_synthetic.rate.reference_ticks == 2000);
}

TEST_CASE("a clock stays at the ends of what it can count", "[zx_clock_read]") {
  ClockRig k;
  Handle clock = k.clock();
  REQUIRE(k.update1(clock, kValue, INT64_MAX) == Status::kOk);
  k.advance_to(Time{5000});
  REQUIRE(k.read(clock) == INT64_MAX);
  REQUIRE(k.update2(clock, kValue | kReference, 0, INT64_MIN) == Status::kOk);
  REQUIRE(k.read(clock) == INT64_MAX);
}

TEST_CASE("clocks come through a snapshot", "[zx_clock_read]") {
  ClockRig k;
  Handle clock = k.clock(kMonotonic);
  REQUIRE(k.update1(clock, kValue | kRate | kError, 9000, 1000, 1) == Status::kOk);
  k.advance_to(Time{101'000});
  k.reload();
  REQUIRE(k.read(clock) == 9000 + 100'100);
  REQUIRE(k.details(clock).generation_counter == 2);
  REQUIRE(k.signals(clock) == Signals::kClockStarted);
}

}  // namespace jacinth::kernel
