// A second walker, to check the first against: written from the manuals' tables, slow, and as unlike it as could be.
//
// It first writes down all the entries that the address leads to, then judges them field by field, with the permission
// tables spelled out: ARM DDI 0487 D8.3 (descriptors) and D8.4 (AP, APTable, UXN), Intel SDM vol. 3A tables 4-15 to
// 4-20. What the emulator adds of its own is the same here: an access without permission changes nothing, a table
// outside RAM is an address-size fault, and arm64's bit 55 remembers a written page that became read-only.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>

#include "emu/mmu/walk.h"

namespace jacinth::test {

/// What the walk should give, and every entry that it should have changed.
struct ManualWalk {
  std::expected<emu::Translation, emu::WalkFault> result;
  std::map<uint64_t, uint64_t> changed;  ///< By physical address of the entry.
};

/// Reads the eight bytes at a physical address; nothing when there is no RAM.
using ReadEntry = std::function<std::optional<uint64_t>(uint64_t)>;

ManualWalk manual_walk(Arch arch, const ReadEntry& read, uint64_t root, uint64_t address, AccessKind access);

}  // namespace jacinth::test
