/* Many processes that wait: `bench_idle ROUNDS` starts as many, and ends when all of them wait. */
#include "guests/bench/conversation.h"
#include "guests/bench/rounds.h"
#include "guests/lib/spawn.h"

CHILD_IMAGE(bench_idle_child);

static void start_child(void) {
  struct Side side;
  struct SpawnHandle given = {.info = kConversationChannel};
  require_ok(zx_channel_create(0, &side.channel, &given.handle));
  require_ok(zx_port_create(0, &side.port));
  struct SpawnRequest request = {.name = "idle-child",
                                 .image = CHILD_BYTES(bench_idle_child),
                                 .image_size = CHILD_SIZE(bench_idle_child),
                                 .handles = &given,
                                 .handle_count = 1};
  zx_handle_t child;
  require_ok(spawn(&request, &child));
  uint64_t message = 0;
  require(hear(&side, &message));
}

int main(int argc, char** argv) {
  for (uint64_t rounds = rounds_of(argc, argv); rounds > 0; --rounds) start_child();
  /* The last child may still be on its way into its wait. */
  require_ok(zx_nanosleep(zx_deadline_after(ZX_MSEC(1))));
  return 0;
}
