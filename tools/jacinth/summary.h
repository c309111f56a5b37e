// The machine-readable account of a run (`--summary`): one JSON object. Fields are added, never renamed or dropped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boards/system.h"
#include "kernel/inspect/call_counts.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_run.h"

namespace jacinth::cli {

/// An exception that killed a process.
struct Crash {
  uint64_t process = 0;
  std::string process_name;
  uint64_t thread = 0;
  std::string exception;  // "ZX_EXCP_FATAL_PAGE_FAULT"
  std::string detail;
  uint64_t pc = 0;
  std::string place;  // "main+0x14 at demo.cc:42"

  void state(Archive& ar) { ar(process, process_name, thread, exception, detail, pc, place); }
};

struct RunAccount {
  int exit_code = 0;
  std::string_view exit_reason;
  std::optional<int64_t> return_code;  ///< Of the first process, if it came to an end.
  Duration host_time;
  std::vector<Crash> crashes;
};

/// The object as text, newline included.
std::string summary_json(const RunRequest& request, boards::System& system, const RunAccount& account,
                         const kernel::CallCounts& counts);

}  // namespace jacinth::cli
