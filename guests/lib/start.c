/* From the first instruction to main(): relocations, the vDSO, the start-up message, constructors.
 *
 * The message (zircon/processargs.h): a header, one info word per handle, and three tables of NUL-terminated strings
 * (arguments, environment, names of the namespace). A malformed one means a broken launcher: the program stops. */
#include <stdbool.h>

#include "guests/lib/link.h"
#include "guests/lib/print.h"
#include "guests/lib/process.h"

int main(int argc, char** argv, char** envp);

enum { kMaxStrings = 4096 };

static _Alignas(8) char message[ZX_CHANNEL_MAX_MSG_BYTES];
static char* strings[kMaxStrings];
static zx_handle_t handles[ZX_CHANNEL_MAX_MSG_HANDLES];
static uint32_t handle_infos[ZX_CHANNEL_MAX_MSG_HANDLES];
static uint32_t handle_count;

static zx_handle_t process_self, thread_self, vmar_root_self, job_default, vdso_vmo;
static uintptr_t vdso_base;

/* The thread's own handle is the initial thread's, whichever thread asks: threads here have no block of their own. */
zx_handle_t zx_process_self(void) { return process_self; }
zx_handle_t zx_thread_self(void) { return thread_self; }
zx_handle_t zx_vmar_root_self(void) { return vmar_root_self; }
zx_handle_t zx_job_default(void) { return job_default; }

zx_handle_t _zx_process_self(void) __attribute__((alias("zx_process_self")));
zx_handle_t _zx_thread_self(void) __attribute__((alias("zx_thread_self")));
zx_handle_t _zx_vmar_root_self(void) __attribute__((alias("zx_vmar_root_self")));
zx_handle_t _zx_job_default(void) __attribute__((alias("zx_job_default")));
uintptr_t guest_vdso_base(void) { return vdso_base; }
/* A dynamic linker leaves the channel to the program that it starts. */
extern const char guest_keeps_bootstrap __attribute__((weak, visibility("hidden")));
static zx_handle_t bootstrap_channel;
zx_handle_t guest_bootstrap(void) { return bootstrap_channel; }
zx_handle_t guest_vdso_vmo(void) { return vdso_vmo; }

zx_handle_t zx_take_startup_handle(uint32_t info) {
  for (uint32_t i = 0; i < handle_count; ++i) {
    if (handles[i] == ZX_HANDLE_INVALID || handle_infos[i] != info) continue;
    zx_handle_t handle = handles[i];
    handles[i] = ZX_HANDLE_INVALID;
    return handle;
  }
  return ZX_HANDLE_INVALID;
}

void guest_exit(int64_t code) {
  print_flush();
  zx_process_exit(code);
  __builtin_trap();
}

static void require(bool condition) {
  if (!condition) __builtin_trap();
}

/* Puts pointers to `count` strings at `out`, ended by a null. Returns the place behind it. */
static char** split(uint32_t offset, uint32_t count, uint32_t size, char** out) {
  if (count > 0) require(offset >= sizeof(zx_proc_args_t) && offset <= size);
  for (uint32_t i = 0; i < count; ++i) {
    require(out < strings + kMaxStrings - 1);
    *out++ = message + offset;
    while (offset < size && message[offset] != '\0') ++offset;
    require(offset < size);
    ++offset;
  }
  *out++ = NULL;
  return out;
}

static bool is_log(zx_handle_t handle) {
  zx_info_handle_basic_t info;
  return zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL) == ZX_OK &&
         info.type == ZX_OBJ_TYPE_LOG;
}

/* Finds the handles that the library itself uses; all others wait for zx_take_startup_handle(). */
static void sort_handles(void) {
  process_self = zx_take_startup_handle(PA_PROC_SELF);
  thread_self = zx_take_startup_handle(PA_THREAD_SELF);
  vmar_root_self = zx_take_startup_handle(PA_VMAR_ROOT);
  job_default = zx_take_startup_handle(PA_JOB_DEFAULT);
  vdso_vmo = zx_take_startup_handle(PA_VMO_VDSO);
  for (uint32_t i = 0; i < handle_count; ++i) {
    if (PA_HND_TYPE(handle_infos[i]) == PA_FD && is_log(handles[i])) print_to_log(handles[i]);
  }
}

typedef void (*Constructor)(void);
extern const Constructor __init_array_start[] __attribute__((weak, visibility("hidden")));
extern const Constructor __init_array_end[] __attribute__((weak, visibility("hidden")));

/* Called by _start with what the kernel put into the two argument registers. */
__attribute__((noreturn)) void guest_start(zx_handle_t bootstrap, uintptr_t vdso) {
  guest_relocate();
  guest_link_vdso(vdso);
  vdso_base = vdso;

  uint32_t size = 0;
  require(zx_channel_read(bootstrap, 0, message, handles, sizeof message, ZX_CHANNEL_MAX_MSG_HANDLES, &size,
                          &handle_count) == ZX_OK);
  if (&guest_keeps_bootstrap != NULL) {
    bootstrap_channel = bootstrap;
  } else {
    zx_handle_close(bootstrap);
  }

  const zx_proc_args_t* header = (const zx_proc_args_t*)message;
  require(size >= sizeof *header && header->protocol == ZX_PROCARGS_PROTOCOL && header->version == ZX_PROCARGS_VERSION);
  require(header->handle_info_off >= sizeof *header && header->handle_info_off % 4 == 0 &&
          header->handle_info_off <= size && (size - header->handle_info_off) / 4 >= handle_count);
  for (uint32_t i = 0; i < handle_count; ++i) {
    handle_infos[i] = ((const uint32_t*)(message + header->handle_info_off))[i];
  }
  char** argv = strings;
  char** envp = split(header->args_off, header->args_num, size, argv);
  split(header->environ_off, header->environ_num, size, envp);

  sort_handles();
  for (const Constructor* each = __init_array_start; each != __init_array_end; ++each) (*each)();
  guest_exit(main((int)header->args_num, argv, envp));
}
