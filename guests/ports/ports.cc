// Ports: a queue of packets, and the place where a program waits for everything else.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

Handle make_port() {
  Handle port;
  require_ok(zx_port_create(0, port.out()));
  return port;
}

Handle make_event() {
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  return event;
}

/// The next packet, or the status that says why there is none within a millisecond.
struct Next {
  zx_port_packet_t packet = {};
  zx_status_t status;
  explicit Next(zx_handle_t port) { status = zx_port_wait(port, zx_deadline_after(kMillisecond), &packet); }
};

zx_status_t watch(zx_handle_t object, zx_handle_t port, uint64_t key, zx_signals_t signals, uint32_t options = 0) {
  return zx_object_wait_async(object, port, key, signals, options);
}

TEST("packets come out in the order they were put in, as they were but for their type") {
  Handle port = make_port();
  for (uint64_t i = 0; i < 5; ++i) {
    zx_port_packet_t packet = {};
    packet.key = 100 + i;
    packet.type = 77;
    packet.status = -5 - static_cast<int>(i);
    packet.user.u64[0] = i;
    packet.user.u64[3] = ~i;
    expect_ok(zx_port_queue(port, &packet));
  }
  for (uint64_t i = 0; i < 5; ++i) {
    Next next(port);
    expect_ok(next.status);
    expect_eq(next.packet.key, 100 + i);
    expect_eq(next.packet.type, ZX_PKT_TYPE_USER);
    expect_eq(next.packet.status, -5 - static_cast<int>(i));
    expect_eq(next.packet.user.u64[0], i);
    expect_eq(next.packet.user.u64[3], ~i);
  }
}

TEST("an empty port makes its reader wait until the deadline") {
  Handle port = make_port();
  const zx_time_t deadline = zx_deadline_after(3 * kMillisecond);
  zx_port_packet_t packet;
  expect_status(zx_port_wait(port, deadline, &packet), ZX_ERR_TIMED_OUT);
  expect(zx_clock_get_monotonic() >= deadline);
}

TEST("a packet wakes a thread that waits") {
  Handle port = make_port();
  zx_port_packet_t got = {};
  Running reader("reader", [&] { expect_ok(zx_port_wait(port, ZX_TIME_INFINITE, &got)); });
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  zx_port_packet_t packet = {};
  packet.key = 9;
  expect_ok(zx_port_queue(port, &packet));
  reader.join();
  expect_eq(got.key, 9);
}

TEST("each packet goes to one waiter") {
  Handle port = make_port();
  uint64_t keys[2] = {};
  auto wait = [&](int i) {
    zx_port_packet_t packet = {};
    expect_ok(zx_port_wait(port, ZX_TIME_INFINITE, &packet));
    keys[i] = packet.key;
  };
  Running a("a", [&] { wait(0); }), b("b", [&] { wait(1); });
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  for (uint64_t key : {1, 2}) {
    zx_port_packet_t packet = {};
    packet.key = key;
    zx_port_queue(port, &packet);
  }
  a.join(), b.join();
  expect_eq(keys[0] + keys[1], 3);
  expect_eq(keys[0] * keys[1], 2);
}

TEST("a signal that is active already gives its packet at once") {
  Handle port = make_port(), event = make_event();
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_4);
  expect_ok(watch(event, port, 5, ZX_EVENT_SIGNALED));
  Next next(port);
  expect_ok(next.status);
  expect_eq(next.packet.key, 5);
  expect_eq(next.packet.type, ZX_PKT_TYPE_SIGNAL_ONE);
  expect_eq(next.packet.status, ZX_OK);
  expect_eq(next.packet.signal.trigger, ZX_EVENT_SIGNALED);
  expect_eq(next.packet.signal.observed, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_4);
  expect_eq(next.packet.signal.count, 1);
}

TEST("a wait gives one packet, however often the signal comes") {
  Handle port = make_port(), event = make_event();
  expect_ok(watch(event, port, 1, ZX_EVENT_SIGNALED));
  for (int i = 0; i < 3; ++i) {
    zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
    zx_object_signal(event, ZX_EVENT_SIGNALED, 0);
  }
  expect_ok(Next(port).status);
  expect_status(Next(port).status, ZX_ERR_TIMED_OUT);
}

TEST("an edge wait wants a change, not a state") {
  Handle port = make_port(), event = make_event();
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  expect_ok(watch(event, port, 1, ZX_EVENT_SIGNALED, ZX_WAIT_ASYNC_EDGE));
  expect_status(Next(port).status, ZX_ERR_TIMED_OUT);
  zx_object_signal(event, ZX_EVENT_SIGNALED, 0);
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  expect_ok(Next(port).status);
}

TEST("a packet bears the time of its signal when asked to") {
  Handle port = make_port(), event = make_event();
  expect_ok(watch(event, port, 1, ZX_EVENT_SIGNALED, ZX_WAIT_ASYNC_TIMESTAMP));
  const zx_time_t before = zx_clock_get_monotonic();
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  const zx_time_t after = zx_clock_get_monotonic();
  zx_nanosleep(zx_deadline_after(kMillisecond));
  Next next(port);
  expect(next.packet.signal.timestamp >= before);
  expect(next.packet.signal.timestamp <= after);
}

TEST("signals and programs share one queue, in order") {
  Handle port = make_port(), event = make_event();
  zx_port_packet_t packet = {};
  packet.key = 1;
  zx_port_queue(port, &packet);
  watch(event, port, 2, ZX_EVENT_SIGNALED);
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  packet.key = 3;
  zx_port_queue(port, &packet);
  for (uint64_t key : {1, 2, 3}) expect_eq(Next(port).packet.key, key);
}

TEST("a canceled wait gives no packet, queued or not") {
  Handle port = make_port(), event = make_event();
  watch(event, port, 1, ZX_EVENT_SIGNALED);
  expect_ok(zx_port_cancel(port, event, 1));
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  expect_status(Next(port).status, ZX_ERR_TIMED_OUT);

  watch(event, port, 1, ZX_EVENT_SIGNALED);  // Active: its packet is in the queue.
  expect_ok(zx_port_cancel(port, event, 1));
  expect_status(Next(port).status, ZX_ERR_TIMED_OUT);
  expect_status(zx_port_cancel(port, event, 1), ZX_ERR_NOT_FOUND);
}

TEST("canceling goes by key and by handle") {
  Handle port = make_port(), event = make_event(), same = duplicate(event);
  watch(event, port, 1, ZX_EVENT_SIGNALED);
  watch(event, port, 2, ZX_EVENT_SIGNALED);
  watch(same, port, 1, ZX_EVENT_SIGNALED);
  expect_status(zx_port_cancel(port, same, 2), ZX_ERR_NOT_FOUND);
  expect_ok(zx_port_cancel(port, event, 1));
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  uint64_t keys = Next(port).packet.key;
  keys += Next(port).packet.key;
  expect_eq(keys, 3);
  expect_status(Next(port).status, ZX_ERR_TIMED_OUT);
}

TEST("closing the watched handle ends the wait without a word") {
  Handle port = make_port(), event = make_event(), watched = duplicate(event);
  watch(watched, port, 1, ZX_EVENT_SIGNALED);
  watched.reset();
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  expect_status(Next(port).status, ZX_ERR_TIMED_OUT);
}

TEST("a timer, a channel, an event and a thread report to one port") {
  Handle port = make_port(), event = make_event(), timer;
  Channel channel;
  require_ok(zx_timer_create(0, ZX_CLOCK_MONOTONIC, timer.out()));
  Running thread("brief", [] {});
  watch(timer, port, 1, ZX_TIMER_SIGNALED);
  watch(channel.b, port, 2, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED);
  watch(event, port, 4, ZX_EVENT_SIGNALED);
  watch(thread.handle(), port, 8, ZX_THREAD_TERMINATED);
  zx_timer_set(timer, zx_deadline_after(kMillisecond), 0);
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  channel.a.reset();
  uint64_t keys = 0;
  for (int i = 0; i < 4; ++i) {
    zx_port_packet_t packet = {};
    expect_ok(zx_port_wait(port, zx_deadline_after(kSecond), &packet));
    keys |= packet.key;
  }
  expect_eq(keys, 15);
}

TEST("a port asks for rights: write to queue, read to wait") {
  Handle port = make_port();
  Handle reader = duplicate(port, ZX_RIGHT_READ), writer = duplicate(port, ZX_RIGHT_WRITE);
  zx_port_packet_t packet = {};
  expect_status(zx_port_queue(reader, &packet), ZX_ERR_ACCESS_DENIED);
  expect_ok(zx_port_queue(writer, &packet));
  expect_status(zx_port_wait(writer, 0, &packet), ZX_ERR_ACCESS_DENIED);
  expect_ok(zx_port_wait(reader, 0, &packet));
}

}  // namespace
