/* A launcher in user space, after the program loading that Fuchsia documents: segments, vDSO, stack, start-up message.
 *
 * Not done: dynamic linking, PT_GNU_STACK sizes, segments that share a page. Our own programs need none of these. */
#include "guests/lib/spawn.h"

#include <stdbool.h>

#include "guests/lib/elf.h"
#include "guests/lib/memory.h"
#include "guests/lib/print.h"
#include "guests/lib/process.h"
#include "guests/lib/thread.h"

enum { kPage = 4096, kStackSize = 256 * 1024, kMessageMax = 4096, kHandlesMax = 16 };

/* Passes a failure on. */
#define TRY(expression)                           \
  do {                                            \
    zx_status_t try_status_ = (expression);       \
    if (try_status_ != ZX_OK) return try_status_; \
  } while (0)

static uint64_t page_down(uint64_t value) { return value & ~(uint64_t)(kPage - 1); }
static uint64_t page_up(uint64_t value) { return page_down(value + kPage - 1); }

static zx_vm_option_t permissions(const Elf64_Phdr* segment) {
  return ((segment->p_flags & PF_R) != 0 ? ZX_VM_PERM_READ : 0) |
         ((segment->p_flags & PF_W) != 0 ? ZX_VM_PERM_WRITE : 0) |
         ((segment->p_flags & PF_X) != 0 ? ZX_VM_PERM_EXECUTE : 0);
}

/* A VMO with the image's first `size` bytes (what the segments need) that may be mapped executable. */
static zx_status_t make_code_vmo(const struct SpawnRequest* request, uint64_t size, zx_handle_t* out) {
  TRY(zx_vmo_create(size, 0, out));
  TRY(zx_vmo_write(*out, request->image, 0, size));
  TRY(zx_object_set_property(*out, ZX_PROP_NAME, request->name, strlen(request->name)));
  zx_handle_t plain = *out;
  *out = ZX_HANDLE_INVALID;
  return zx_vmo_replace_as_executable(plain, ZX_HANDLE_INVALID, out);
}

/* What a segment is mapped from: the image itself, or, when it can be written, a copy with the rest zero. */
static zx_status_t map_segment(const struct SpawnRequest* request, zx_handle_t region, zx_handle_t code,
                               uint64_t region_start, const Elf64_Phdr* segment) {
  const uint64_t start = page_down(segment->p_vaddr), lead = segment->p_vaddr - start;
  const uint64_t size = page_up(lead + segment->p_memsz);
  const zx_vm_option_t options = permissions(segment) | ZX_VM_SPECIFIC;
  zx_vaddr_t mapped = 0;
  if ((segment->p_flags & PF_W) == 0) {
    return zx_vmar_map(region, options, start - region_start, code, page_down(segment->p_offset), size, &mapped);
  }
  zx_handle_t data = ZX_HANDLE_INVALID;
  TRY(zx_vmo_create(size, 0, &data));
  zx_status_t status = ZX_OK;
  if (segment->p_filesz > 0) {
    status = zx_vmo_write(data, (const char*)request->image + segment->p_offset, lead, segment->p_filesz);
  }
  if (status == ZX_OK) status = zx_vmar_map(region, options, start - region_start, data, 0, size, &mapped);
  zx_handle_close(data);
  return status;
}

/* Maps the program into `vmar`; `*entry` is where it begins. */
static zx_status_t load(const struct SpawnRequest* request, zx_handle_t vmar, zx_vaddr_t* entry) {
  const Elf64_Ehdr* header = request->image;
  const Elf64_Phdr* segments = (const Elf64_Phdr*)((const char*)request->image + header->e_phoff);
  if (request->image_size < sizeof *header || memcmp(header->e_ident,
                                                     "\x7f"
                                                     "ELF",
                                                     4) != 0)
    return ZX_ERR_INVALID_ARGS;
  uint64_t low = UINT64_MAX, high = 0, file_end = 0;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type == PT_INTERP) return ZX_ERR_NOT_SUPPORTED;
    if (segments[i].p_type != PT_LOAD) continue;
    if (segments[i].p_offset + segments[i].p_filesz > file_end) file_end = segments[i].p_offset + segments[i].p_filesz;
    if (page_down(segments[i].p_vaddr) < low) low = page_down(segments[i].p_vaddr);
    if (page_up(segments[i].p_vaddr + segments[i].p_memsz) > high) {
      high = page_up(segments[i].p_vaddr + segments[i].p_memsz);
    }
  }
  if (low >= high || file_end > request->image_size) return ZX_ERR_INVALID_ARGS;

  zx_vm_option_t options = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC;
  size_t offset = 0;
  if (header->e_type == ET_EXEC) {
    zx_info_vmar_t info;
    TRY(zx_object_get_info(vmar, ZX_INFO_VMAR, &info, sizeof info, NULL, NULL));
    options |= ZX_VM_SPECIFIC;
    offset = low - info.base;
  }
  zx_handle_t region = ZX_HANDLE_INVALID, code = ZX_HANDLE_INVALID;
  zx_vaddr_t base = 0;
  TRY(zx_vmar_allocate(vmar, options, offset, high - low, &region, &base));
  zx_status_t status = make_code_vmo(request, file_end, &code);
  for (int i = 0; i < header->e_phnum && status == ZX_OK; ++i) {
    if (segments[i].p_type == PT_LOAD) status = map_segment(request, region, code, low, &segments[i]);
  }
  *entry = base + (header->e_entry - low);
  zx_handle_close(code);
  zx_handle_close(region); /* What is mapped stays. */
  return status;
}

/* The vDSO goes into the child as it lies in our own memory: two segments side by side. */
static zx_status_t map_vdso(zx_handle_t vmar, zx_vaddr_t* base) {
  const Elf64_Ehdr* header = (const Elf64_Ehdr*)guest_vdso_base();
  const Elf64_Phdr* segments = (const Elf64_Phdr*)(guest_vdso_base() + header->e_phoff);
  uint64_t high = 0;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type == PT_LOAD) high = page_up(segments[i].p_vaddr + segments[i].p_memsz);
  }
  zx_handle_t region = ZX_HANDLE_INVALID;
  TRY(zx_vmar_allocate(vmar, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC, 0, high, &region,
                       base));
  zx_status_t status = ZX_OK;
  for (int i = 0; i < header->e_phnum && status == ZX_OK; ++i) {
    if (segments[i].p_type != PT_LOAD) continue;
    zx_vaddr_t mapped = 0;
    status = zx_vmar_map(region, permissions(&segments[i]) | ZX_VM_SPECIFIC, segments[i].p_vaddr, guest_vdso_vmo(),
                         segments[i].p_offset, page_up(segments[i].p_memsz), &mapped);
  }
  zx_handle_close(region);
  return status;
}

static zx_status_t map_stack(zx_handle_t vmar, zx_vaddr_t* top) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  zx_vaddr_t base = 0;
  TRY(zx_vmo_create(kStackSize, 0, &vmo));
  zx_object_set_property(vmo, ZX_PROP_NAME, "stack", 5);
  zx_status_t status = zx_vmar_map(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, kStackSize, &base);
  zx_handle_close(vmo);
  *top = base + kStackSize;
  return status;
}

/* The start-up message as it grows: strings in one buffer, handles with their info words. */
struct Message {
  char strings[kMessageMax];
  uint32_t size;
  uint32_t infos[kHandlesMax];
  zx_handle_t handles[kHandlesMax];
  uint32_t handle_count;
};

static bool add_string(struct Message* message, const char* text) {
  const size_t size = strlen(text) + 1;
  if (size > kMessageMax - message->size) return false;
  memcpy(message->strings + message->size, text, size);
  message->size += (uint32_t)size;
  return true;
}

static zx_status_t add_strings(struct Message* message, const char* const* list, uint32_t* count) {
  for (*count = 0; list != NULL && list[*count] != NULL; ++*count) {
    if (!add_string(message, list[*count])) return ZX_ERR_BUFFER_TOO_SMALL;
  }
  return ZX_OK;
}

static zx_status_t add_duplicate(struct Message* message, uint32_t info, zx_handle_t handle) {
  if (handle == ZX_HANDLE_INVALID) return ZX_OK;
  if (message->handle_count == kHandlesMax) return ZX_ERR_BUFFER_TOO_SMALL;
  TRY(zx_handle_duplicate(handle, ZX_RIGHT_SAME_RIGHTS, &message->handles[message->handle_count]));
  message->infos[message->handle_count++] = info;
  return ZX_OK;
}

static zx_status_t send_message(const struct SpawnRequest* request, struct Message* message, zx_handle_t channel) {
  struct {
    zx_proc_args_t header;
    uint32_t infos[kHandlesMax];
    char strings[kMessageMax];
  } out;
  const char* const name_alone[] = {request->name, NULL};
  uint32_t argument_count = 0, environment_count = 0;
  TRY(add_strings(message, request->arguments != NULL ? request->arguments : name_alone, &argument_count));
  const uint32_t environment_start = message->size;
  TRY(add_strings(message, request->environment, &environment_count));

  const uint32_t strings_offset = (uint32_t)((char*)out.strings - (char*)&out);
  out.header = (zx_proc_args_t){
      .protocol = ZX_PROCARGS_PROTOCOL,
      .version = ZX_PROCARGS_VERSION,
      .handle_info_off = sizeof out.header,
      .args_off = strings_offset,
      .args_num = argument_count,
      .environ_off = strings_offset + environment_start,
      .environ_num = environment_count,
  };
  memcpy(out.infos, message->infos, sizeof out.infos);
  memcpy(out.strings, message->strings, message->size);
  const uint32_t handle_count = message->handle_count;
  message->handle_count = 0; /* The write takes them, also when it fails. */
  return zx_channel_write(channel, 0, &out, strings_offset + message->size, message->handles, handle_count);
}

static zx_status_t start(const struct SpawnRequest* request, struct Message* message, zx_handle_t process,
                         zx_handle_t vmar) {
  zx_vaddr_t entry = 0, vdso = 0, stack_top = 0;
  TRY(load(request, vmar, &entry));
  TRY(map_vdso(vmar, &vdso));
  TRY(map_stack(vmar, &stack_top));

  static const char kThreadName[] = "initial-thread";
  zx_handle_t thread = ZX_HANDLE_INVALID, ours = ZX_HANDLE_INVALID, theirs = ZX_HANDLE_INVALID;
  TRY(zx_thread_create(process, kThreadName, sizeof kThreadName - 1, 0, &thread));
  zx_status_t status = add_duplicate(message, PA_PROC_SELF, process);
  if (status == ZX_OK) status = add_duplicate(message, PA_THREAD_SELF, thread);
  if (status == ZX_OK) status = add_duplicate(message, PA_VMAR_ROOT, vmar);
  if (status == ZX_OK) status = add_duplicate(message, PA_VMO_VDSO, guest_vdso_vmo());
  if (status == ZX_OK) status = add_duplicate(message, PA_HND(PA_FD, 0x8000), print_log());
  if (status == ZX_OK) {
    status =
        add_duplicate(message, PA_JOB_DEFAULT, request->job != ZX_HANDLE_INVALID ? request->job : zx_job_default());
  }
  if (status == ZX_OK) status = zx_channel_create(0, &ours, &theirs);
  if (status == ZX_OK) status = send_message(request, message, ours);
  if (status == ZX_OK) {
    status = zx_process_start(process, thread, entry, initial_stack_pointer(stack_top), theirs, vdso);
    theirs = ZX_HANDLE_INVALID; /* Taken in any case. */
  }
  zx_handle_close(theirs);
  zx_handle_close(ours);
  zx_handle_close(thread);
  return status;
}

zx_status_t spawn(const struct SpawnRequest* request, zx_handle_t* process) {
  struct Message message = {.size = 0};
  for (size_t i = 0; i < request->handle_count; ++i) {
    message.handles[message.handle_count] = request->handles[i].handle;
    message.infos[message.handle_count++] = request->handles[i].info;
  }
  zx_handle_t vmar = ZX_HANDLE_INVALID;
  *process = ZX_HANDLE_INVALID;
  zx_status_t status = zx_process_create(request->job != ZX_HANDLE_INVALID ? request->job : zx_job_default(),
                                         request->name, strlen(request->name), request->options, process, &vmar);
  if (status == ZX_OK) {
    status = start(request, &message, *process, vmar);
    zx_handle_close(vmar);
  }
  zx_handle_close_many(message.handles, message.handle_count);
  if (status != ZX_OK) {
    zx_handle_close(*process);
    *process = ZX_HANDLE_INVALID;
  }
  return status;
}

zx_status_t wait_for_exit(zx_handle_t process, int64_t* return_code) {
  zx_info_process_t info;
  TRY(zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL));
  TRY(zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof info, NULL, NULL));
  *return_code = info.return_code;
  return ZX_OK;
}
