// Coverage in the two forms that tools read: drcov version 2 (which blocks of which module ran: Lighthouse,
// Dragondance) and an lcov tracefile (how often each line and function ran: genhtml, and whatever CI shows coverage
// with).
//
// Left out: branches, which blocks alone do not tell.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "emu/debug/line_table.h"
#include "emu/debug/symbols.h"
#include "tools/jacinth/views/coverage.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {
namespace {

using Module = Coverage::Module;

/// The program goes by the name that it was started by.
std::string path_of(const Module& module, std::string_view program) {
  std::string_view last = program.substr(program.rfind('/') + 1);
  return module.name == last ? std::string(program) : module.name;
}

class DrcovView final : public View {
 public:
  explicit DrcovView(const Viewed& viewed)
      : output_(viewed.output), program_(viewed.program), coverage_(*viewed.coverage) {}

  void finish() override {
    // Modules are numbered by 16 bits; no guest has so many.
    std::span<const Module> modules = coverage_.modules();
    modules = modules.first(std::min<size_t>(modules.size(), 0xffff));
    std::string table;
    std::string blocks;
    size_t count = 0;
    for (size_t i = 0; i < modules.size(); ++i) {
      auto [begin, end] = modules[i].symbols->extent();
      table += fmt::format("{:2}, {:#018x}, {:#018x}, {:#018x}, {}\n", i, modules[i].bias + begin,
                           modules[i].bias + end, 0, path_of(modules[i], program_));
      for (const auto& [address, block] : modules[i].blocks) {
        struct Row {
          uint32_t start;
          uint16_t size;
          uint16_t module;
        } row{static_cast<uint32_t>(address - begin), static_cast<uint16_t>(std::min<uint32_t>(block.size, 0xffff)),
              static_cast<uint16_t>(i)};
        blocks.append(reinterpret_cast<const char*>(&row), sizeof row);
        ++count;
      }
    }
    output_.write(
        fmt::format("DRCOV VERSION: 2\nDRCOV FLAVOR: drcov-64\nModule Table: version 2, count {}\n"
                    "Columns: id, base, end, entry, path\n{}BB Table: {} bbs\n",
                    modules.size(), table, count));
    output_.write(blocks);
  }

 private:
  Output& output_;
  std::string_view program_;
  const Coverage& coverage_;
};

class LcovView final : public View {
 public:
  explicit LcovView(const Viewed& viewed) : output_(viewed.output), coverage_(*viewed.coverage) {}

  void finish() override {
    // A file that lies in several places counts as one.
    std::vector<const emu::SymbolFile*> files;
    for (const Module& module : coverage_.modules())
      if (std::ranges::find(files, module.symbols) == files.end()) files.push_back(module.symbols);
    for (const emu::SymbolFile* file : files) add(*file);
    for (const auto& [name, source] : sources_) write(name, source);
  }

 private:
  struct Function {
    uint32_t line = 0;
    uint64_t count = 0;
  };
  struct Source {
    std::map<uint32_t, uint64_t> lines;
    std::map<std::string, Function> functions;
  };

  /// How often the instruction at `address` ran.
  static uint64_t count_at(const std::map<uint64_t, Coverage::Block>& blocks, uint64_t longest, uint64_t address) {
    uint64_t count = 0;
    for (auto at = blocks.upper_bound(address); at != blocks.begin();) {
      --at;
      if (address - at->first >= longest) break;
      if (address - at->first < at->second.size) count += at->second.count;
    }
    return count;
  }

  void add(const emu::SymbolFile& file) {
    std::map<uint64_t, Coverage::Block> blocks;
    uint64_t longest = 0;
    for (const Module& module : coverage_.modules()) {
      if (module.symbols != &file) continue;
      for (const auto& [address, block] : module.blocks) {
        Coverage::Block& sum = blocks[address];
        sum.count += block.count;
        sum.size = std::max(sum.size, block.size);
        longest = std::max<uint64_t>(longest, sum.size);
      }
    }
    emu::LineTable table = emu::read_line_table(file.image());
    for (const emu::LineTable::Row& row : table.rows) {
      uint64_t& count = sources_[table.files[row.file]].lines[row.line];
      count = std::max(count, count_at(blocks, longest, row.begin));
    }
    file.for_each_function([&](uint64_t begin, uint64_t, const std::string& name) {
      const emu::LineTable::Row* row = table.at(begin);
      if (row == nullptr) return;
      Function& function = sources_[table.files[row->file]].functions[name];
      function.line = row->line;
      function.count += count_at(blocks, longest, begin);
    });
  }

  void write(const std::string& name, const Source& source) {
    std::string text = fmt::format("TN:\nSF:{}\n", name);
    size_t hit = 0;
    for (const auto& [function, at] : source.functions) text += fmt::format("FN:{},{}\n", at.line, function);
    for (const auto& [function, at] : source.functions) {
      text += fmt::format("FNDA:{},{}\n", at.count, function);
      hit += at.count != 0 ? 1 : 0;
    }
    text += fmt::format("FNF:{}\nFNH:{}\n", source.functions.size(), hit);
    hit = 0;
    for (const auto& [line, count] : source.lines) {
      text += fmt::format("DA:{},{}\n", line, count);
      hit += count != 0 ? 1 : 0;
    }
    text += fmt::format("LF:{}\nLH:{}\nend_of_record\n", source.lines.size(), hit);
    output_.write(text);
  }

  Output& output_;
  const Coverage& coverage_;
  std::map<std::string, Source> sources_;
};

}  // namespace

std::unique_ptr<View> make_coverage_view(const ViewOptions& options, const Viewed& viewed) {
  if (options.kind == ViewKind::kDrcov) return std::make_unique<DrcovView>(viewed);
  return std::make_unique<LcovView>(viewed);
}

}  // namespace jacinth::cli
