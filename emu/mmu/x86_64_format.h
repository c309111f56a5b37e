// x86-64 four-level paging entries as CPL 3 meets them (Intel SDM vol. 3A, 4.5 to 4.9).
//
// Modelled: CR0.WP, EFER.NXE and CR4.PAE set, MAXPHYADDR 48, the PAT of kPat; P, R/W, U/S and XD at every level, A at
// every level and D in the leaf, pages of 1 GiB and 2 MiB, reserved bits. Left out: five levels, protection keys
// (CR4.PKE = 0, so their bits are ignored), supervisor accesses (SMEP, SMAP), the global bit, and the difference
// between write-back and write-through, which nobody can observe here.
#pragma once

#include <cstdint>

#include "emu/mmu/translation.h"

namespace jacinth::emu {

struct X86Format {
  static constexpr uint64_t kPresent = 1u << 0;
  static constexpr uint64_t kReadWrite = 1u << 1;
  static constexpr uint64_t kUser = 1u << 2;
  static constexpr uint64_t kPwt = 1u << 3;
  static constexpr uint64_t kPcd = 1u << 4;
  static constexpr uint64_t kAccessed = 1u << 5;
  static constexpr uint64_t kDirty = 1u << 6;
  static constexpr uint64_t kPageSizeBit = 1u << 7;  ///< PS, above the last level.
  static constexpr uint64_t kPatOfPage = 1u << 7;    ///< PAT, in the last level.
  static constexpr uint64_t kPatOfLargePage = 1u << 12;
  static constexpr uint64_t kNoExecute = uint64_t{1} << 63;  ///< XD.
  static constexpr unsigned kPhysicalBits = 48;
  static constexpr uint64_t kAddressMask = ((uint64_t{1} << kPhysicalBits) - 1) & ~kPageMask;
  static constexpr uint64_t kAboveMaxPhyAddr = ((uint64_t{1} << 52) - 1) & ~((uint64_t{1} << kPhysicalBits) - 1);

  /// IA32_PAT for these tables: the value at reset, but the last of the eight is write-combining.
  static constexpr uint64_t kPat = 0x0107040600070406;

  /// What the entries on the way down grant together.
  struct Inherited {
    uint64_t granted = kReadWrite | kUser;
    uint64_t no_execute = 0;
    constexpr void add(uint64_t entry) {
      granted &= entry;
      no_execute |= entry;
    }
  };

  static constexpr bool canonical(uint64_t address) {
    return address >> 47 == 0 || address >> 47 == (uint64_t{1} << 17) - 1;
  }
  static constexpr WalkFault::Kind kNotCanonical = WalkFault::Kind::kNonCanonical;

  static constexpr EntryKind kind(uint64_t entry, unsigned level) {
    if ((entry & kPresent) == 0) return EntryKind::kAbsent;
    uint64_t reserved = kAboveMaxPhyAddr;
    bool leaf = level == kLastLevel;
    if (!leaf && (entry & kPageSizeBit) != 0) {
      if (level == 0) return EntryKind::kReserved;
      leaf = true;
      // The address bits that a large page lacks, but for PAT.
      reserved |= ((uint64_t{1} << level_shift(level)) - 1) & ~kPageMask & ~kPatOfLargePage;
    }
    if ((entry & reserved) != 0) return EntryKind::kReserved;
    return leaf ? EntryKind::kLeaf : EntryKind::kTable;
  }

  static constexpr uint64_t table_address(uint64_t entry) { return entry & kAddressMask; }
  static constexpr uint64_t leaf_address(uint64_t entry, unsigned level) {
    return entry & kAddressMask & ~((uint64_t{1} << level_shift(level)) - 1);
  }

  static constexpr PagePermissions permissions(uint64_t entry, Inherited inherited) {
    inherited.add(entry);
    bool read = (inherited.granted & kUser) != 0;
    return {.read = read,
            .write = read && (inherited.granted & kReadWrite) != 0,
            .execute = read && (inherited.no_execute & kNoExecute) == 0};
  }

  static constexpr MemoryType type(uint64_t entry, unsigned level) {
    bool pat = (entry & (level == kLastLevel ? kPatOfPage : kPatOfLargePage)) != 0;
    unsigned index = (pat ? 4u : 0u) | ((entry & kPcd) != 0 ? 2u : 0u) | ((entry & kPwt) != 0 ? 1u : 0u);
    switch ((kPat >> (8 * index)) & 0xff) {
      case 0x04:                              // WT
      case 0x06: return MemoryType::kNormal;  // WB
      case 0x00: return MemoryType::kDevice;  // UC
      default: return MemoryType::kUncached;  // UC-, WC
    }
  }

  static constexpr bool accessed(uint64_t entry) { return (entry & kAccessed) != 0; }
  static constexpr bool dirty(uint64_t entry) { return (entry & kDirty) != 0; }

  static constexpr uint64_t touch_table(uint64_t entry) { return entry | kAccessed; }
  /// The leaf after a permitted access.
  static constexpr uint64_t touch_leaf(uint64_t entry, AccessKind access) {
    return entry | kAccessed | (access == AccessKind::kWrite ? kDirty : 0);
  }
  static constexpr uint64_t without_accessed(uint64_t entry) { return entry & ~kAccessed; }

  static constexpr uint64_t make_table(uint64_t address) { return address | kUser | kReadWrite | kPresent; }

  /// A page entry, neither accessed nor dirty.
  static constexpr uint64_t make_page(uint64_t address, PagePermissions permissions, MemoryType type) {
    uint64_t cache = type == MemoryType::kNormal ? 0 : type == MemoryType::kUncached ? kPcd : kPcd | kPwt;
    return with_permissions(address | cache | kPresent, permissions);
  }

  static constexpr uint64_t with_permissions(uint64_t entry, PagePermissions permissions) {
    entry &= ~(kReadWrite | kUser | kNoExecute);
    if (permissions.read || permissions.write || permissions.execute) entry |= kUser;
    if (permissions.write) entry |= kReadWrite;
    if (!permissions.execute) entry |= kNoExecute;
    return entry;
  }
};

}  // namespace jacinth::emu
