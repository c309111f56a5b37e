// How files come into a process, for the linker and for programs that load more of them later (load.h).
#include "guests/linked/load.h"

#include "guests/lib/elf.h"
#include "guests/lib/memory.h"
#include "guests/lib/print.h"
#include "guests/lib/process.h"

enum { kFailed = 127 };

void fail(const char* what, zx_status_t status) {
  print("linker: %s: %d\n", what, status);
  guest_exit(kFailed);
}

void need(const char* what, zx_status_t status) {
  if (status != ZX_OK) fail(what, status);
}

/* fuchsia.ldsvc.Loader.LoadObject: a string in, a status and a VMO out. */
zx_status_t load_object(zx_handle_t loader, const char* name, zx_handle_t* vmo) {
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

uintptr_t map_file(zx_handle_t file, struct LinkMap* entry) {
  static _Alignas(8) char head[kPage];
  need("read a file", zx_vmo_read(file, head, 0, sizeof head));
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)head;
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(head + header->e_phoff);
  uint64_t high = 0;
  for (int i = 0; i < header->e_phnum; ++i)
    if (segments[i].p_type == PT_LOAD) high = page_up(segments[i].p_vaddr + segments[i].p_memsz);
  zx_handle_t region = ZX_HANDLE_INVALID;
  zx_vaddr_t base = 0, at = 0;
  need("find a place",
       zx_vmar_allocate(zx_vmar_root_self(),
                        ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                        high, &region, &base));
  for (int i = 0; i < header->e_phnum; ++i) {
    const Elf64_Phdr* segment = &segments[i];
    if (segment->p_type == PT_DYNAMIC) entry->dynamic = base + segment->p_vaddr;
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
  entry->address = base;
  return base + header->e_entry;
}

void append(struct Linked* linked, struct LinkMap* entry) {
  struct LinkMap** end = &linked->debug.first;
  entry->previous = NULL;
  while (*end != NULL) {
    entry->previous = *end;
    end = &(*end)->next;
  }
  *end = entry;
}

/* Nobody inside has ever asked for the trap: that is left out. */
void tell_debugger(void) {
  uint64_t trap = 0;
  need("ask about a debugger", zx_object_get_property(zx_process_self(), ZX_PROP_PROCESS_BREAK_ON_LOAD, &trap, 8));
  if (trap != 0) fail("traps for debuggers are left out", ZX_ERR_NOT_SUPPORTED);
}
