// Changes to the tables of one format: the work behind PageTable. Pages and ranges are counted as in table_reader.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "emu/base/check.h"
#include "emu/memory/physical_memory.h"
#include "emu/mmu/table_reader.h"

namespace jacinth::emu {

template <class Format>
class TableEditor : public TableReader<Format> {
  using Base = TableReader<Format>;

 public:
  TableEditor(PhysicalMemory& memory, FrameSource& frames, PhysAddr root, uint64_t& table_pages)
      : Base(memory, root), ram_(memory), frames_(frames), table_pages_(table_pages) {}

  /// Maps the pages from `first` on that share its last-level table, as many as there are frames; zero when that table
  /// is missing and cannot be made.
  uint64_t map(uint64_t first, std::span<const PhysAddr> frames, PagePermissions permissions, MemoryType type) {
    std::optional<PhysAddr> table = last_level_table(first);
    if (!table) return 0;
    uint64_t start = index(first, kLastLevel);
    uint64_t count = std::min<uint64_t>(frames.size(), kEntriesPerTable - start);
    std::byte* bytes = ram_.writable(*table);
    for (uint64_t i = 0; i < count; ++i) {
      PhysAddr frame = frames[i];
      CHECK((frame.value & ~Format::kAddressMask) == 0, "frame {:#x}", frame.value);
      uint64_t entry = Format::make_page(frame.value, permissions, type);
      std::memcpy(bytes + (start + i) * sizeof entry, &entry, sizeof entry);
    }
    return count;
  }

  /// False when no entry that went had been accessed: then no TLB can hold any of them. Tables that go as a whole are
  /// not looked into, and count as accessed.
  bool unmap(uint64_t first, uint64_t end) {
    accessed_ = false;
    unmap_below(root_, 0, 0, first, end);
    return accessed_;
  }

  /// Replaces each leaf of the range by change(leaf).
  template <class Change>
  void change_leaves(uint64_t first, uint64_t end, Change&& change) {
    this->for_each_table(first, end, [&](PhysAddr table, uint64_t from, uint64_t to, uint64_t /*base*/) {
      TableView view(ram_, table);
      for (uint64_t i = from; i < to; ++i) {
        uint64_t entry = view[i];
        if (entry == 0) continue;
        uint64_t changed = change(entry);
        if (changed != entry) store_entry(ram_, entry_at(table, i), changed);
      }
    });
  }

  /// Frees the table and everything below it, without reading last-level tables.
  void free_tree(PhysAddr table, unsigned level) {
    if (level < kLastLevel) {
      TableView view(ram_, table);
      for (uint64_t i = 0; i < kEntriesPerTable; ++i) {
        if (uint64_t entry = view[i]; entry != 0) free_tree(child(entry, level), level + 1);
      }
    }
    free_table(table);
  }

  /// An empty table page, or nothing when no frame is left.
  std::optional<PhysAddr> make_table() {
    std::optional<PhysAddr> frame = frames_.allocate_frame();
    if (!frame) return std::nullopt;
    CHECK(frame->page_aligned() && ram_.contains(*frame, kPageSize), "table frame {:#x}", frame->value);
    std::memset(ram_.writable(*frame), 0, kPageSize);
    ++table_pages_;
    return frame;
  }

 private:
  using Base::child;
  using Base::entry_at;
  using Base::index;
  using Base::root_;
  using Base::span;

  void free_table(PhysAddr table) {
    frames_.free_frame(table);
    --table_pages_;
  }

  /// The last-level table for `page`, made with all that leads there where it is missing. Nothing changes when frames
  /// run out on the way.
  std::optional<PhysAddr> last_level_table(uint64_t page) {
    PhysAddr table = root_;
    unsigned level = 0;
    for (; level < kLastLevel; ++level) {
      uint64_t entry = TableView(ram_, table)[index(page, level)];
      if (entry == 0) [[unlikely]]
        break;
      table = child(entry, level);
    }
    if (level == kLastLevel) [[likely]]
      return table;

    std::array<PhysAddr, kLastLevel> made;
    for (unsigned i = level; i < kLastLevel; ++i) {
      std::optional<PhysAddr> frame = make_table();
      if (!frame) {
        while (i-- > level) free_table(made[i]);
        return std::nullopt;
      }
      made[i] = *frame;
    }
    // From the bottom up, so that a walk at any moment finds a whole table or none.
    for (unsigned i = kLastLevel; i-- > level;) {
      PhysAddr parent = i == level ? table : made[i - 1];
      store_entry(ram_, entry_at(parent, index(page, i)), Format::make_table(made[i].value));
    }
    return made[kLastLevel - 1];
  }

  /// Removes what `table` maps of the range. True when the table is empty now.
  bool unmap_below(PhysAddr table, unsigned level, uint64_t base, uint64_t first, uint64_t end) {
    auto [from, to] = span(level, base, first, end);
    TableView view(ram_, table);
    bool removed = false;
    for (uint64_t i = from; i < to; ++i) {
      uint64_t entry = view[i];
      if (entry == 0) continue;
      if (level < kLastLevel) {
        PhysAddr below = child(entry, level);
        uint64_t start = base + i * pages_per_entry(level);
        if (first <= start && start + pages_per_entry(level) <= end) {
          free_tree(below, level + 1);
          accessed_ = true;
        } else if (unmap_below(below, level + 1, start, first, end)) {
          free_table(below);
        } else {
          continue;
        }
      } else {
        accessed_ = accessed_ || Format::accessed(entry);
      }
      store_entry(ram_, entry_at(table, i), 0);
      removed = true;
    }
    return removed && view.empty();
  }

  PhysicalMemory& ram_;
  FrameSource& frames_;
  uint64_t& table_pages_;
  bool accessed_ = false;
};

}  // namespace jacinth::emu
