// Calls that only the SDK of July 2020 has: programs of that time find them in the vDSO.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

TEST("zx_clock_get tells the monotonic time") {
  zx_time_t time = 0;
  const zx_time_t before = zx_clock_get_monotonic();
  expect_ok(zx_clock_get(ZX_CLOCK_MONOTONIC, &time));
  expect(time >= before);
  expect(time <= zx_clock_get_monotonic());
}

TEST("zx_clock_get tells a UTC that goes on with the monotonic time") {
  zx_time_t first = 0, second = 0;
  expect_ok(zx_clock_get(ZX_CLOCK_UTC, &first));
  zx_nanosleep(zx_deadline_after(5 * kMillisecond));
  expect_ok(zx_clock_get(ZX_CLOCK_UTC, &second));
  expect(second - first >= 5 * kMillisecond);
}

TEST("zx_clock_get knows no other clocks, and minds its pointer") {
  zx_time_t time = 0;
  expect_status(zx_clock_get(77, &time), ZX_ERR_INVALID_ARGS);
  expect_status(zx_clock_get(ZX_CLOCK_MONOTONIC, reinterpret_cast<zx_time_t*>(0x10)), ZX_ERR_INVALID_ARGS);
}

TEST("zx_system_get_version copies the string that later calls point to") {
  char copy[128] = {};
  expect_ok(zx_system_get_version(copy, sizeof copy));
  expect_text(copy, zx_system_get_version_string().c_str);
  expect_status(zx_system_get_version(copy, 1), ZX_ERR_BUFFER_TOO_SMALL);
}

TEST("zx_socket_shutdown ends writing, reading or both") {
  Handle a, b;
  require_ok(zx_socket_create(ZX_SOCKET_STREAM, a.out(), b.out()));
  size_t actual = 0;
  expect_ok(zx_socket_shutdown(a, ZX_SOCKET_SHUTDOWN_WRITE));
  expect_status(zx_socket_write(a, 0, "x", 1, &actual), ZX_ERR_BAD_STATE);
  expect_eq(signals_of(a), ZX_SOCKET_WRITE_DISABLED);
  expect_eq(signals_of(b), ZX_SOCKET_WRITABLE | ZX_SOCKET_PEER_WRITE_DISABLED);

  expect_ok(zx_socket_shutdown(a, ZX_SOCKET_SHUTDOWN_READ));
  char byte = 0;
  expect_status(zx_socket_read(a, 0, &byte, 1, &actual), ZX_ERR_BAD_STATE);
  expect_status(zx_socket_write(b, 0, "x", 1, &actual), ZX_ERR_BAD_STATE);
  expect_status(zx_socket_shutdown(a, 4), ZX_ERR_INVALID_ARGS);
}

}  // namespace
