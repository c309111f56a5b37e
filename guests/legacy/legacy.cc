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

}  // namespace
