// A program with a dynamic linker: what a launcher gives it in its own message.
#include "guests/lib/expect.h"
#include "guests/lib/memory.h"
#include "guests/lib/process.h"

static zx_obj_type_t type_of(zx_handle_t handle) {
  zx_info_handle_basic_t info = {0};
  zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL);
  return info.type;
}

TEST("a program that a linker started has its process, thread, region and job") {
  expect_eq(type_of(zx_process_self()), ZX_OBJ_TYPE_PROCESS);
  expect_eq(type_of(zx_thread_self()), ZX_OBJ_TYPE_THREAD);
  expect_eq(type_of(zx_vmar_root_self()), ZX_OBJ_TYPE_VMAR);
  zx_info_handle_basic_t info = {0};
  require_ok(zx_object_get_info(zx_job_default(), ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL));
  expect_eq(info.type, ZX_OBJ_TYPE_JOB);
  expect_eq(info.rights, ZX_DEFAULT_JOB_RIGHTS);
}

TEST("its first stack came with its message, and its linker's region did not") {
  expect_eq(type_of(zx_take_startup_handle(PA_VMO_STACK)), ZX_OBJ_TYPE_VMO);
  expect_eq(zx_take_startup_handle(PA_VMAR_LOADED), ZX_HANDLE_INVALID);
  expect_eq(zx_take_startup_handle(PA_LDSVC_LOADER), ZX_HANDLE_INVALID);
}

TEST("the lower half of the address space is free again") {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  zx_info_vmar_t root;
  zx_vaddr_t at = 0;
  require_ok(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &root, sizeof root, NULL, NULL));
  require_ok(zx_vmo_create(4096, 0, &vmo));
  expect_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0x10000000, vmo, 0, 4096, &at));
}

TEST("the wall clock runs, and is not the program's to set") {
  zx_handle_t clock = zx_take_startup_handle(PA_HND(PA_CLOCK_UTC, 0));
  zx_time_t now = 0;
  require_ok(zx_clock_read(clock, &now));
  expect(now > 1577836800000000000);
  zx_info_handle_basic_t info = {0};
  require_ok(zx_object_get_info(clock, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL));
  expect_eq(info.rights & ZX_RIGHT_WRITE, 0);
}

TEST("directories answer, and close on what is no request") {
  zx_handle_t tmp = zx_take_startup_handle(PA_HND(PA_NS_DIR, 0));
  expect_eq(type_of(tmp), ZX_OBJ_TYPE_CHANNEL);
  struct {
    uint32_t txid;
    uint8_t flags[3], magic;
    uint64_t ordinal;
  } request = {.txid = 1, .magic = 1, .ordinal = 0x189d88326c18b519}; /* Sync */
  char reply[24] = {0};
  uint32_t bytes = 0, handles = 0;
  zx_channel_call_args_t call = {
      .wr_bytes = &request, .rd_bytes = reply, .wr_num_bytes = sizeof request, .rd_num_bytes = sizeof reply};
  expect_ok(zx_channel_call(tmp, 0, ZX_TIME_INFINITE, &call, &bytes, &handles));
  expect_eq(bytes, 24);
  request.ordinal = 99;
  expect_status(zx_channel_call(tmp, 0, ZX_TIME_INFINITE, &call, &bytes, &handles), ZX_ERR_PEER_CLOSED);
  zx_handle_t svc = zx_take_startup_handle(PA_HND(PA_NS_DIR, 1));
  expect_eq(type_of(svc), ZX_OBJ_TYPE_CHANNEL);
}
