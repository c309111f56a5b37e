/* Messages to another process and back, each waited for through a port: `bench_pingpong ROUNDS`. */
#include "guests/bench/conversation.h"
#include "guests/bench/rounds.h"
#include "guests/lib/spawn.h"

CHILD_IMAGE(bench_pingpong_child);

int main(int argc, char** argv) {
  struct Side side;
  struct SpawnHandle given = {.info = kConversationChannel};
  require_ok(zx_channel_create(0, &side.channel, &given.handle));
  require_ok(zx_port_create(0, &side.port));
  struct SpawnRequest request = {.name = "pingpong-child",
                                 .image = CHILD_BYTES(bench_pingpong_child),
                                 .image_size = CHILD_SIZE(bench_pingpong_child),
                                 .handles = &given,
                                 .handle_count = 1};
  zx_handle_t child;
  require_ok(spawn(&request, &child));

  uint64_t number = 0;
  for (uint64_t rounds = rounds_of(argc, argv); rounds > 0; --rounds) {
    uint64_t answer = 0;
    say(&side, number);
    require(hear(&side, &answer) && answer == number + 1);
    number = answer;
  }

  require_ok(zx_handle_close(side.channel));
  int64_t code = -1;
  require_ok(wait_for_exit(child, &code));
  expect_eq(code, 0);
  return guest_failures();
}
