#include "kernel/boot/elf.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace jacinth::kernel {
namespace {

using Bad = std::unexpected<std::string>;

/// Beyond this no user address space reaches (arm64: 48 bits; the mapping itself checks more closely).
constexpr uint64_t kAddressLimit = uint64_t{1} << 48;

/// Longer names of a dynamic linker are nonsense (PATH_MAX).
constexpr uint64_t kMaxInterpreter = 4096;

template <class... Args>
Bad bad(fmt::format_string<Args...> format, Args&&... args) {
  return Bad(fmt::format(format, std::forward<Args>(args)...));
}

/// A structure at `offset`; the caller checked that it is inside.
template <class T>
T at(std::span<const std::byte> file, uint64_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

bool inside(std::span<const std::byte> file, uint64_t offset, uint64_t size) {
  return size <= file.size() && offset <= file.size() - size;
}

std::expected<Elf64_Ehdr, std::string> header(std::span<const std::byte> file) {
  if (file.size() < EI_NIDENT || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
    return bad("not an ELF file ({})", file.empty() ? "it is empty" : "the magic number is missing");
  auto ident = [&](size_t index) { return std::to_integer<unsigned>(file[index]); };
  if (ident(EI_CLASS) != ELFCLASS64) return bad("ELF class {} instead of 2 (64-bit)", ident(EI_CLASS));
  if (ident(EI_DATA) != ELFDATA2LSB) return bad("ELF data encoding {} instead of 1 (little-endian)", ident(EI_DATA));
  if (ident(EI_VERSION) != EV_CURRENT) return bad("ELF version {} instead of 1", ident(EI_VERSION));
  if (file.size() < sizeof(Elf64_Ehdr))
    return bad("truncated: {} bytes, and the ELF header alone has {}", file.size(), sizeof(Elf64_Ehdr));
  return at<Elf64_Ehdr>(file, 0);
}

std::expected<Arch, std::string> machine(const Elf64_Ehdr& ehdr) {
  switch (ehdr.e_machine) {
    case EM_AARCH64: return Arch::kArm64;
    case EM_X86_64: return Arch::kX86_64;
    default: return bad("ELF machine {} is neither {} (arm64) nor {} (x86-64)", ehdr.e_machine, EM_AARCH64, EM_X86_64);
  }
}

std::expected<ElfSegment, std::string> load_segment(std::span<const std::byte> file, const Elf64_Phdr& phdr,
                                                    unsigned index) {
  if (phdr.p_filesz > phdr.p_memsz)
    return bad("program header {}: {:#x} bytes in the file do not fit its {:#x} bytes of memory", index, phdr.p_filesz,
               phdr.p_memsz);
  if (!inside(file, phdr.p_offset, phdr.p_filesz))
    return bad("program header {}: {:#x} bytes at offset {:#x} end past the file's {:#x}", index, phdr.p_filesz,
               phdr.p_offset, file.size());
  if (phdr.p_vaddr >= kAddressLimit || phdr.p_memsz > kAddressLimit - phdr.p_vaddr)
    return bad("program header {}: {:#x} bytes at address {:#x} do not fit the address space", index, phdr.p_memsz,
               phdr.p_vaddr);
  if ((phdr.p_offset & kPageMask) != (phdr.p_vaddr & kPageMask))
    return bad("program header {}: offset {:#x} and address {:#x} differ modulo the page size", index, phdr.p_offset,
               phdr.p_vaddr);
  if (phdr.p_align > 1 && !std::has_single_bit(phdr.p_align))
    return bad("program header {}: alignment {:#x} is not a power of two", index, phdr.p_align);
  return ElfSegment{.address = phdr.p_vaddr,
                    .memory_size = phdr.p_memsz,
                    .offset = phdr.p_offset,
                    .file_size = phdr.p_filesz,
                    .permissions = {.read = (phdr.p_flags & PF_R) != 0,
                                    .write = (phdr.p_flags & PF_W) != 0,
                                    .execute = (phdr.p_flags & PF_X) != 0}};
}

std::expected<std::string, std::string> interpreter(std::span<const std::byte> file, const Elf64_Phdr& phdr,
                                                    unsigned index) {
  if (phdr.p_filesz == 0 || phdr.p_filesz > kMaxInterpreter || !inside(file, phdr.p_offset, phdr.p_filesz))
    return bad("program header {}: the interpreter's name ({:#x} bytes at offset {:#x}) is not in the file", index,
               phdr.p_filesz, phdr.p_offset);
  const char* text = reinterpret_cast<const char*>(file.data() + phdr.p_offset);
  return std::string(text, strnlen(text, phdr.p_filesz));
}

}  // namespace

std::expected<Arch, std::string> elf_arch(std::span<const std::byte> file) {
  auto ehdr = header(file);
  if (!ehdr) return Bad(ehdr.error());
  return machine(*ehdr);
}

std::expected<ElfFile, std::string> parse_elf(std::span<const std::byte> file) {
  auto ehdr = header(file);
  if (!ehdr) return Bad(ehdr.error());
  auto arch = machine(*ehdr);
  if (!arch) return Bad(arch.error());
  if (ehdr->e_type != ET_EXEC && ehdr->e_type != ET_DYN)
    return bad("ELF type {} is no executable (2 or 3)", ehdr->e_type);
  if (ehdr->e_phentsize != sizeof(Elf64_Phdr))
    return bad("program headers of {} bytes instead of {}", ehdr->e_phentsize, sizeof(Elf64_Phdr));
  if (ehdr->e_phnum == 0) return bad("no program headers");
  if (ehdr->e_phnum == PN_XNUM) return bad("more program headers than the ELF header can count");
  if (!inside(file, ehdr->e_phoff, uint64_t{ehdr->e_phnum} * sizeof(Elf64_Phdr)))
    return bad("{} program headers at offset {:#x} end past the file's {:#x} bytes", ehdr->e_phnum, ehdr->e_phoff,
               file.size());

  ElfFile elf{.arch = *arch, .position_independent = ehdr->e_type == ET_DYN, .entry = ehdr->e_entry};
  for (unsigned i = 0; i < ehdr->e_phnum; ++i) {
    auto phdr = at<Elf64_Phdr>(file, ehdr->e_phoff + i * sizeof(Elf64_Phdr));
    switch (phdr.p_type) {
      case PT_LOAD: {
        if (phdr.p_memsz == 0) break;
        auto segment = load_segment(file, phdr, i);
        if (!segment) return Bad(segment.error());
        if (!elf.segments.empty() && segment->first_page() < elf.segments.back().end_page())
          return bad("program header {}: the pages from {:#x} on come before or overlap those of the one before it", i,
                     segment->first_page());
        elf.segments.push_back(*segment);
        elf.alignment = std::max(elf.alignment, phdr.p_align);
        break;
      }
      case PT_INTERP: {
        auto name = interpreter(file, phdr, i);
        if (!name) return Bad(name.error());
        elf.interpreter = *name;
        break;
      }
      case PT_GNU_STACK: elf.stack_size = phdr.p_memsz; break;
      default: break;
    }
  }
  if (elf.segments.empty()) return bad("nothing to load: no PT_LOAD program header");
  return elf;
}

}  // namespace jacinth::kernel
