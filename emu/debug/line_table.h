// All that a file's DWARF says of which code came from which line (libdw): for coverage, which asks for lines that were
// never reached as well.
//
// Left out: columns, discriminators, and which of several statements of a line an address belongs to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace jacinth::emu {

struct LineTable {
  /// Code from `begin` up to `end` comes from one line. Addresses are as the file has them.
  struct Row {
    uint64_t begin = 0;
    uint64_t end = 0;
    uint32_t file = 0;  ///< An index of `files`.
    uint32_t line = 0;
  };

  std::vector<std::string> files;  ///< By name.
  std::vector<Row> rows;           ///< By address.

  /// Null when no row has the address.
  const Row* at(uint64_t address) const;
};

/// What can be read of it; empty for a file without lines, or that is none.
LineTable read_line_table(std::span<const char> image);

}  // namespace jacinth::emu
