// Small ELF files for tests: good ones, and the same with one thing wrong.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "emu/base/address.h"

namespace jacinth::kernel {

/// A header, program headers, and a page of contents per loadable segment.
class ElfBuilder {
 public:
  explicit ElfBuilder(Arch arch = Arch::kArm64, uint16_t type = ET_DYN) {
    std::memcpy(ehdr.e_ident, ELFMAG, SELFMAG);
    ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    ehdr.e_ident[EI_VERSION] = EV_CURRENT;
    ehdr.e_type = type;
    ehdr.e_machine = arch == Arch::kArm64 ? EM_AARCH64 : EM_X86_64;
    ehdr.e_version = EV_CURRENT;
    ehdr.e_phoff = sizeof ehdr;
    ehdr.e_ehsize = sizeof ehdr;
    ehdr.e_phentsize = sizeof(Elf64_Phdr);
  }

  /// A PT_LOAD whose file part is one page at the same offset as its address.
  Elf64_Phdr& load(uint64_t address, uint32_t flags, uint64_t file_size = kPageSize, uint64_t memory_size = 0) {
    phdrs.push_back({.p_type = PT_LOAD,
                     .p_flags = flags,
                     .p_offset = (phdrs.size() + 1) * 0x1000 + (address & kPageMask),
                     .p_vaddr = address,
                     .p_paddr = address,
                     .p_filesz = file_size,
                     .p_memsz = memory_size == 0 ? file_size : memory_size,
                     .p_align = kPageSize});
    return phdrs.back();
  }

  std::vector<std::byte> build() const {
    Elf64_Ehdr head = ehdr;
    if (head.e_phnum == 0) head.e_phnum = static_cast<uint16_t>(phdrs.size());
    std::vector<std::byte> file((phdrs.size() + 2) * 0x1000);
    std::memcpy(file.data(), &head, sizeof head);
    std::memcpy(file.data() + sizeof head, phdrs.data(), phdrs.size() * sizeof(Elf64_Phdr));
    for (size_t i = 0x1000; i < file.size(); ++i) file[i] = static_cast<std::byte>(i * 7);
    return file;
  }

  Elf64_Ehdr ehdr = {};
  std::vector<Elf64_Phdr> phdrs;
};

/// Text, data and zeroes: a good file.
inline ElfBuilder good_elf(Arch arch = Arch::kArm64) {
  ElfBuilder builder(arch);
  builder.load(0x0, PF_R);
  builder.load(0x1000, PF_R | PF_X);
  builder.load(0x3010, PF_R | PF_W, 0x800, 0x5000);
  builder.phdrs.push_back({.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_memsz = 0x20000});
  builder.ehdr.e_entry = 0x1000;
  return builder;
}

}  // namespace jacinth::kernel
