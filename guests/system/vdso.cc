// The vDSO: the only door to the kernel.
#include "guests/lib/elf.h"
#include "guests/lib/guest.h"

using namespace guest;

CHILD_IMAGE(rogue);

namespace {

TEST("a system call from anywhere else kills the process") {
  const SpawnRequest request = {.name = "rogue", .image = CHILD_BYTES(rogue), .image_size = CHILD_SIZE(rogue)};
  Handle process;
  int64_t code = 0;
  require_ok(spawn(&request, process.out()));
  expect_ok(wait_for_exit(process, &code));
  expect(code == ZX_TASK_RETCODE_VDSO_KILL || code == ZX_TASK_RETCODE_EXCEPTION_KILL);
}

const Elf64_Ehdr* header() { return reinterpret_cast<const Elf64_Ehdr*>(guest_vdso_base()); }
const Elf64_Phdr* segment(int i) {
  return reinterpret_cast<const Elf64_Phdr*>(guest_vdso_base() + header()->e_phoff) + i;
}

TEST("the vDSO is an ELF library with one segment to read and one to execute") {
  expect_eq(header()->e_ident[0], 0x7f);
  expect_eq(header()->e_ident[1], 'E');
  expect_eq(header()->e_type, ET_DYN);
  int readable = 0, executable = 0;
  for (int i = 0; i < header()->e_phnum; ++i) {
    if (segment(i)->p_type != PT_LOAD) continue;
    readable += segment(i)->p_flags == PF_R;
    executable += segment(i)->p_flags == (PF_R | PF_X);
  }
  expect_eq(readable, 1);
  expect_eq(executable, 1);
}

TEST("a process that begins at the vDSO's entry point, with nothing but that and a stack, exits with 0") {
  Handle process, vmar, thread, region;
  require_ok(zx_process_create(zx_job_default(), "bare", 4, 0, process.out(), vmar.out()));
  zx_vaddr_t base = 0, mapped = 0;
  uint64_t size = 0;
  for (int i = 0; i < header()->e_phnum; ++i) {
    if (segment(i)->p_type == PT_LOAD) size = (segment(i)->p_vaddr + segment(i)->p_memsz + 4095) / 4096 * 4096;
  }
  require_ok(zx_vmar_allocate(vmar, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC, 0, size,
                              region.out(), &base));
  for (int i = 0; i < header()->e_phnum; ++i) {
    if (segment(i)->p_type != PT_LOAD) continue;
    const zx_vm_option_t execute = (segment(i)->p_flags & PF_X) != 0 ? ZX_VM_PERM_EXECUTE : 0;
    require_ok(zx_vmar_map(region, ZX_VM_PERM_READ | execute | ZX_VM_SPECIFIC, segment(i)->p_vaddr, guest_vdso_vmo(),
                           segment(i)->p_offset, (segment(i)->p_memsz + 4095) / 4096 * 4096, &mapped));
  }
  Handle stack = make_vmo(4096);
  require_ok(zx_vmar_map(vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, stack, 0, 4096, &mapped));
  require_ok(zx_thread_create(process, "t", 1, 0, thread.out()));
  expect_ok(zx_process_start(process, thread, base + header()->e_entry, initial_stack_pointer(mapped + 4096),
                             ZX_HANDLE_INVALID, 0));
  int64_t code = -1;
  expect_ok(wait_for_exit(process, &code));
  expect_eq(code, 0);
}

TEST("the vDSO's code cannot be unmapped, protected or mapped over") {
  for (int i = 0; i < header()->e_phnum; ++i) {
    if (segment(i)->p_type != PT_LOAD || (segment(i)->p_flags & PF_X) == 0) continue;
    const zx_vaddr_t code = guest_vdso_base() + segment(i)->p_vaddr;
    // By which status depends on the region it lies in.
    expect(zx_vmar_unmap(zx_vmar_root_self(), code, 4096) != ZX_OK);
    expect(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, code, 4096) != ZX_OK);
  }
  expect(zx_system_get_num_cpus() > 0);  // It still works.
}

}  // namespace
