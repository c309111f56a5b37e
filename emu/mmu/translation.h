// What a walk of the tables finds, whichever format they have.
#pragma once

#include <cstdint>

#include "emu/base/access.h"
#include "emu/base/address.h"

namespace jacinth::emu {

/// One translation as the tables hold it.
struct Translation {
  /// Of the byte asked for. A page may be mapped to anywhere, also to no RAM: whoever uses the address asks
  /// PhysicalMemory and the Bus what is there.
  PhysAddr address;
  uint64_t block_size = 0;  ///< 4 KiB, 2 MiB or 1 GiB: the size of the entry that matched.
  PagePermissions permissions;
  MemoryType type = MemoryType::kNormal;
  bool accessed = false;
  /// Written since the page was mapped. A TLB entry may allow writes only when this is set: the first write to a clean
  /// page has to come back to walk(), which sets it.
  bool dirty = false;

  bool operator==(const Translation&) const = default;
};

/// Why the hardware would fault, and at which level of the tables (arm64 reports it; 0 is the root).
struct WalkFault {
  enum class Kind : uint8_t {
    kTranslation,   ///< No entry.
    kPermission,    ///< An entry that forbids the access.
    kAddressSize,   ///< The level's entry (or the root) points to a table outside RAM.
    kReservedBits,  ///< x86-64: a page fault with RSVD.
    kNonCanonical,  ///< x86-64: no page fault at all, but a general protection exception.
  };
  Kind kind = Kind::kTranslation;
  uint8_t level = 0;

  bool operator==(const WalkFault&) const = default;
};

/// Both formats: four levels of tables with 512 entries of eight bytes each; level 0 is the root.
inline constexpr unsigned kLastLevel = 3;
inline constexpr unsigned kIndexBits = 9;
inline constexpr uint64_t kEntriesPerTable = uint64_t{1} << kIndexBits;

/// log2 of the bytes that one entry of `level` maps.
constexpr unsigned level_shift(unsigned level) {
  return static_cast<unsigned>(kPageShift) + kIndexBits * (kLastLevel - level);
}
constexpr uint64_t entry_index(uint64_t address, unsigned level) {
  return (address >> level_shift(level)) & (kEntriesPerTable - 1);
}

/// What an entry is to the walker.
enum class EntryKind : uint8_t { kAbsent, kTable, kLeaf, kReserved };

constexpr bool permits(PagePermissions permissions, AccessKind access) {
  switch (access) {
    case AccessKind::kRead: return permissions.read;
    case AccessKind::kWrite: return permissions.write;
    case AccessKind::kExecute: return permissions.execute;
  }
  return false;
}

}  // namespace jacinth::emu
