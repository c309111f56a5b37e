// Other processes: made by fdio_spawn() through the process launcher, with streams, a namespace and handles.
#include <fcntl.h>
#include <lib/fdio/spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "guests/sdk/claims.h"

static int64_t wait_for(zx_handle_t process) {
  zx_signals_t seen;
  zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, &seen);
  zx_info_process_t info = {0};
  zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof info, NULL, NULL);
  zx_handle_close(process);
  return info.return_code;
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "child") == 0) {
    printf("# child says %s\n", argv[2]);
    int fd = open("/pkg/spawn", O_RDONLY);
    zx_handle_t given = zx_take_startup_handle(PA_HND(PA_USER0, 3));
    if (given != ZX_HANDLE_INVALID) zx_object_signal(given, 0, ZX_USER_SIGNAL_3);
    const char* value = getenv("CHILD");
    return (fd >= 0 ? 10 : 0) + (given != ZX_HANDLE_INVALID ? 5 : 0) + (value != NULL ? 1 : 0);
  }
  const char* path = "/pkg/spawn";
  const char* arguments[] = {"spawn", "child", "hello", NULL};
  zx_handle_t process = ZX_HANDLE_INVALID;
  zx_status_t status = fdio_spawn(ZX_HANDLE_INVALID, FDIO_SPAWN_CLONE_ALL, path, arguments, &process);
  CLAIM("a program starts another", status == ZX_OK);
  if (status != ZX_OK) printf("# %s\n", zx_status_get_string(status));
  fflush(stdout);
  int64_t code = status == ZX_OK ? wait_for(process) : -1;
  CLAIM("which has its namespace", code == 10);

  zx_handle_t event, copy;
  zx_event_create(0, &event);
  zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy);
  fdio_spawn_action_t actions[] = {
      {.action = FDIO_SPAWN_ACTION_SET_NAME, .name = {.data = "named"}},
      {.action = FDIO_SPAWN_ACTION_CLONE_FD, .fd = {.local_fd = 1, .target_fd = 1}},
      {.action = FDIO_SPAWN_ACTION_ADD_HANDLE, .h = {.id = PA_HND(PA_USER0, 3), .handle = copy}},
  };
  const char* environment[] = {"CHILD=1", NULL};
  char error[FDIO_SPAWN_ERR_MSG_MAX_LENGTH] = "";
  status = fdio_spawn_etc(ZX_HANDLE_INVALID, FDIO_SPAWN_CLONE_JOB | FDIO_SPAWN_DEFAULT_LDSVC, path, arguments,
                          environment, sizeof actions / sizeof actions[0], actions, &process, error);
  CLAIM("with actions too", status == ZX_OK);
  if (status != ZX_OK) printf("# %s: %s\n", zx_status_get_string(status), error);
  char name[ZX_MAX_NAME_LEN] = "";
  if (status == ZX_OK) zx_object_get_property(process, ZX_PROP_NAME, name, sizeof name);
  CLAIM("under the name that was chosen", strcmp(name, "named") == 0);
  code = status == ZX_OK ? wait_for(process) : -1;
  CLAIM("with a handle and a variable", code == 6);
  zx_signals_t seen = 0;
  CLAIM("which came from us", zx_object_wait_one(event, ZX_USER_SIGNAL_3, 0, &seen) == ZX_OK);
  CLAIM("what is not there is not started",
        fdio_spawn(ZX_HANDLE_INVALID, FDIO_SPAWN_CLONE_ALL, "/pkg/none", arguments, &process) == ZX_ERR_NOT_FOUND);
  CLAIM("nor is what is no program",
        fdio_spawn(ZX_HANDLE_INVALID, FDIO_SPAWN_CLONE_ALL, "/pkg/claims.h", arguments, &process) != ZX_OK);
  return claims_end();
}
