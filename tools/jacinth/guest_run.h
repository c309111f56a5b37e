// One run of a guest, from its file to the exit code: puts the machine together, watches it, tells what happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "boards/board.h"
#include "emu/time/time.h"
#include "kernel/inspect/strace.h"
#include "tools/jacinth/output.h"

namespace jacinth::cli {

using Assignments = std::vector<std::pair<std::string, std::string>>;

struct RunRequest {
  std::string file;
  std::vector<std::string> arguments;  ///< Behind the file's own name.
  Assignments environment;

  const boards::Board* board = nullptr;  ///< Null: by the file's architecture.
  unsigned cpus = 2;
  uint64_t ram = 0;  ///< 0: the board's default.
  uint64_t seed = 0;
  Assignments kernel_options;
  /// A file whose bytes come in at the serial console; "-": standard input; empty: none.
  std::string console_input;
  /// The program gets the root job and all resources.
  bool root = false;

  std::optional<Duration> time_limit;
  std::optional<Duration> wall_limit;
  bool stop_at_unsupported = false;

  /// Where system calls are traced to: a file, "-", "" for standard error; nothing for no trace.
  std::optional<std::string> strace;
  kernel::StraceOptions strace_options;
  std::string summary;  ///< A file, "-", or empty.
  bool counters = false;
  ColorChoice color = ColorChoice::kAuto;
};

/// Runs it. What went wrong is said on standard error; the result is the exit code.
int run_guest(const RunRequest& request);

}  // namespace jacinth::cli
