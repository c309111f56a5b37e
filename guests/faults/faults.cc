// Programs that fault: each way of dying ends the process by an exception, and only that process.
#include "guests/lib/guest.h"

using namespace guest;

CHILD_IMAGE(crasher);

namespace {

int64_t fate(const char* way) {
  const char* arguments[] = {"crasher", way, nullptr};
  const SpawnRequest request = {
      .name = "crasher",
      .image = CHILD_BYTES(crasher),
      .image_size = CHILD_SIZE(crasher),
      .arguments = arguments,
  };
  Handle process;
  int64_t code = 0;
  require_ok(spawn(&request, process.out()));
  expect_ok(wait_for_exit(process, &code));
  return code;
}

#define DIES(way) \
  TEST("a process dies of " way) { expect_eq(fate(way), ZX_TASK_RETCODE_EXCEPTION_KILL); }

// One line each: the line number names the test.
DIES("null-read")
DIES("null-write")
DIES("null-call")
DIES("read-only-write")
DIES("code-write")
DIES("stack-execute")
DIES("unmapped-read")
DIES("kernel-read")
DIES("non-canonical-read")
DIES("crossing-read")
DIES("undefined")
DIES("breakpoint")
DIES("privileged")
DIES("stack-overflow")
DIES("bad-stack")
DIES("in-thread")
DIES("trap")
#if defined(__x86_64__)
DIES("divide")
DIES("divide-overflow")
#else
DIES("crooked-jump")
#endif

TEST("nobody dies of an unknown way") { expect_eq(fate("boredom"), 2); }

}  // namespace
