// The vDSO as the kernel uses it: the ELF image that every process gets, and the proof that a trap came from it.
//
// The image is `libzircon.so` of one architecture, made by the build (kernel/vdso/meson.build) from the table of calls.
// It needs no relocation and has no writable segment: a process maps its two segments, at the offsets that the file
// has them at, and jumps in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "emu/base/address.h"
#include "kernel/vdso/constants.h"

namespace jacinth::kernel {

/// The place behind one trap instruction of the vDSO, the number that is trapped with there, and the number of the call
/// in the table of calls: another one in a vDSO that is not ours (given.h).
struct ReturnSite {
  uint32_t offset;
  uint16_t number;
  uint16_t call;
};

struct VdsoImage {
  /// Whole pages: as large as the VMO.
  std::span<const std::byte> elf;
  /// The executable segment, in whole pages; everything before it is read-only.
  uint64_t code_offset;
  uint64_t code_size;
  /// Where the kernel writes a VdsoConstants. It lies within one page or not, as the linker placed it.
  uint64_t constants_offset;
  /// It is VdsoConstantsOf2020 that goes there.
  bool of_2020 = false;
  /// Sorted by offset. A number can have several: calls of several steps carry traps of their own.
  std::span<const ReturnSite> return_sites;

  uint64_t pages() const { return elf.size() / kPageSize; }

  /// Whether a trap with `number` may return to `offset` bytes into the image. Any other trap is refused, wherever it
  /// came from: system calls are made through the vDSO or not at all.
  bool accepts(uint64_t offset, uint64_t number) const { return site(offset, number) != nullptr; }
  /// Null when it may not.
  const ReturnSite* site(uint64_t offset, uint64_t number) const {
    auto site = std::ranges::lower_bound(return_sites, offset, {}, &ReturnSite::offset);
    return site != return_sites.end() && site->offset == offset && site->number == number ? &*site : nullptr;
  }
};

/// The one that the build made. What a machine has is Vm::vdso_image().
const VdsoImage& vdso_image(Arch arch);

}  // namespace jacinth::kernel
