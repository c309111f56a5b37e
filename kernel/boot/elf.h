// ELF executables: what a file claims, checked before anything is done with it.
//
// The ELF-64 object file format, little-endian, for the two architectures. What is accepted is what Zircon's loader
// (zircon/system/ulib/elfload) accepts, plus ET_EXEC, which is mapped where it asks to be. The parser trusts nothing:
// every number is checked against the file and the address space, and each refusal is one line that names what is
// wrong.
//
// Left out: 32-bit and big-endian files, section headers (nothing at run time needs them), PN_XNUM.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emu/base/access.h"
#include "emu/base/address.h"

namespace jacinth::kernel {

/// One PT_LOAD, as the file has it. Offset and address agree modulo the page size.
struct ElfSegment {
  uint64_t address = 0;      ///< Relative to the load bias.
  uint64_t memory_size = 0;  ///< Not zero.
  uint64_t offset = 0;
  uint64_t file_size = 0;  ///< At most memory_size, and inside the file.
  PagePermissions permissions;

  uint64_t first_page() const { return round_down_to_page(address); }
  uint64_t end_page() const { return round_up_to_page(address + memory_size); }
};

struct ElfFile {
  Arch arch = Arch::kArm64;
  /// ET_DYN: may be placed anywhere. Otherwise it must lie at its own addresses.
  bool position_independent = false;
  uint64_t entry = 0;
  /// In ascending order; no two touch the same page. Never empty.
  std::vector<ElfSegment> segments;
  /// PT_INTERP: the dynamic linker that the program wants.
  std::optional<std::string> interpreter;
  /// PT_GNU_STACK's size; 0 when the program does not say.
  uint64_t stack_size = 0;
  /// The strictest alignment of a segment, at least a page, a power of two.
  uint64_t alignment = kPageSize;

  /// The pages from the first segment's to the last's.
  uint64_t low() const { return segments.front().first_page(); }
  uint64_t span() const { return segments.back().end_page() - low(); }
};

/// What is wrong with a file, in one line without its name.
std::expected<ElfFile, std::string> parse_elf(std::span<const std::byte> file);

/// The architecture of an ELF file, as far as its header can be read; to choose a board.
std::expected<Arch, std::string> elf_arch(std::span<const std::byte> file);

}  // namespace jacinth::kernel
