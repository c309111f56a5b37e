// What can be made of a run while it is made: lines, tables, events for programs, time lines, call stacks, coverage.
// Each view is an observer of the run, so that any recording can be seen in any form.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "boards/system.h"
#include "emu/time/time.h"
#include "kernel/inspect/strace.h"
#include "kernel/inspect/trace_records.h"
#include "tools/jacinth/guest_code.h"
#include "tools/jacinth/output.h"
#include "tools/jacinth/run_driver.h"

namespace jacinth::cli {

class Coverage;

enum class ViewKind : uint8_t { kStrace, kTable, kJson, kJsonl, kFxt, kChrome, kFolded, kDrcov, kLcov, kRecords };

struct ViewOptions {
  ViewKind kind = ViewKind::kStrace;
  kernel::StraceOptions strace;
  /// Between two looks at call stacks, in time in which code runs.
  Duration period{10'000};
  /// Of kRecords.
  kernel::RecordSink* records = nullptr;
};

/// The words of --format, and what each is.
struct ViewRow {
  ViewKind kind;
  std::string_view name;
  bool binary;
};
std::span<const ViewRow> view_rows();
/// Null for a word that is none.
const ViewRow* find_view(std::string_view name);
/// Whether it needs to hear of each block of code that runs.
constexpr bool needs_blocks(ViewKind kind) { return kind == ViewKind::kDrcov || kind == ViewKind::kLcov; }

class View {
 public:
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  virtual ~View() = default;
  /// After so many bytes of executed code look() shall be called, with the machine standing still.
  virtual uint64_t next_look() const { return kNever; }
  virtual void look() {}
  /// The run is over.
  virtual void finish() {}
};

/// What a view sees, and where it writes. All of it outlives the view.
struct Viewed {
  boards::System& system;
  SymbolizedCode& code;
  Output& output;
  std::string_view program;
  Coverage* coverage = nullptr;  ///< When the kind needs blocks.
  /// Who knows what was told before; null: nothing was.
  RunDriver* driver = nullptr;
};

std::unique_ptr<View> make_view(const ViewOptions& options, const Viewed& viewed);

// One function per file.
std::unique_ptr<View> make_json_view(const ViewOptions& options, const Viewed& viewed);
std::unique_ptr<View> make_fxt_view(const ViewOptions& options, const Viewed& viewed);
std::unique_ptr<View> make_chrome_view(const ViewOptions& options, const Viewed& viewed);
std::unique_ptr<View> make_folded_view(const ViewOptions& options, const Viewed& viewed);
std::unique_ptr<View> make_coverage_view(const ViewOptions& options, const Viewed& viewed);

}  // namespace jacinth::cli
