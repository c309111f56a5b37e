// What startup.cc starts: checks what a process finds at its beginning.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

bool constructed = false;
struct Constructed {
  Constructed() { constructed = true; }
} global;

/// Needs a relocation: an address kept in memory.
const char* const words[] = {"zero", "one", "two"};
volatile int zero_at_start[5000];

void check_handle(const char* name, zx_handle_t handle, zx_obj_type_t type) {
  zx_info_handle_basic_t info = {};
  if (!expect_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, nullptr, nullptr))) {
    print("that was the %s\n", name);
  }
  expect_eq(info.type, type);
}

}  // namespace

int main(int argc, char** argv, char** envp) {
  expect_eq(argc, 4);
  require(argc == 4);
  expect_text(argv[0], "startup_child");
  expect_text(argv[1], "");
  expect_text(argv[2], "two words");
  expect_text(argv[3], "\xc3\xa9t\xc3\xa9");
  expect(argv[4] == nullptr);
  expect_text(envp[0], "NAME=value");
  expect_text(envp[1], "EMPTY=");
  expect(envp[2] == nullptr);

  check_handle("process", zx_process_self(), ZX_OBJ_TYPE_PROCESS);
  check_handle("thread", zx_thread_self(), ZX_OBJ_TYPE_THREAD);
  check_handle("root VMAR", zx_vmar_root_self(), ZX_OBJ_TYPE_VMAR);
  check_handle("job", zx_job_default(), ZX_OBJ_TYPE_JOB);
  check_handle("vDSO", guest_vdso_vmo(), ZX_OBJ_TYPE_VMO);
  Handle event(zx_take_startup_handle(PA_HND(PA_USER1, 7)));
  check_handle("event", event, ZX_OBJ_TYPE_EVENT);
  expect_eq(zx_take_startup_handle(PA_HND(PA_USER1, 7)), ZX_HANDLE_INVALID);
  expect_eq(zx_take_startup_handle(PA_HND(PA_USER1, 8)), ZX_HANDLE_INVALID);

  expect(constructed);
  expect_text(words[2], "two");
  for (volatile int& each : zero_at_start) {
    if (each != 0) expect_eq(each, 0);
  }
  expect_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  return guest_failures();
}
