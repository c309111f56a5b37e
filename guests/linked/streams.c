// What comes in at descriptor 0 goes out at 1, and a word goes to 2: through the sockets that a launcher gives.
#include "guests/lib/process.h"

int main(void) {
  zx_handle_t in = zx_take_startup_handle(PA_HND(PA_FD, 0));
  zx_handle_t out = zx_take_startup_handle(PA_HND(PA_FD, 1));
  zx_handle_t error = zx_take_startup_handle(PA_HND(PA_FD, 2));
  char bytes[100];
  size_t got = 0, put = 0;
  for (;;) {
    zx_status_t status = zx_socket_read(in, 0, bytes, sizeof bytes, &got);
    if (status == ZX_ERR_SHOULD_WAIT) {
      zx_signals_t seen = 0;
      zx_object_wait_one(in, ZX_SOCKET_READABLE | ZX_SOCKET_PEER_CLOSED, ZX_TIME_INFINITE, &seen);
      continue;
    }
    if (status != ZX_OK) break;
    if (zx_socket_write(out, 0, bytes, got, &put) != ZX_OK || put != got) return 1;
  }
  zx_socket_write(error, 0, "done\n", 5, &put);
  return 3;
}
