// VMSAv8-64 stage 1 descriptors, 4 KiB granule, 48-bit addresses, as EL0 meets them (ARM DDI 0487, D8.3 and D8.4).
//
// Modelled: TCR_EL1.{HA,HD} = 1, so the hardware sets the access flag and, in descriptors with DBM, clears AP[2] on the
// first write; APTable and UXNTable; blocks of 1 GiB and 2 MiB; execute-only pages.
// Left out: what only EL1 would notice (PXN, AP[2:1] of EL1), WXN, FEAT_LPA2, indirect permissions (FEAT_S1PIE), the
// security state bits, and the contiguous bit, which is a hint. Bits that are RES0 or ignored are ignored.
#pragma once

#include <cstdint>

#include "emu/mmu/translation.h"

namespace jacinth::emu {

struct Arm64Format {
  static constexpr uint64_t kValid = 1u << 0;
  static constexpr uint64_t kTableOrPage = 1u << 1;
  static constexpr unsigned kAttrIndxShift = 2;
  static constexpr uint64_t kAp1 = 1u << 6;  ///< AP[1]: EL0 may read.
  static constexpr uint64_t kAp2 = 1u << 7;  ///< AP[2]: read-only; with DBM: not written yet.
  static constexpr uint64_t kInnerShareable = 3u << 8;
  static constexpr uint64_t kAf = 1u << 10;
  static constexpr uint64_t kNg = 1u << 11;
  static constexpr uint64_t kDbm = uint64_t{1} << 51;
  static constexpr uint64_t kPxn = uint64_t{1} << 53;
  static constexpr uint64_t kUxn = uint64_t{1} << 54;
  /// One of the bits left to software: a page that was written before it became read-only.
  static constexpr uint64_t kWasDirty = uint64_t{1} << 55;
  static constexpr uint64_t kUxnTable = uint64_t{1} << 60;
  static constexpr uint64_t kApTable0 = uint64_t{1} << 61;  ///< APTable[0]: EL0 may not read or write below.
  static constexpr uint64_t kApTable1 = uint64_t{1} << 62;  ///< APTable[1]: nobody may write below.
  static constexpr uint64_t kAddressMask = ((uint64_t{1} << 48) - 1) & ~kPageMask;

  /// MAIR_EL1 for these tables: Device-nGnRE, Normal non-cacheable, Normal write-back; the other five are
  /// Device-nGnRnE.
  static constexpr uint64_t kMairEl1 = 0xff4404;
  static constexpr uint64_t kAttrDevice = 0;
  static constexpr uint64_t kAttrUncached = 1;
  static constexpr uint64_t kAttrNormal = 2;

  /// What the table descriptors on the way down forbid.
  struct Inherited {
    uint64_t forbidden = 0;
    constexpr void add(uint64_t entry) { forbidden |= entry; }
  };

  static constexpr bool canonical(uint64_t address) { return address >> 48 == 0; }
  static constexpr WalkFault::Kind kNotCanonical = WalkFault::Kind::kTranslation;

  static constexpr EntryKind kind(uint64_t entry, unsigned level) {
    if ((entry & kValid) == 0) return EntryKind::kAbsent;
    if ((entry & kTableOrPage) != 0) return level == kLastLevel ? EntryKind::kLeaf : EntryKind::kTable;
    // A block at level 0 or 3 is a reserved encoding, and the manual treats it as invalid.
    return level == 1 || level == 2 ? EntryKind::kLeaf : EntryKind::kAbsent;
  }

  static constexpr uint64_t table_address(uint64_t entry) { return entry & kAddressMask; }
  static constexpr uint64_t leaf_address(uint64_t entry, unsigned level) {
    return entry & kAddressMask & ~((uint64_t{1} << level_shift(level)) - 1);
  }

  static constexpr PagePermissions permissions(uint64_t entry, Inherited inherited) {
    bool read = (entry & kAp1) != 0 && (inherited.forbidden & kApTable0) == 0;
    bool writable = (entry & kAp2) == 0 || (entry & kDbm) != 0;
    bool write = read && writable && (inherited.forbidden & kApTable1) == 0;
    bool execute = (entry & kUxn) == 0 && (inherited.forbidden & kUxnTable) == 0;
    return {.read = read, .write = write, .execute = execute};
  }

  static constexpr MemoryType type(uint64_t entry, unsigned /*level*/) {
    uint64_t index = (entry >> kAttrIndxShift) & 7;
    if (index == kAttrNormal) return MemoryType::kNormal;
    return index == kAttrUncached ? MemoryType::kUncached : MemoryType::kDevice;
  }

  static constexpr bool accessed(uint64_t entry) { return (entry & kAf) != 0; }
  static constexpr bool dirty(uint64_t entry) { return (entry & kAp2) == 0 || (entry & kWasDirty) != 0; }

  /// Tables have no access flag of their own.
  static constexpr uint64_t touch_table(uint64_t entry) { return entry; }
  /// The leaf after a permitted access.
  static constexpr uint64_t touch_leaf(uint64_t entry, AccessKind access) {
    entry |= kAf;
    return access == AccessKind::kWrite ? entry & ~kAp2 : entry;
  }
  static constexpr uint64_t without_accessed(uint64_t entry) { return entry & ~kAf; }

  static constexpr uint64_t make_table(uint64_t address) { return address | kTableOrPage | kValid; }

  /// A page entry, neither accessed nor dirty.
  static constexpr uint64_t make_page(uint64_t address, PagePermissions permissions, MemoryType type) {
    uint64_t attribute = type == MemoryType::kNormal     ? kAttrNormal
                         : type == MemoryType::kUncached ? kAttrUncached
                                                         : kAttrDevice;
    uint64_t entry = address | attribute << kAttrIndxShift | kInnerShareable | kNg | kPxn | kTableOrPage | kValid;
    return with_permissions(entry | kAp2, permissions);
  }

  static constexpr uint64_t with_permissions(uint64_t entry, PagePermissions permissions) {
    bool was_dirty = dirty(entry);
    entry &= ~(kAp1 | kAp2 | kDbm | kUxn | kWasDirty);
    if (permissions.read || permissions.write) entry |= kAp1;
    if (permissions.write) entry |= kDbm;
    if (!permissions.write || !was_dirty) entry |= kAp2;
    if (!permissions.write && was_dirty) entry |= kWasDirty;
    if (!permissions.execute) entry |= kUxn;
    return entry;
  }
};

}  // namespace jacinth::emu
