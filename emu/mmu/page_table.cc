#include "emu/mmu/page_table.h"

#include <algorithm>
#include <vector>

#include "emu/mmu/table_editor.h"

namespace jacinth::emu {
namespace {

/// The pages of a range, checked against the guest's half of the address space.
struct PageRange {
  uint64_t first;
  uint64_t end;
};

PageRange range_of(Arch arch, GuestAddr page, uint64_t count) {
  uint64_t limit = PageTable::limit(arch).page_number();
  CHECK(page.page_aligned() && page.page_number() <= limit && count <= limit - page.page_number(), "{} pages at {:#x}",
        count, page.value);
  return {page.page_number(), page.page_number() + count};
}

}  // namespace

/// Calls function(editor) with the editor for this table's format.
template <class Function>
decltype(auto) PageTable::edit(Function&& function) {
  return with_format(arch_, [&]<class Format>(Format) -> decltype(auto) {
    TableEditor<Format> editor(memory_, frames_, root_, table_pages_);
    return function(editor);
  });
}

template <class Function>
decltype(auto) PageTable::read(Function&& function) const {
  return with_format(
      arch_, [&]<class Format>(Format) -> decltype(auto) { return function(TableReader<Format>(memory_, root_)); });
}

std::unique_ptr<PageTable> PageTable::create(Arch arch, PhysicalMemory& memory, FrameSource& frames) {
  uint64_t table_pages = 0;
  // A table page is made in the same way for every format.
  auto root = TableEditor<Arm64Format>(memory, frames, PhysAddr(), table_pages).make_table();
  if (!root) return nullptr;
  return std::unique_ptr<PageTable>(new PageTable(arch, memory, frames, *root, table_pages));
}

std::unique_ptr<PageTable> PageTable::adopt(Arch arch, PhysicalMemory& memory, FrameSource& frames, PhysAddr root,
                                            uint64_t table_pages) {
  std::unique_ptr<PageTable> table(new PageTable(arch, memory, frames, root, table_pages));
  if (table->consistent()) return table;
  table->table_pages_ = 0;  // Nothing in there is known to be ours: free nothing.
  return nullptr;
}

PageTable::PageTable(Arch arch, PhysicalMemory& memory, FrameSource& frames, PhysAddr root, uint64_t table_pages)
    : arch_(arch), memory_(memory), frames_(frames), root_(root), table_pages_(table_pages) {}

PageTable::~PageTable() {
  if (table_pages_ == 0) return;
  edit([&](auto& editor) { editor.free_tree(root_, 0); });
  CHECK(table_pages_ == 0, "{} table pages left", table_pages_);
}

bool PageTable::map(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type) {
  return map_range(page, std::span(&frame, 1), permissions, type) == 1;
}

uint64_t PageTable::map_range(GuestAddr page, std::span<const PhysAddr> frames, PagePermissions permissions,
                              MemoryType type) {
  auto [first, end] = range_of(arch_, page, frames.size());
  return edit([&, first = first, end = end](auto& editor) {
    uint64_t next = first;
    while (next < end) {
      uint64_t mapped = editor.map(next, frames.subspan(next - first), permissions, type);
      if (mapped == 0) break;
      next += mapped;
    }
    return next - first;
  });
}

bool PageTable::unmap(GuestAddr page, uint64_t count) {
  auto [first, end] = range_of(arch_, page, count);
  return edit([first = first, end = end](auto& editor) { return editor.unmap(first, end); });
}

bool PageTable::protect(GuestAddr page, uint64_t count, PagePermissions permissions) {
  bool accessed = false;
  auto [first, end] = range_of(arch_, page, count);
  edit([&, first = first, end = end]<class Format>(TableEditor<Format>& editor) {
    editor.change_leaves(first, end, [&](uint64_t leaf) {
      uint64_t changed = Format::with_permissions(leaf, permissions);
      accessed = accessed || (changed != leaf && Format::accessed(leaf));
      return changed;
    });
  });
  return accessed;
}

std::optional<Translation> PageTable::query(GuestAddr address) const {
  auto found = probe(arch_, memory_, root_, address);
  return found ? std::optional(*found) : std::nullopt;
}

bool PageTable::test_and_clear_accessed(GuestAddr page) {
  bool accessed = false;
  auto [first, end] = range_of(arch_, page, 1);
  edit([&, first = first, end = end]<class Format>(TableEditor<Format>& editor) {
    editor.change_leaves(first, end, [&](uint64_t leaf) {
      accessed = Format::accessed(leaf);
      return Format::without_accessed(leaf);
    });
  });
  return accessed;
}

void PageTable::visit_present(GuestAddr page, uint64_t count, void* context, PresentVisitor visit) const {
  auto [first, end] = range_of(arch_, page, count);
  read([&, first = first, end = end](const auto& reader) {
    reader.for_each_leaf(first, end, [&](uint64_t number, uint64_t /*leaf*/) {
      GuestAddr at(number << kPageShift);
      visit(context, at, *probe(arch_, memory_, root_, at));
    });
  });
}

bool PageTable::consistent() const {
  if (!root_.page_aligned() || table_pages_ > memory_.page_count()) return false;
  std::vector<uint64_t> tables;
  if (!read([&](const auto& reader) { return reader.collect_tables(root_, 0, table_pages_, tables); })) return false;
  if (tables.size() != table_pages_) return false;
  std::sort(tables.begin(), tables.end());
  return std::adjacent_find(tables.begin(), tables.end()) == tables.end();
}

}  // namespace jacinth::emu
