// The way down the tables, shared by the walker and the prober: from the root to a leaf, or to the fault.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "emu/memory/physical_memory.h"
#include "emu/mmu/arm64_format.h"
#include "emu/mmu/translation.h"
#include "emu/mmu/x86_64_format.h"

namespace jacinth::emu {

/// Calls `function` with the format of the architecture.
template <class Function>
decltype(auto) with_format(Arch arch, Function&& function) {
  return arch == Arch::kArm64 ? function(Arm64Format{}) : function(X86Format{});
}

inline uint64_t load_entry(const PhysicalMemory& memory, PhysAddr at) {
  uint64_t entry = 0;
  std::memcpy(&entry, memory.data(at), sizeof entry);
  return entry;
}

inline void store_entry(PhysicalMemory& memory, PhysAddr at, uint64_t entry) {
  std::memcpy(memory.writable(at), &entry, sizeof entry);
}

/// The entries that a translation passes, the leaf last. A miss of the TLB comes here, so nothing is initialized that
/// the way down does not need.
template <class Format>
class Descent {
 public:
  /// Goes down without changing anything; the fault, if that is where it ends. Bounded by the four levels, whatever the
  /// tables hold.
  std::optional<WalkFault> go(const PhysicalMemory& memory, PhysAddr root, GuestAddr address) {
    if (!Format::canonical(address.value)) [[unlikely]]
      return WalkFault{Format::kNotCanonical, 0};
    PhysAddr table = root.page();
    if (!memory.contains(table, kPageSize)) [[unlikely]]
      return WalkFault{WalkFault::Kind::kAddressSize, 0};
    for (uint8_t level = 0;; ++level) {
      uint64_t at = table.value + entry_index(address.value, level) * sizeof(uint64_t);
      uint64_t entry = load_entry(memory, PhysAddr(at));
      at_[level] = at;
      entry_[level] = entry;
      EntryKind kind = Format::kind(entry, level);
      if (kind == EntryKind::kLeaf) {
        level_ = level;
        return std::nullopt;
      }
      if (kind == EntryKind::kAbsent) return WalkFault{WalkFault::Kind::kTranslation, level};
      if (kind == EntryKind::kReserved) return WalkFault{WalkFault::Kind::kReservedBits, level};
      inherited_.add(entry);
      table = PhysAddr(Format::table_address(entry));
      if (!memory.contains(table, kPageSize)) [[unlikely]]
        return WalkFault{WalkFault::Kind::kAddressSize, level};
    }
  }

  /// Of the leaf; the tables that lead there have the levels below it.
  uint8_t level() const { return level_; }
  PhysAddr at(unsigned level) const { return PhysAddr(at_[level]); }
  uint64_t entry(unsigned level) const { return entry_[level]; }
  PagePermissions permissions() const { return Format::permissions(entry_[level_], inherited_); }

  /// The translation of `address` by `leaf`, the leaf as it is now.
  Translation translation(GuestAddr address, uint64_t leaf) const {
    uint64_t size = uint64_t{1} << level_shift(level_);
    return {.address = PhysAddr(Format::leaf_address(leaf, level_) | (address.value & (size - 1))),
            .block_size = size,
            .permissions = permissions(),
            .type = Format::type(leaf, level_),
            .accessed = Format::accessed(leaf),
            .dirty = Format::dirty(leaf)};
  }

 private:
  uint64_t at_[kLastLevel + 1];
  uint64_t entry_[kLastLevel + 1];
  uint8_t level_ = 0;
  typename Format::Inherited inherited_;  ///< From the tables above the leaf.
};

}  // namespace jacinth::emu
