/* A process of `bench_idle`: says that it is there, then waits for a message that never comes. */
#include "guests/bench/conversation.h"

int main(void) {
  struct Side side = {.channel = zx_take_startup_handle(kConversationChannel)};
  require_ok(zx_port_create(0, &side.port));
  say(&side, 1);
  uint64_t message;
  return hear(&side, &message);
}
