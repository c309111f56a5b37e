// Reads lines from the serial console, a byte or what else has come at a time, and says how long they are.
#include "guests/lib/guest.h"

using namespace guest;

int main() {
  Handle resource(zx_take_startup_handle(PA_HND(PA_SYSTEM_RESOURCE, 0)));
  if (resource == ZX_HANDLE_INVALID) {
    char byte = 0;
    size_t actual = 0;
    return zx_debug_read(zx_process_self(), &byte, 1, &actual) == ZX_ERR_WRONG_TYPE ? 3 : 1;
  }
  static char line[256];
  size_t length = 0, total = 0, lines = 0;
  const zx_time_t begun = zx_clock_get_monotonic();
  while (lines < 2) {
    size_t actual = 0;
    require_ok(zx_debug_read(resource, line + length, sizeof line - length, &actual));
    require(actual > 0);
    if (total == 0) print("%u byte first\n", static_cast<unsigned>(actual));
    total += actual;
    length += actual;
    for (size_t i = 0; i < length; ++i) {
      if (line[i] != '\n') continue;
      line[i] = 0;
      print("line of %u: %s\n", static_cast<unsigned>(i), line);
      memmove(line, line + i + 1, length - i - 1);
      length -= i + 1;
      i = SIZE_MAX;
      ++lines;
    }
    // Asleep meanwhile, it finds several bytes at once.
    if (lines == 1) zx_nanosleep(zx_deadline_after(kMillisecond));
  }
  // 115200 baud: no byte comes before its time.
  expect(zx_clock_get_monotonic() - begun >= 25 * 86 * kMicrosecond);
  print("%u bytes in %u lines\n", static_cast<unsigned>(total), static_cast<unsigned>(lines));
  return guest_failures();
}
