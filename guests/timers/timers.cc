// Timers and time. Nothing here asks how long something takes, only what comes before what.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

zx_time_t now() { return zx_clock_get_monotonic(); }

Handle make_timer() {
  Handle timer;
  require_ok(zx_timer_create(0, ZX_CLOCK_MONOTONIC, timer.out()));
  return timer;
}

bool fired(zx_handle_t timer) { return (signals_of(timer) & ZX_TIMER_SIGNALED) != 0; }

TEST("time goes on, also between two calls") {
  zx_time_t last = now();
  for (int i = 0; i < 1000; ++i) {
    const zx_time_t next = now();
    if (next < last) expect(next >= last);
    last = next;
  }
  const zx_ticks_t tick = zx_ticks_get();
  for (volatile int i = 0; i < 10000; i = i + 1) {
  }
  expect(zx_ticks_get() > tick);
}

TEST("a sleep lasts until its deadline at least") {
  for (zx_duration_t span : {kMicrosecond, kMillisecond, 20 * kMillisecond}) {
    const zx_time_t deadline = now() + span;
    expect_ok(zx_nanosleep(deadline));
    expect(now() >= deadline);
  }
}

TEST("a deadline in the past does not sleep") {
  expect_ok(zx_nanosleep(0));
  expect_ok(zx_nanosleep(-1));
  expect_ok(zx_nanosleep(ZX_TIME_INFINITE_PAST));
}

TEST("a deadline can be as far away as time goes, and no further") {
  expect_eq(zx_deadline_after(ZX_TIME_INFINITE), ZX_TIME_INFINITE);
  const zx_time_t soon = zx_deadline_after(kSecond);
  expect(soon > now());
  expect(soon <= now() + kSecond);
}

TEST("ticks and nanoseconds measure the same time") {
  expect(zx_ticks_per_second() > 0);
  const zx_time_t start = now();
  const zx_ticks_t first = zx_ticks_get();
  zx_nanosleep(start + 100 * kMillisecond);
  const int64_t tick_ns = (zx_ticks_get() - first) * kSecond / zx_ticks_per_second();
  const int64_t clock_ns = now() - start;
  const int64_t apart = tick_ns > clock_ns ? tick_ns - clock_ns : clock_ns - tick_ns;
  expect(apart < kMillisecond);
}

TEST("a timer fires at its deadline, not before") {
  Handle timer = make_timer();
  expect(!fired(timer));
  const zx_time_t deadline = now() + 5 * kMillisecond;
  expect_ok(zx_timer_set(timer, deadline, 0));
  expect(!fired(timer));
  expect_ok(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, nullptr));
  expect(now() >= deadline);
  expect(fired(timer));
}

TEST("a timer set to the past has fired") {
  Handle timer = make_timer();
  expect_ok(zx_timer_set(timer, now() - 1, 0));
  expect(fired(timer));
}

TEST("setting a timer again forgets the first deadline and the signal") {
  Handle timer = make_timer();
  zx_timer_set(timer, 0, 0);
  expect(fired(timer));
  const zx_time_t deadline = now() + 5 * kMillisecond;
  expect_ok(zx_timer_set(timer, now() + kMillisecond, 0));
  expect_ok(zx_timer_set(timer, deadline, 0));
  expect(!fired(timer));
  expect_ok(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, nullptr));
  expect(now() >= deadline);
}

TEST("a canceled timer does not fire, and canceling clears the signal") {
  Handle timer = make_timer();
  zx_timer_set(timer, now() + kMillisecond, 0);
  expect_ok(zx_timer_cancel(timer));
  expect_status(zx_object_wait_one(timer, ZX_TIMER_SIGNALED, now() + 5 * kMillisecond, nullptr), ZX_ERR_TIMED_OUT);
  zx_timer_set(timer, 0, 0);
  expect(fired(timer));
  expect_ok(zx_timer_cancel(timer));
  expect(!fired(timer));
  expect_ok(zx_timer_cancel(timer));
}

TEST("timers fire in the order of their deadlines, not of their setting") {
  Handle port, timers[5];
  require_ok(zx_port_create(0, port.out()));
  const int order[] = {3, 0, 4, 1, 2};
  const zx_time_t start = now();
  for (int i : order) {
    timers[i] = make_timer();
    zx_object_wait_async(timers[i], port, static_cast<uint64_t>(i), ZX_TIMER_SIGNALED, 0);
    zx_timer_set(timers[i], start + (i + 1) * 2 * kMillisecond, 0);
  }
  for (int i = 0; i < 5; ++i) {
    zx_port_packet_t packet = {};
    expect_ok(zx_port_wait(port, ZX_TIME_INFINITE, &packet));
    expect_eq(packet.key, i);
  }
}

TEST("a timer has the monotonic clock, no unknown options, and no negative slack") {
  zx_handle_t timer = ZX_HANDLE_INVALID;
  expect_status(zx_timer_create(99, ZX_CLOCK_MONOTONIC, &timer), ZX_ERR_INVALID_ARGS);
  expect_status(zx_timer_create(0, 7, &timer), ZX_ERR_INVALID_ARGS);
  Handle good = make_timer();
  expect_status(zx_timer_set(good, now(), -1), ZX_ERR_OUT_OF_RANGE);
}

}  // namespace
