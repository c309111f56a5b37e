#include "emu/debug/line_table.h"

#include <elfutils/libdw.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>

namespace jacinth::emu {
namespace {

/// What libelf and libdw hold open.
struct Opened {
  explicit Opened(std::vector<char> bytes) : image(std::move(bytes)), elf(open(image)) {
    if (elf != nullptr && elf_kind(elf) == ELF_K_ELF) info = dwarf_begin_elf(elf, DWARF_C_READ, nullptr);
  }
  ~Opened() {
    if (info != nullptr) dwarf_end(info);
    if (elf != nullptr) elf_end(elf);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  static Elf* open(std::vector<char>& image) {
    elf_version(EV_CURRENT);
    return elf_memory(image.data(), image.size());
  }

  std::vector<char> image;
  Elf* elf = nullptr;
  ::Dwarf* info = nullptr;
};

}  // namespace

const LineTable::Row* LineTable::at(uint64_t address) const {
  auto after = std::ranges::upper_bound(rows, address, {}, &Row::begin);
  if (after == rows.begin()) return nullptr;
  const Row& row = *std::prev(after);
  return address < row.end ? &row : nullptr;
}

LineTable read_line_table(std::span<const char> image) {
  LineTable table;
  Opened file({image.begin(), image.end()});
  if (file.info == nullptr) return table;
  std::map<std::string, std::vector<LineTable::Row>> by_file;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  Dwarf_Die split;
  uint8_t type = 0;
  while (dwarf_get_units(file.info, unit, &unit, nullptr, &type, &die, &split) == 0) {
    Dwarf_Lines* lines = nullptr;
    size_t count = 0;
    if (dwarf_getsrclines(&die, &lines, &count) != 0) continue;
    for (size_t i = 0; i + 1 < count; ++i) {
      Dwarf_Line* line = dwarf_onesrcline(lines, i);
      Dwarf_Addr begin = 0;
      Dwarf_Addr end = 0;
      bool ends = false;
      int number = 0;
      if (dwarf_lineendsequence(line, &ends) != 0 || ends) continue;
      if (dwarf_lineaddr(line, &begin) != 0 || dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &end) != 0) continue;
      // Line 0 is code that came from nowhere.
      if (begin >= end || dwarf_lineno(line, &number) != 0 || number <= 0) continue;
      const char* name = dwarf_linesrc(line, nullptr, nullptr);
      if (name == nullptr) continue;
      by_file[std::filesystem::path(name).lexically_normal().string()].push_back(
          {.begin = begin, .end = end, .file = 0, .line = static_cast<uint32_t>(number)});
    }
  }
  for (auto& [name, rows] : by_file) {
    for (LineTable::Row& row : rows) {
      row.file = static_cast<uint32_t>(table.files.size());
      table.rows.push_back(row);
    }
    table.files.push_back(name);
  }
  std::ranges::sort(table.rows, {}, [](const LineTable::Row& row) { return std::tuple(row.begin, row.end, row.line); });
  return table;
}

}  // namespace jacinth::emu
