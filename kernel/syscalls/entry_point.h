// Where a thread may begin: an address that belongs to guests at all. Anything else would make the processor fault in
// the kernel's name on the way out (non-canonical RIP), or jump into the kernel's half.
#pragma once

#include "emu/base/address.h"

namespace jacinth::kernel {

constexpr bool valid_entry_point(Arch arch, GuestAddr entry) {
  // Zircon leaves the last page below the hole to nobody (USER_ASPACE_BASE + USER_ASPACE_SIZE).
  constexpr uint64_t kX86Top = (uint64_t{1} << 47) - kPageSize;
  constexpr uint64_t kArm64Top = uint64_t{1} << 48;
  return entry.value < (arch == Arch::kArm64 ? kArm64Top : kX86Top);
}

}  // namespace jacinth::kernel
