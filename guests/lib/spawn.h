/* A small launcher: makes a process out of an ELF image in memory and starts it, as Fuchsia's does.
 *
 * Takes static PIEs and executables with a fixed address; no dynamic linking. */
#pragma once

#include "guests/lib/zircon.h"

#ifdef __cplusplus
extern "C" {
#endif

struct SpawnHandle {
  uint32_t info; /* PA_HND(type, argument) */
  zx_handle_t handle;
};

struct SpawnRequest {
  const char* name;
  const void* image;
  size_t image_size;
  zx_handle_t job;                /* ZX_HANDLE_INVALID: one's own default job */
  const char* const* arguments;   /* Ended by a null; no list at all: the name alone */
  const char* const* environment; /* Ended by a null; no list at all: none */
  /* Handles for the child beside what every program gets; given away, whatever comes of it. */
  const struct SpawnHandle* handles;
  size_t handle_count;
  uint32_t options; /* Of zx_process_create */
};

zx_status_t spawn(const struct SpawnRequest* request, zx_handle_t* process);

/* The executable of a program that meson.build embeds ('children'). */
#define CHILD_IMAGE(program)                   \
  extern const char child_##program##_begin[]; \
  extern const char child_##program##_end[]
#define CHILD_BYTES(program) child_##program##_begin
#define CHILD_SIZE(program) ((size_t)(child_##program##_end - child_##program##_begin))

/* Waits for a process to end; what it returned, as ZX_INFO_PROCESS has it. */
zx_status_t wait_for_exit(zx_handle_t process, int64_t* return_code);

#ifdef __cplusplus
}
#endif
