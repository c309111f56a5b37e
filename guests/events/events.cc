// Events: the signals of the simplest object, which every other object has too.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

Handle make_event() {
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  return event;
}

TEST("an event begins without its signal") {
  Handle event = make_event();
  expect_eq(signals_of(event), 0);
}

TEST("an event keeps its signal until it is cleared") {
  Handle event = make_event();
  expect_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  expect_eq(signals_of(event), ZX_EVENT_SIGNALED);
  expect_ok(zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr));
  expect_eq(signals_of(event), ZX_EVENT_SIGNALED);
  expect_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, 0));
  expect_eq(signals_of(event), 0);
}

TEST("clearing comes before setting") {
  Handle event = make_event();
  expect_ok(zx_object_signal(event, ZX_EVENT_SIGNALED, ZX_EVENT_SIGNALED));
  expect_eq(signals_of(event), ZX_EVENT_SIGNALED);
  expect_ok(zx_object_signal(event, ZX_EVENT_SIGNALED | ZX_USER_SIGNAL_0, ZX_USER_SIGNAL_1));
  expect_eq(signals_of(event), ZX_USER_SIGNAL_1);
}

TEST("every user signal stands for itself") {
  Handle event = make_event();
  for (int i = 0; i < 8; ++i) {
    const zx_signals_t bit = ZX_USER_SIGNAL_0 << i;
    expect_ok(zx_object_signal(event, ZX_USER_SIGNAL_ALL, bit));
    expect_eq(signals_of(event), bit);
  }
}

TEST("signals that belong to the kernel cannot be set") {
  Handle event = make_event();
  expect_status(zx_object_signal(event, 0, ZX_SIGNAL_HANDLE_CLOSED), ZX_ERR_INVALID_ARGS);
  expect_status(zx_object_signal(event, 0, 1u << 7), ZX_ERR_INVALID_ARGS);
  expect_eq(signals_of(event), 0);
}

TEST("other objects take user signals only") {
  Channel channel;
  expect_ok(zx_object_signal(channel.a, 0, ZX_USER_SIGNAL_3));
  expect_eq(signals_of(channel.a) & ZX_USER_SIGNAL_ALL, ZX_USER_SIGNAL_3);
  expect_status(zx_object_signal(channel.a, 0, ZX_CHANNEL_READABLE), ZX_ERR_INVALID_ARGS);
}

TEST("the other end of a channel is signaled by its own call") {
  Channel channel;
  expect_ok(zx_object_signal_peer(channel.a, 0, ZX_USER_SIGNAL_5));
  expect_eq(signals_of(channel.b) & ZX_USER_SIGNAL_ALL, ZX_USER_SIGNAL_5);
  expect_eq(signals_of(channel.a) & ZX_USER_SIGNAL_ALL, 0);
  channel.b.reset();
  expect_status(zx_object_signal_peer(channel.a, 0, ZX_USER_SIGNAL_5), ZX_ERR_PEER_CLOSED);
}

TEST("an event has no other end, and no right to signal one") {
  Handle event = make_event();
  expect_status(zx_object_signal_peer(event, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
}

TEST("an event takes no options") {
  zx_handle_t event = ZX_HANDLE_INVALID;
  expect_status(zx_event_create(1, &event), ZX_ERR_INVALID_ARGS);
}

}  // namespace
