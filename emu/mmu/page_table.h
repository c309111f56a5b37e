// Guest page tables: real ones, in guest RAM, in the format that the architecture's manual gives.
//
// arm64: VMSAv8-64 stage 1, 4 KiB granule, 48-bit input, TTBR0 half (ARM DDI 0487, D8), with hardware-managed access
// flag and dirty state (FEAT_HAFDBS). x86-64: four-level paging (Intel SDM vol. 3A, 4.5).
//
// The walker (walk.h) translates as the hardware would, large pages included. The editor here builds tables of 4 KiB
// entries and owns their frames; that nobody else writes to them is a promise among ourselves, so it CHECKs what it
// finds.
//
// Left out: the upper half (there is no kernel in the guest), five levels, 16 and 64 KiB granules, ASIDs and PCIDs
// (each address space has its own engine), memory types beyond "normal", "uncached" and "device".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>

#include "emu/base/access.h"
#include "emu/base/address.h"
#include "emu/memory/physical_memory.h"
#include "emu/mmu/translation.h"
#include "emu/mmu/walk.h"

namespace jacinth::emu {

/// Edits one address space's tables. Plain data: the root address and a count; the tables themselves are guest RAM.
/// Whoever changes or removes a live entry must have the engines' TLBs invalidated afterwards, but for entries that
/// were never accessed: a TLB learns of an entry by the walk that marks it so.
///
/// Permissions that a format cannot express are widened: writable pages are readable, and on x86-64 so are executable
/// ones. A page without any permission is present and forbids everything.
class PageTable {
 public:
  /// An empty table; null when no frame is left. While a frame is being allocated this table must not be edited.
  static std::unique_ptr<PageTable> create(Arch arch, PhysicalMemory& memory, FrameSource& frames);
  /// A table whose root stands in `memory` already, after loading a snapshot; null when it is not consistent().
  static std::unique_ptr<PageTable> adopt(Arch arch, PhysicalMemory& memory, FrameSource& frames, PhysAddr root,
                                          uint64_t table_pages);
  /// Frees every table page; frames that were mapped are not the table's. Tables must go before a snapshot is loaded
  /// over the memory they stand in.
  ~PageTable();
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;

  Arch arch() const { return arch_; }
  PhysAddr root() const { return root_; }
  /// Table pages in use, the root included.
  uint64_t table_pages() const { return table_pages_; }

  /// One past the highest address a guest can use.
  static constexpr GuestAddr limit(Arch arch) { return GuestAddr(uint64_t{1} << (arch == Arch::kArm64 ? 48 : 47)); }

  /// Maps one page, neither accessed nor dirty. Replaces what was there. False when a table page was needed and no
  /// frame is left (nothing changed).
  bool map(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type);
  /// Maps pages in a row, one frame each, and returns how many: fewer than asked when frames for table pages ran out.
  uint64_t map_range(GuestAddr page, std::span<const PhysAddr> frames, PagePermissions permissions, MemoryType type);
  /// Removes `count` pages from `page` on; absent ones are fine. Empty table pages are freed. False when a TLB can hold
  /// none of what went.
  bool unmap(GuestAddr page, uint64_t count);
  /// Changes the permissions of the present pages in the range, keeping accessed and dirty bits. False when a TLB can
  /// hold none of what changed.
  bool protect(GuestAddr page, uint64_t count, PagePermissions permissions);
  std::optional<Translation> query(GuestAddr address) const;
  /// Clears the accessed bit of the page; true when it was present and had been accessed.
  bool test_and_clear_accessed(GuestAddr page);

  /// Calls visit(GuestAddr page, const Translation&) for each present page of the range, in order. The visitor must not
  /// edit the table.
  template <class Visitor>
  void for_each(GuestAddr page, uint64_t count, Visitor&& visit) const {
    visit_present(page, count, &visit, [](void* context, GuestAddr at, const Translation& translation) {
      (*static_cast<std::remove_reference_t<Visitor>*>(context))(at, translation);
    });
  }

  /// Whether the tables are such as the editor builds: every table page in RAM, reached once, none of them empty or
  /// with entries of an unknown kind, and table_pages() of them.
  bool consistent() const;

 private:
  PageTable(Arch arch, PhysicalMemory& memory, FrameSource& frames, PhysAddr root, uint64_t table_pages);

  using PresentVisitor = void (*)(void* context, GuestAddr page, const Translation& translation);
  void visit_present(GuestAddr page, uint64_t count, void* context, PresentVisitor visit) const;
  template <class Function>
  decltype(auto) edit(Function&& function);
  template <class Function>
  decltype(auto) read(Function&& function) const;

  Arch arch_;
  PhysicalMemory& memory_;
  FrameSource& frames_;
  PhysAddr root_;
  uint64_t table_pages_ = 0;
};

}  // namespace jacinth::emu
