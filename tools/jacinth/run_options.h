// The options of commands that run a program: which machine, what the program is given, what to tell of the run.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/trace_options.h"

namespace jacinth::cli {

/// As they come from the command line; complete() makes a request of them.
struct RunOptions {
  /// Before the long names of options that say what is traced.
  static constexpr const char* kTracePrefix = "strace-";
  static constexpr const char* kNoTrace = "\n";  ///< No file is called that.

  RunRequest request;
  std::string board;
  uint64_t cpus = 2;
  std::string on_unsupported = "error";
  std::string aslr = "on";
  std::string color = "auto";
  std::string strace = kNoTrace;
  std::string output;
  TraceFlags trace;
  RecordRequest record;
  std::string record_level = "digests";
  uint64_t record_limit = 0;
  bool record_ring = false;
  bool no_embed = false;
  std::string on_record_error = "continue";
  std::vector<std::string> libs;
  std::vector<std::string> dirs;
  std::string stdio;
  std::vector<std::string> injections;
  std::vector<std::string> symbols;
  std::vector<std::pair<std::string, std::string>> saves;
  const CLI::App* app = nullptr;  ///< When --from is among the options.
};

/// The machine, and what the program is given.
void add_machine_options(CLI::App& app, RunOptions& options);
/// Limits, and what to tell of the run.
void add_account_options(CLI::App& app, RunOptions& options);
void add_record_options(CLI::App& app, RunOptions& options);
/// --from, with which there is no program among the arguments.
void add_from_option(CLI::App& app, RunOptions& options);
void add_save_option(CLI::App& app, RunOptions& options);

/// The request of these options, for the program and arguments in `rest`; nothing when they do not go together, which
/// has been said then.
std::optional<RunRequest> complete(RunOptions& options, const std::vector<std::string>& rest);

}  // namespace jacinth::cli
