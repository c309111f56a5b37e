// A dynamic linker of our own, as small as one can be: what PT_INTERP of the programs beside it names. It stands in for
// that of an SDK where there is none, so that all that a real one meets on its way is tested: its own region and first
// message, the loader service, the executable as a VMO, and the second message left for the program.
//
// It maps the program, which needs no symbol of anybody, and jumps into it on a stack of its own making. What it finds
// wrong it says, and returns 127 as the real one does.
//
// Not done: symbols, libraries that are linked, threads' variables.
#include <stdbool.h>

#include "guests/lib/elf.h"
#include "guests/lib/memory.h"
#include "guests/lib/print.h"
#include "guests/lib/process.h"

enum { kPage = 4096, kStackSize = 256 * 1024, kFailed = 127 };

/* The bootstrap channel stays open: the program's message waits in it (guests/lib/start.c). */
const char guest_keeps_bootstrap = 1;

static void fail(const char* what, zx_status_t status) {
  print("linker: %s: %d\n", what, status);
  guest_exit(kFailed);
}

static void need(const char* what, zx_status_t status) {
  if (status != ZX_OK) fail(what, status);
}

static void need_status(const char* what, zx_status_t status, zx_status_t wanted) {
  if (status != wanted) fail(what, status);
}

/* fuchsia.ldsvc.Loader.LoadObject: a string in, a status and a VMO out. */
static zx_status_t load_object(zx_handle_t loader, const char* name, zx_handle_t* vmo) {
  static struct {
    uint32_t txid;
    uint8_t flags[3], magic;
    uint64_t ordinal, size, presence;
    char text[64];
  } request;
  static struct {
    uint32_t txid, flags;
    uint64_t ordinal;
    int32_t status;
    uint32_t presence;
  } reply;
  memset(&request, 0, sizeof request);
  request.magic = 1;
  request.ordinal = 0x48c5a151d6df2853;
  request.size = strlen(name);
  request.presence = UINT64_MAX;
  memcpy(request.text, name, request.size);
  zx_channel_call_args_t call = {.wr_bytes = &request,
                                 .rd_bytes = &reply,
                                 .rd_handles = vmo,
                                 .wr_num_bytes = (uint32_t)(32 + (request.size + 7) / 8 * 8),
                                 .rd_num_bytes = sizeof reply,
                                 .rd_num_handles = 1};
  uint32_t bytes = 0, handles = 0;
  *vmo = ZX_HANDLE_INVALID;
  zx_status_t status = zx_channel_call(loader, 0, ZX_TIME_INFINITE, &call, &bytes, &handles);
  if (status != ZX_OK) return status;
  if (bytes != sizeof reply || reply.ordinal != request.ordinal) return ZX_ERR_BAD_STATE;
  if ((reply.status == ZX_OK) != (handles == 1)) return ZX_ERR_BAD_STATE;
  return reply.status;
}

static uint64_t page_down(uint64_t value) { return value & ~(uint64_t)(kPage - 1); }
static uint64_t page_up(uint64_t value) { return page_down(value + kPage - 1); }

/* A writable segment: a copy of the file's part, zeros behind it. */
static zx_handle_t copy_of(zx_handle_t file, const Elf64_Phdr* segment, uint64_t size) {
  static char bytes[kPage];
  zx_handle_t copy = ZX_HANDLE_INVALID;
  need("make a segment", zx_vmo_create(size, 0, &copy));
  uint64_t lead = segment->p_vaddr - page_down(segment->p_vaddr);
  for (uint64_t done = 0; done < segment->p_filesz;) {
    uint64_t part = segment->p_filesz - done < kPage ? segment->p_filesz - done : kPage;
    need("read a segment", zx_vmo_read(file, bytes, segment->p_offset + done, part));
    need("write a segment", zx_vmo_write(copy, bytes, lead + done, part));
    done += part;
  }
  return copy;
}

/* Where the program begins. */
static uintptr_t map_program(zx_handle_t file) {
  static _Alignas(8) char head[kPage];
  need("read the executable", zx_vmo_read(file, head, 0, sizeof head));
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)head;
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(head + header->e_phoff);
  uint64_t high = 0;
  for (int i = 0; i < header->e_phnum; ++i)
    if (segments[i].p_type == PT_LOAD) high = page_up(segments[i].p_vaddr + segments[i].p_memsz);
  zx_handle_t region = ZX_HANDLE_INVALID;
  zx_vaddr_t base = 0, at = 0;
  need("place the program",
       zx_vmar_allocate(zx_vmar_root_self(),
                        ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                        high, &region, &base));
  for (int i = 0; i < header->e_phnum; ++i) {
    const Elf64_Phdr* segment = &segments[i];
    if (segment->p_type != PT_LOAD) continue;
    uint64_t start = page_down(segment->p_vaddr);
    uint64_t size = page_up(segment->p_vaddr + segment->p_memsz) - start;
    zx_vm_option_t options = ZX_VM_SPECIFIC | ZX_VM_ALLOW_FAULTS | ZX_VM_PERM_READ;
    if ((segment->p_flags & PF_X) != 0) options |= ZX_VM_PERM_EXECUTE;
    if ((segment->p_flags & PF_W) != 0) {
      need("map data",
           zx_vmar_map(region, options | ZX_VM_PERM_WRITE, start, copy_of(file, segment, size), 0, size, &at));
    } else {
      need("map code", zx_vmar_map(region, options, start, file, page_down(segment->p_offset), size, &at));
    }
  }
  zx_handle_close(region);
  return base + header->e_entry;
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

  uintptr_t entry = map_program(executable);
  zx_handle_t stack = ZX_HANDLE_INVALID;
  need("make a stack", zx_vmo_create(kStackSize, 0, &stack));
  need("map it", zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, stack, 0, kStackSize, &at));
  zx_handle_close(stack);
  zx_handle_close(loader);
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
