#include "tools/jacinth/views/view.h"

#include <array>

#include "kernel/inspect/call_table.h"

namespace jacinth::cli {
namespace {

constexpr std::array<ViewRow, 9> kRows = {{
    {ViewKind::kStrace, "strace", false},
    {ViewKind::kTable, "table", false},
    {ViewKind::kJson, "json", false},
    {ViewKind::kJsonl, "jsonl", false},
    {ViewKind::kFxt, "fxt", true},
    {ViewKind::kChrome, "chrome", false},
    {ViewKind::kFolded, "folded", false},
    {ViewKind::kDrcov, "drcov", true},
    {ViewKind::kLcov, "lcov", false},
}};

class StraceView final : public View, private kernel::LineSink {
 public:
  StraceView(const ViewOptions& options, const Viewed& viewed)
      : output_(viewed.output), driver_(viewed.driver), strace_(viewed.system.kernel().core(), *this, options.strace) {}

 private:
  void line(std::string_view text) override {
    if (driver_ == nullptr || !driver_->again()) output_.write(text);
  }

  Output& output_;
  RunDriver* driver_;
  kernel::Strace strace_;
};

class TableView final : public View {
 public:
  TableView(const ViewOptions& options, const Viewed& viewed)
      : output_(viewed.output), table_(viewed.system.kernel().core(), options.strace.filter) {}
  void finish() override { output_.write(table_.text()); }

 private:
  Output& output_;
  kernel::CallTable table_;
};

class RecordsView final : public View {
 public:
  RecordsView(const ViewOptions& options, const Viewed& viewed)
      : records_(viewed.system.kernel().core(), *options.records, options.strace.limits, options.strace.filter) {}
  void finish() override { records_.finish(); }

 private:
  kernel::TraceRecords records_;
};

}  // namespace

std::span<const ViewRow> view_rows() { return kRows; }

const ViewRow* find_view(std::string_view name) {
  for (const ViewRow& row : kRows)
    if (row.name == name) return &row;
  return nullptr;
}

std::unique_ptr<View> make_view(const ViewOptions& options, const Viewed& viewed) {
  switch (options.kind) {
    case ViewKind::kStrace: return std::make_unique<StraceView>(options, viewed);
    case ViewKind::kTable: return std::make_unique<TableView>(options, viewed);
    case ViewKind::kJson:
    case ViewKind::kJsonl: return make_json_view(options, viewed);
    case ViewKind::kFxt: return make_fxt_view(options, viewed);
    case ViewKind::kChrome: return make_chrome_view(options, viewed);
    case ViewKind::kFolded: return make_folded_view(options, viewed);
    case ViewKind::kDrcov:
    case ViewKind::kLcov: return make_coverage_view(options, viewed);
    case ViewKind::kRecords: return std::make_unique<RecordsView>(options, viewed);
  }
  return nullptr;
}

}  // namespace jacinth::cli
