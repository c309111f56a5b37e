/* The child: doubles every number that it is sent, and returns how many there were. */
#include "guests/debugged/debugged.h"
#include "guests/lib/expect.h"
#include "guests/lib/process.h"

uint64_t doubled;

__attribute__((noinline)) uint64_t twice(uint64_t number) {
  doubled += 2 * number;
  return 2 * number;
}

int main(void) {
  zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
  int count = 0;
  while (count < kNumbers) {
    uint64_t number = 0;
    uint32_t size = 0;
    require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    require_ok(zx_channel_read(channel, 0, &number, NULL, sizeof number, 0, &size, NULL));
    number = twice(number);
    require_ok(zx_channel_write(channel, 0, &number, sizeof number, NULL, 0));
    ++count;
  }
  return count;
}
