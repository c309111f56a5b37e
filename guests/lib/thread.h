/* Threads with a stack of their own (and a guard page below it) and a way to wait for their end.
 *
 * The struct belongs to whoever starts the thread, and stays where it is until thread_join(). */
#pragma once

#include "guests/lib/zircon.h"

#ifdef __cplusplus
extern "C" {
#endif

struct Thread {
  zx_handle_t handle;
  zx_handle_t stack_region;
  void (*run)(void* argument);
  void* argument;
};

enum { kThreadStackSize = 64 * 1024 };

/* Makes a thread without starting it; `stack_top` is what thread_start() would give it. */
zx_status_t thread_create(struct Thread* thread, const char* name, zx_vaddr_t* stack_top);
zx_status_t thread_start(struct Thread* thread, const char* name, void (*run)(void* argument), void* argument);

/* Waits for the thread's end and frees what it had. */
zx_status_t thread_join(struct Thread* thread);

/* What the ABI of the architecture wants in the stack pointer when a thread begins. */
zx_vaddr_t initial_stack_pointer(zx_vaddr_t stack_top);

#ifdef __cplusplus
}
#endif
