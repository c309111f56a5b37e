// Waiting for signals: for one object, for many, with deadlines, from several threads.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

Handle make_event() {
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  return event;
}

zx_time_t now() { return zx_clock_get_monotonic(); }

TEST("a wait that is satisfied already succeeds, also past its deadline") {
  Handle event = make_event();
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0);
  zx_signals_t seen = 0;
  expect_ok(zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, &seen));
  expect_eq(seen, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0);  // All that is active, not only what was asked for.
}

TEST("a wait ends at its deadline, not before, and says what is active then") {
  Handle event = make_event();
  zx_object_signal(event, 0, ZX_USER_SIGNAL_0);
  zx_signals_t seen = 0;
  const zx_time_t deadline = now() + 5 * kMillisecond;
  expect_status(zx_object_wait_one(event, ZX_EVENT_SIGNALED, deadline, &seen), ZX_ERR_TIMED_OUT);
  expect(now() >= deadline);
  expect_eq(seen, ZX_USER_SIGNAL_0);
}

TEST("a wait wakes when another thread sets the signal") {
  Handle event = make_event();
  Running signaler("signaler", [&] {
    zx_nanosleep(zx_deadline_after(2 * kMillisecond));
    zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  });
  expect_ok(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr));
}

TEST("a signal that was set only for a moment still wakes its waiter") {
  Handle event = make_event();
  zx_status_t status = ZX_ERR_INTERNAL;
  zx_signals_t seen = 0;
  Running waiter("waiter",
                 [&] { status = zx_object_wait_one(event, ZX_EVENT_SIGNALED, zx_deadline_after(kSecond), &seen); });
  zx_nanosleep(zx_deadline_after(5 * kMillisecond));
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  zx_object_signal(event, ZX_EVENT_SIGNALED, 0);
  waiter.join();
  expect_ok(status);
  expect_eq(seen, ZX_EVENT_SIGNALED);
}

TEST("one signal wakes all who wait for it") {
  Handle event = make_event();
  zx_status_t status[3] = {-1, -1, -1};
  auto wait = [&](int i) { status[i] = zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr); };
  Running a("a", [&] { wait(0); }), b("b", [&] { wait(1); }), c("c", [&] { wait(2); });
  zx_nanosleep(zx_deadline_after(5 * kMillisecond));
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  a.join(), b.join(), c.join();
  for (zx_status_t each : status) expect_ok(each);
}

TEST("closing the handle that a thread waits on cancels the wait") {
  Handle event = make_event(), waited_on = duplicate(event);
  zx_status_t status = ZX_OK;
  zx_signals_t seen = 0;
  Running waiter("waiter", [&] { status = zx_object_wait_one(waited_on, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, &seen); });
  zx_nanosleep(zx_deadline_after(5 * kMillisecond));
  waited_on.reset();
  waiter.join();
  expect_status(status, ZX_ERR_CANCELED);
  expect_eq(seen & ZX_SIGNAL_HANDLE_CLOSED, ZX_SIGNAL_HANDLE_CLOSED);
}

TEST("closing another handle to the object disturbs nobody") {
  Handle event = make_event(), other = duplicate(event);
  zx_status_t status = ZX_ERR_INTERNAL;
  Running waiter("waiter", [&] { status = zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr); });
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  zx_object_signal(other, 0, ZX_USER_SIGNAL_0);
  other.reset();
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  expect_status(status, ZX_ERR_INTERNAL);
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  waiter.join();
  expect_ok(status);
}

TEST("waiting for many ends with the first that is satisfied, and reports on all") {
  Handle a = make_event(), b = make_event(), c = make_event();
  zx_wait_item_t items[] = {{a, ZX_EVENT_SIGNALED, 0}, {b, ZX_EVENT_SIGNALED, 0}, {c, ZX_EVENT_SIGNALED, 0}};
  zx_object_signal(c, 0, ZX_USER_SIGNAL_2);
  Running signaler("signaler", [&] {
    zx_nanosleep(zx_deadline_after(2 * kMillisecond));
    zx_object_signal(b, 0, ZX_EVENT_SIGNALED);
  });
  expect_ok(zx_object_wait_many(items, 3, ZX_TIME_INFINITE));
  expect_eq(items[0].pending, 0);
  expect_eq(items[1].pending, ZX_EVENT_SIGNALED);
  expect_eq(items[2].pending, ZX_USER_SIGNAL_2);
}

TEST("waiting for many times out with the signals of each") {
  Handle a = make_event(), b = make_event();
  zx_object_signal(a, 0, ZX_USER_SIGNAL_1);
  zx_wait_item_t items[] = {{a, ZX_EVENT_SIGNALED, 0}, {b, ZX_EVENT_SIGNALED, 0}};
  expect_status(zx_object_wait_many(items, 2, zx_deadline_after(kMillisecond)), ZX_ERR_TIMED_OUT);
  expect_eq(items[0].pending, ZX_USER_SIGNAL_1);
  expect_eq(items[1].pending, 0);
}

TEST("waiting for nothing at all sleeps until the deadline") {
  const zx_time_t deadline = now() + kMillisecond;
  expect_status(zx_object_wait_many(nullptr, 0, deadline), ZX_ERR_TIMED_OUT);
  expect(now() >= deadline);
}

TEST("64 objects can be waited for at once, not 65") {
  Handle event = make_event();
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  zx_wait_item_t items[65];
  for (zx_wait_item_t& item : items) item = {event, ZX_EVENT_SIGNALED, 0};
  expect_ok(zx_object_wait_many(items, 64, 0));
  expect_status(zx_object_wait_many(items, 65, 0), ZX_ERR_OUT_OF_RANGE);
}

TEST("one bad handle spoils a wait for many") {
  Handle event = make_event();
  zx_wait_item_t items[] = {{event, ZX_EVENT_SIGNALED, 0}, {ZX_HANDLE_INVALID, ZX_EVENT_SIGNALED, 0}};
  expect_status(zx_object_wait_many(items, 2, 0), ZX_ERR_BAD_HANDLE);
}

TEST("waiting needs the right to wait") {
  Handle event = make_event(), deaf = duplicate(event, ZX_RIGHT_SIGNAL);
  expect_status(zx_object_wait_one(deaf, ZX_EVENT_SIGNALED, 0, nullptr), ZX_ERR_ACCESS_DENIED);
}

}  // namespace
