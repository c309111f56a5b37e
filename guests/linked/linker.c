// A dynamic linker of our own, as small as one can be: what PT_INTERP of the programs beside it names. It stands in for
// that of an SDK where there is none, so that all that a real one meets on its way is tested: its own region and first
// message, the loader service, the executable as a VMO, the second message left for the program, and the list for
// debuggers of what is loaded.
//
// It maps the program, which needs no symbol of anybody, and jumps into it on a stack of its own making. What it finds
// wrong it says, and returns 127 as the real one does.
//
// Not done: symbols, libraries that are linked, threads' variables.
#include "guests/lib/memory.h"
#include "guests/lib/print.h"
#include "guests/lib/process.h"
#include "guests/linked/load.h"

enum { kStackSize = 256 * 1024 };

/* The bootstrap channel stays open: the program's message waits in it (guests/lib/start.c). */
const char guest_keeps_bootstrap = 1;

static struct Linked linked;

static void need_status(const char* what, zx_status_t status, zx_status_t wanted) {
  if (status != wanted) fail(what, status);
}

int main(void) {
  zx_handle_t executable = zx_take_startup_handle(PA_VMO_EXECUTABLE);
  zx_handle_t loader = zx_take_startup_handle(PA_LDSVC_LOADER);
  zx_handle_t region = zx_take_startup_handle(PA_VMAR_LOADED);
  if (executable == ZX_HANDLE_INVALID || loader == ZX_HANDLE_INVALID || region == ZX_HANDLE_INVALID)
    fail("the first message lacks a handle", ZX_ERR_NOT_FOUND);

  zx_info_vmar_t own, root;
  need("own region", zx_object_get_info(region, ZX_INFO_VMAR, &own, sizeof own, NULL, NULL));
  need("root region", zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &root, sizeof root, NULL, NULL));
  if ((uintptr_t)&main - own.base >= own.len) fail("this is not the region", ZX_ERR_OUT_OF_RANGE);
  if (own.base < (root.base + root.len) / 2) fail("the lower half is not free", ZX_ERR_OUT_OF_RANGE);

  zx_handle_t library = ZX_HANDLE_INVALID;
  need("load a library", load_object(loader, "linked", &library));
  zx_vaddr_t at = 0;
  need("map it to run",
       zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, library, 0, kPage, &at));
  if (memcmp((const char*)at,
             "\x7f"
             "ELF",
             4) != 0)
    fail("it is none", ZX_ERR_IO_DATA_INTEGRITY);
  need_status("it is not to be written", zx_vmo_write(library, "x", 0, 1), ZX_ERR_ACCESS_DENIED);
  need_status("what is not there", load_object(loader, "libnone.so", &library), ZX_ERR_NOT_FOUND);
  need_status("what leads out", load_object(loader, "../linked", &library), ZX_ERR_INVALID_ARGS);

  linked.loader = loader;
  uintptr_t entry = map_file(executable, &linked.program);
  linked.self.address = own.base;
  linked.self.name = "linker";
  linked.vdso.address = guest_vdso_base();
  linked.vdso.name = "libzircon.so";
  linked.debug.version = 1;
  linked.program.name = "";
  append(&linked, &linked.program);
  append(&linked, &linked.self);
  append(&linked, &linked.vdso);
  linked.debug.linker = own.base;
  uint64_t address = (uintptr_t)&linked;
  need("say what is loaded", zx_object_set_property(zx_process_self(), ZX_PROP_PROCESS_DEBUG_ADDR, &address, 8));
  tell_debugger();
  zx_handle_t stack = ZX_HANDLE_INVALID;
  need("make a stack", zx_vmo_create(kStackSize, 0, &stack));
  need("map it", zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, stack, 0, kStackSize, &at));
  zx_handle_close(stack);
  uintptr_t top = at + kStackSize;
#ifdef __x86_64__
  __asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; jmp *%1" ::"r"(top - 8), "r"(entry), "D"(guest_bootstrap()),
                   "S"(guest_vdso_base()));
#else
  register uint64_t x0 __asm__("x0") = guest_bootstrap();
  register uint64_t x1 __asm__("x1") = guest_vdso_base();
  __asm__ volatile("mov sp, %0; br %1" ::"r"(top), "r"(entry), "r"(x0), "r"(x1));
#endif
  __builtin_unreachable();
}
