/* Exceptions of another process, each handled: `bench_fault ROUNDS`. The child makes as many bad system calls. */
#include <zircon/syscalls/exception.h>

#include "guests/bench/conversation.h"
#include "guests/bench/rounds.h"
#include "guests/lib/spawn.h"

CHILD_IMAGE(bench_fault_child);

int main(int argc, char** argv) {
  struct Side side;
  struct SpawnHandle given = {.info = kConversationChannel};
  require_ok(zx_channel_create(0, &side.channel, &given.handle));
  require_ok(zx_port_create(0, &side.port));
  struct SpawnRequest request = {.name = "fault-child",
                                 .image = CHILD_BYTES(bench_fault_child),
                                 .image_size = CHILD_SIZE(bench_fault_child),
                                 .handles = &given,
                                 .handle_count = 1};
  zx_handle_t child, exceptions;
  require_ok(spawn(&request, &child));
  require_ok(zx_task_create_exception_channel(child, 0, &exceptions));

  const uint64_t rounds = rounds_of(argc, argv);
  say(&side, rounds);
  for (uint64_t round = 0; round < rounds; ++round) {
    zx_exception_info_t info;
    zx_handle_t exception;
    require_ok(zx_object_wait_one(exceptions, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL));
    require_ok(zx_channel_read(exceptions, 0, &info, &exception, sizeof info, 1, NULL, NULL));
    const uint32_t handled = ZX_EXCEPTION_STATE_HANDLED;
    require_ok(zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &handled, sizeof handled));
    require_ok(zx_handle_close(exception));
  }
  int64_t code = -1;
  require_ok(wait_for_exit(child, &code));
  expect_eq(code, 0);
  return guest_failures();
}
