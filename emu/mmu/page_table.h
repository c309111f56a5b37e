// Guest page tables: real ones, in guest RAM, in the format that the architecture's manual gives.
//
// arm64: VMSAv8-64 stage 1, 4 KiB granule, 48-bit input, TTBR0 half (ARM DDI 0487, D5), with hardware-managed access
// flag and dirty state (FEAT_HAFDBS). x86-64: four-level paging (Intel SDM vol. 3A, 4.5).
//
// A walker translates as the hardware would, large pages included. The editor builds tables of 4 KiB entries.
// Left out: the upper half (there is no kernel in the guest), five levels, 16 and 64 KiB granules, ASIDs and PCIDs
// (each address space has its own engine), memory types beyond "normal" and "device".
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "emu/base/access.h"
#include "emu/base/address.h"
#include "emu/memory/physical_memory.h"

namespace jacinth::emu {

/// One translation as the tables hold it.
struct Translation {
  PhysAddr address;         ///< Of the byte asked for.
  uint64_t block_size = 0;  ///< 4 KiB, 2 MiB or 1 GiB: the size of the entry that matched.
  PagePermissions permissions;
  MemoryType type = MemoryType::kNormal;
  bool accessed = false;
  bool dirty = false;
};

/// Why the hardware would fault, and at which level of the tables (arm64 reports it; 0 is the root).
struct WalkFault {
  enum class Kind : uint8_t { kTranslation, kPermission, kAddressSize } kind = Kind::kTranslation;
  uint8_t level = 0;
};

/// Translates `address` for an access at EL0 / CPL 3 and sets the accessed and dirty bits that the hardware would set.
/// Never fails on hostile tables: an entry that points outside RAM ends the walk as an address-size fault.
std::expected<Translation, WalkFault> walk(Arch arch, PhysicalMemory& memory, PhysAddr root, GuestAddr address,
                                           AccessKind access);

/// Looks `address` up without the access: no permission check, no bit set.
std::expected<Translation, WalkFault> probe(Arch arch, const PhysicalMemory& memory, PhysAddr root, GuestAddr address);

/// Edits one address space's tables. Plain data: the root address and a count; the tables themselves are guest RAM.
/// Whoever changes or removes a live entry must have the engines' TLBs invalidated afterwards.
class PageTable {
 public:
  /// An empty table; null when no frame is left.
  static std::unique_ptr<PageTable> create(Arch arch, PhysicalMemory& memory, FrameSource& frames);
  /// A table whose root stands in `memory` already (after loading a snapshot).
  PageTable(Arch arch, PhysicalMemory& memory, FrameSource& frames, PhysAddr root, uint64_t table_pages);
  /// Frees every table page; frames that were mapped are not the table's.
  ~PageTable();

  Arch arch() const { return arch_; }
  PhysAddr root() const { return root_; }
  /// Table pages in use, the root included.
  uint64_t table_pages() const { return table_pages_; }

  /// One past the highest address a guest can use.
  static constexpr GuestAddr limit(Arch arch) { return GuestAddr(uint64_t{1} << (arch == Arch::kArm64 ? 48 : 47)); }

  /// Maps one page. Replaces what was there. False when a table page was needed and no frame is left (nothing changed).
  bool map(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type);
  /// Removes `count` pages from `page` on; absent ones are fine. Empty table pages are freed.
  void unmap(GuestAddr page, uint64_t count);
  /// Changes the permissions of the present pages in the range, keeping accessed and dirty bits.
  void protect(GuestAddr page, uint64_t count, PagePermissions permissions);
  std::optional<Translation> query(GuestAddr address) const;
  /// Clears the accessed bit of the page; true when it was present and had been accessed.
  bool test_and_clear_accessed(GuestAddr page);

 private:
  friend struct TableEditor;
  Arch arch_;
  PhysicalMemory& memory_;
  FrameSource& frames_;
  PhysAddr root_;
  uint64_t table_pages_ = 0;
};

}  // namespace jacinth::emu
