// How a process begins: as a static PIE and as an executable with a fixed address.
#include "guests/lib/guest.h"

using namespace guest;

CHILD_IMAGE(startup_child);
CHILD_IMAGE(startup_child_fixed);

namespace {

void start(const char* image, size_t size) {
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  const char* arguments[] = {"startup_child", "", "two words", "\xc3\xa9t\xc3\xa9", nullptr};
  const char* environment[] = {"NAME=value", "EMPTY=", nullptr};
  const SpawnHandle given = {PA_HND(PA_USER1, 7), duplicate(event).release()};
  const SpawnRequest request = {
      .name = "startup_child",
      .image = image,
      .image_size = size,
      .arguments = arguments,
      .environment = environment,
      .handles = &given,
      .handle_count = 1,
  };
  Handle process;
  int64_t code = -1;
  require_ok(spawn(&request, process.out()));
  expect_ok(wait_for_exit(process, &code));
  expect_eq(code, 0);
  expect_eq(signals_of(event), ZX_EVENT_SIGNALED);
}

TEST("a static PIE begins with its arguments, environment, handles and memory") {
  start(CHILD_BYTES(startup_child), CHILD_SIZE(startup_child));
}

TEST("an executable with a fixed address begins likewise") {
  start(CHILD_BYTES(startup_child_fixed), CHILD_SIZE(startup_child_fixed));
}

TEST("something that is no executable does not start") {
  const char text[64] = "this is no ELF image, and nobody should think so";
  const SpawnRequest request = {.name = "nothing", .image = text, .image_size = sizeof text};
  zx_handle_t process = ZX_HANDLE_INVALID;
  expect_status(spawn(&request, &process), ZX_ERR_INVALID_ARGS);
}

}  // namespace
