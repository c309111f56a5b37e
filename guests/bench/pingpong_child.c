/* The other side of `bench_pingpong`: sends back each number, plus one, until the parent hangs up. */
#include "guests/bench/conversation.h"

int main(void) {
  struct Side side = {.channel = zx_take_startup_handle(kConversationChannel)};
  require_ok(zx_port_create(0, &side.port));
  for (uint64_t message; hear(&side, &message);) say(&side, message + 1);
  return guest_failures();
}
