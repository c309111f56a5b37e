// All lines of a file: those that source_at() finds one by one, and what no damage can do.
#include "emu/debug/line_table.h"

#include <cstdio>

#include "emu/debug/symbols.h"
#include "tests/support/random.h"
#include "tests/support/source_root.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

std::unique_ptr<SymbolFile> program(const char* arch) {
  return SymbolFile::open(build_path(std::string("tests/emu/debug/program_") + arch)).value();
}

}  // namespace

TEST_CASE("line table: It has the line that each place of the source is on") {
  for (const char* arch : {"arm64", "x86_64"}) {
    std::unique_ptr<SymbolFile> file = program(arch);
    LineTable table = read_line_table(file->image());
    REQUIRE_FALSE(table.rows.empty());
    for (const char* place : {"inlined_place", "outer_place", "outer", "_start"}) {
      INFO(place);
      uint64_t address = file->address_of(place).value();
      const LineTable::Row* row = table.at(address);
      REQUIRE(row != nullptr);
      REQUIRE((address >= row->begin && address < row->end));
      std::vector<SourceAt> source = file->source_at(address);
      REQUIRE(table.files[row->file] == source.front().file);
      REQUIRE(row->line == source.front().line);
    }
    REQUIRE(table.at(0) == nullptr);
    REQUIRE(table.at(~uint64_t{0}) == nullptr);
  }
}

TEST_CASE("line table: Files without lines, damaged ones and other ones give what can be read") {
  REQUIRE(read_line_table({}).rows.empty());
  std::unique_ptr<SymbolFile> file = program("arm64");
  for (uint64_t seed : test::seeds(300)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    test::Random random(seed);
    std::vector<char> damaged(file->image().begin(), file->image().end());
    for (int i = 0; i < 20; ++i) damaged[random.below(damaged.size())] = static_cast<char>(random.next());
    for (const LineTable::Row& row : read_line_table(damaged).rows) REQUIRE(row.begin < row.end);
  }
}

}  // namespace jacinth::emu
