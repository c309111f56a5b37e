// The tables of one format as the editor builds them, to read: pages in the last level only, every entry's table in
// RAM.
//
// Pages are counted here instead of addressed: page p is the guest address p * 4096, and an entry of level l covers
// 512^(3-l) of them. Ranges are [first, end).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "emu/base/check.h"
#include "emu/memory/physical_memory.h"
#include "emu/mmu/descent.h"

namespace jacinth::emu {

constexpr uint64_t pages_per_entry(unsigned level) { return uint64_t{1} << (kIndexBits * (kLastLevel - level)); }

/// A table page to look at. Entries are read by value, so that tables are bytes to everybody else.
class TableView {
 public:
  TableView(const PhysicalMemory& memory, PhysAddr table) : bytes_(memory.data(table)) {}

  uint64_t operator[](uint64_t index) const {
    uint64_t entry = 0;
    std::memcpy(&entry, bytes_ + index * sizeof entry, sizeof entry);
    return entry;
  }

  bool empty() const {
    for (uint64_t i = 0; i < kEntriesPerTable; i += 8) {
      uint64_t any = 0;
      for (uint64_t j = i; j < i + 8; ++j) any |= (*this)[j];
      if (any != 0) return false;
    }
    return true;
  }

 private:
  const std::byte* bytes_;
};

template <class Format>
class TableReader {
 public:
  TableReader(const PhysicalMemory& memory, PhysAddr root) : memory_(memory), root_(root) {}

  /// Calls visit(page, leaf) for each leaf of the range.
  template <class Visitor>
  void for_each_leaf(uint64_t first, uint64_t end, Visitor&& visit) const {
    for_each_table(first, end, [&](PhysAddr table, uint64_t from, uint64_t to, uint64_t base) {
      TableView view(memory_, table);
      for (uint64_t i = from; i < to; ++i) {
        if (uint64_t entry = view[i]; entry != 0) visit(base + i, entry);
      }
    });
  }

  /// Calls visit(table, from, to, page of its entry 0) for each last-level table that the range touches: entries
  /// [from, to) of it.
  template <class Visitor>
  void for_each_table(uint64_t first, uint64_t end, Visitor&& visit) const {
    visit_tables(root_, 0, 0, first, end, visit);
  }

  /// Collects the table pages from `table` down, at most `limit`; false when something is not as the editor builds it.
  bool collect_tables(PhysAddr table, unsigned level, uint64_t limit, std::vector<uint64_t>& tables) const {
    if (!memory_.contains(table, kPageSize) || tables.size() >= limit) return false;
    tables.push_back(table.value);
    TableView view(memory_, table);
    if (level > 0 && view.empty()) return false;
    for (uint64_t i = 0; i < kEntriesPerTable; ++i) {
      uint64_t entry = view[i];
      if (entry == 0) continue;
      EntryKind expected = level == kLastLevel ? EntryKind::kLeaf : EntryKind::kTable;
      if (Format::kind(entry, level) != expected) return false;
      if (level == kLastLevel) continue;
      if (!collect_tables(PhysAddr(Format::table_address(entry)), level + 1, limit, tables)) return false;
    }
    return true;
  }

 protected:
  static PhysAddr entry_at(PhysAddr table, uint64_t index) { return table + index * sizeof(uint64_t); }

  static uint64_t index(uint64_t page, unsigned level) {
    return (page >> (kIndexBits * (kLastLevel - level))) & (kEntriesPerTable - 1);
  }

  /// The table that a present entry points to. Nobody but this editor writes table pages.
  PhysAddr child(uint64_t entry, unsigned level) const {
    CHECK(Format::kind(entry, level) == EntryKind::kTable, "level {}: {:#x}", level, entry);
    return PhysAddr(Format::table_address(entry));
  }

  /// The entries of a table at `base` that the range touches: [from, to).
  struct Span {
    uint64_t from;
    uint64_t to;
  };
  static Span span(unsigned level, uint64_t base, uint64_t first, uint64_t end) {
    uint64_t pages = pages_per_entry(level);
    uint64_t from = first > base ? (first - base) / pages : 0;
    uint64_t to = std::min(kEntriesPerTable, (end - base + pages - 1) / pages);
    return {from, to};
  }

  const PhysicalMemory& memory_;
  PhysAddr root_;

 private:
  template <class Visitor>
  void visit_tables(PhysAddr table, unsigned level, uint64_t base, uint64_t first, uint64_t end,
                    Visitor&& visit) const {
    auto [from, to] = span(level, base, first, end);
    if (level == kLastLevel) return visit(table, from, to, base);
    TableView view(memory_, table);
    for (uint64_t i = from; i < to; ++i) {
      uint64_t entry = view[i];
      if (entry == 0) continue;
      visit_tables(child(entry, level), level + 1, base + i * pages_per_entry(level), first, end, visit);
    }
  }
};

}  // namespace jacinth::emu
