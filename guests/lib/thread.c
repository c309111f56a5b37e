/* Threads: a region with a guard page and a stack, an entry that calls the run function, and the clean-up after it. */
#include "guests/lib/thread.h"

#include "guests/lib/memory.h"
#include "guests/lib/process.h"

enum { kPage = 4096 };

zx_vaddr_t initial_stack_pointer(zx_vaddr_t stack_top) {
#if defined(__x86_64__)
  return (stack_top & ~(zx_vaddr_t)15) - 8; /* As if a call had pushed its return address. */
#else
  return stack_top & ~(zx_vaddr_t)15;
#endif
}

static zx_status_t map_stack(struct Thread* thread, zx_vaddr_t* stack_top) {
  zx_vaddr_t base = 0, mapped = 0;
  zx_status_t status =
      zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                       kPage + kThreadStackSize, &thread->stack_region, &base);
  if (status != ZX_OK) return status;

  zx_handle_t vmo = ZX_HANDLE_INVALID;
  status = zx_vmo_create(kThreadStackSize, 0, &vmo);
  if (status == ZX_OK) {
    status = zx_vmar_map(thread->stack_region, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC, kPage, vmo, 0,
                         kThreadStackSize, &mapped);
    zx_handle_close(vmo); /* The mapping keeps it. */
  }
  *stack_top = mapped + kThreadStackSize;
  return status;
}

static void free_stack(struct Thread* thread) {
  if (thread->stack_region == ZX_HANDLE_INVALID) return;
  zx_vmar_destroy(thread->stack_region);
  zx_handle_close(thread->stack_region);
  thread->stack_region = ZX_HANDLE_INVALID;
}

zx_status_t thread_create(struct Thread* thread, const char* name, zx_vaddr_t* stack_top) {
  thread->handle = thread->stack_region = ZX_HANDLE_INVALID;
  zx_status_t status = map_stack(thread, stack_top);
  if (status == ZX_OK) status = zx_thread_create(zx_process_self(), name, strlen(name), 0, &thread->handle);
  if (status != ZX_OK) free_stack(thread);
  return status;
}

static void begin(struct Thread* thread) {
  thread->run(thread->argument);
  zx_thread_exit();
}

zx_status_t thread_start(struct Thread* thread, const char* name, void (*run)(void* argument), void* argument) {
  zx_vaddr_t stack_top = 0;
  zx_status_t status = thread_create(thread, name, &stack_top);
  if (status != ZX_OK) return status;

  thread->run = run;
  thread->argument = argument;
  status = zx_thread_start(thread->handle, (zx_vaddr_t)begin, initial_stack_pointer(stack_top), (uintptr_t)thread, 0);
  if (status != ZX_OK) {
    zx_handle_close(thread->handle);
    free_stack(thread);
  }
  return status;
}

zx_status_t thread_join(struct Thread* thread) {
  zx_status_t status = zx_object_wait_one(thread->handle, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, NULL);
  if (status != ZX_OK) return status;
  zx_handle_close(thread->handle);
  free_stack(thread);
  return ZX_OK;
}
