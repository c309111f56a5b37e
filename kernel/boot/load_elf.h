// Puts an ELF file's segments into an address space, as Zircon's loader does (zircon/system/ulib/elfload).
//
//   file VMO --- read-only segment: mapped as it is
//           '--- writable segment: a snapshot of its pages is mapped
//   zero fill: pages of their own; the page that the file's part ends in is copied there
//
// All of it lies in one region of the root, so that a program can protect or unmap what it was loaded as.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "emu/base/address.h"
#include "kernel/boot/elf.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

struct LoadedElf {
  Ref<AddressRegion> region;
  GuestAddr entry;
};

/// `file` holds what `elf` was parsed from. A failure is one line that says what could not be done.
std::expected<LoadedElf, std::string> load_elf(AddressSpace& space, const ElfFile& elf, const Ref<Vmo>& file,
                                               std::string_view name);

}  // namespace jacinth::kernel
