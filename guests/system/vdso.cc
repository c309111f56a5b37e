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

TEST("the vDSO is an ELF library without a writable segment") {
  const Elf64_Ehdr* header = reinterpret_cast<const Elf64_Ehdr*>(guest_vdso_base());
  expect_eq(header->e_ident[0], 0x7f);
  expect_eq(header->e_ident[1], 'E');
  expect_eq(header->e_type, ET_DYN);
  const Elf64_Phdr* segments = reinterpret_cast<const Elf64_Phdr*>(guest_vdso_base() + header->e_phoff);
  int loads = 0;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type != PT_LOAD) continue;
    ++loads;
    expect_eq(segments[i].p_flags & PF_W, 0);
  }
  expect_eq(loads, 2);
}

TEST("the vDSO cannot be unmapped, protected or written over") {
  const zx_vaddr_t base = guest_vdso_base();
  expect_status(zx_vmar_unmap(zx_vmar_root_self(), base, 4096), ZX_ERR_ACCESS_DENIED);
  expect_status(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, base, 4096), ZX_ERR_ACCESS_DENIED);
}

}  // namespace
