// Virtual interrupts: fired by a program, waited for by another thread, or delivered through a port.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

Handle make_interrupt() {
  Handle interrupt;
  require_ok(zx_interrupt_create(ZX_HANDLE_INVALID, 0, ZX_INTERRUPT_VIRTUAL, interrupt.out()));
  return interrupt;
}

Handle make_port() {
  Handle port;
  require_ok(zx_port_create(ZX_PORT_BIND_TO_INTERRUPT, port.out()));
  return port;
}

TEST("a thread sleeps until the interrupt fires, and hears when that was") {
  Handle interrupt = make_interrupt();
  zx_time_t when = 0;
  zx_status_t status = ZX_ERR_INTERNAL;
  {
    Running waiter("waiter", [&] { status = zx_interrupt_wait(interrupt, &when); });
    zx_nanosleep(zx_deadline_after(kMillisecond));
    expect_ok(zx_interrupt_trigger(interrupt, 0, 12345));
  }
  expect_ok(status);
  expect_eq(when, 12345);
}

TEST("destroying the interrupt ends the wait") {
  Handle interrupt = make_interrupt();
  zx_status_t status = ZX_OK;
  {
    Running waiter("waiter", [&] { status = zx_interrupt_wait(interrupt, nullptr); });
    zx_nanosleep(zx_deadline_after(kMillisecond));
    expect_ok(zx_interrupt_destroy(interrupt));
  }
  expect_status(status, ZX_ERR_CANCELED);
  expect_status(zx_interrupt_trigger(interrupt, 0, 1), ZX_ERR_CANCELED);
}

TEST("a bound interrupt comes before the packets that were there first") {
  Handle interrupt = make_interrupt();
  Handle port = make_port();
  expect_ok(zx_interrupt_bind(interrupt, port, 99, ZX_INTERRUPT_BIND));
  zx_port_packet_t packet = {};
  packet.key = 1;
  expect_ok(zx_port_queue(port, &packet));
  expect_ok(zx_interrupt_trigger(interrupt, 0, 500));
  expect_ok(zx_interrupt_trigger(interrupt, 0, 600));

  expect_ok(zx_port_wait(port, 0, &packet));
  expect_eq(packet.key, 99);
  expect_eq(packet.type, ZX_PKT_TYPE_INTERRUPT);
  expect_eq(packet.interrupt.timestamp, 500);
  expect_ok(zx_port_wait(port, 0, &packet));
  expect_eq(packet.key, 1);
  expect_status(zx_port_wait(port, 0, &packet), ZX_ERR_TIMED_OUT);

  expect_ok(zx_interrupt_ack(interrupt));  // It fired meanwhile.
  expect_ok(zx_port_wait(port, 0, &packet));
  expect_eq(packet.interrupt.timestamp, 600);
  expect_ok(zx_interrupt_ack(interrupt));
  expect_status(zx_port_wait(port, 0, &packet), ZX_ERR_TIMED_OUT);
}

TEST("an unbound interrupt is its own again") {
  Handle interrupt = make_interrupt();
  Handle port = make_port();
  expect_ok(zx_interrupt_bind(interrupt, port, 0, ZX_INTERRUPT_BIND));
  expect_status(zx_interrupt_wait(interrupt, nullptr), ZX_ERR_BAD_STATE);
  expect_ok(zx_interrupt_bind(interrupt, port, 0, ZX_INTERRUPT_UNBIND));
  expect_status(zx_interrupt_ack(interrupt), ZX_ERR_BAD_STATE);
  expect_ok(zx_interrupt_trigger(interrupt, 0, 7));
  zx_time_t when = 0;
  expect_ok(zx_interrupt_wait(interrupt, &when));
  expect_eq(when, 7);
}

TEST("a port that was not made for interrupts takes none") {
  Handle interrupt = make_interrupt();
  Handle port;
  require_ok(zx_port_create(0, port.out()));
  expect_status(zx_interrupt_bind(interrupt, port, 0, ZX_INTERRUPT_BIND), ZX_ERR_WRONG_TYPE);
}

}  // namespace
