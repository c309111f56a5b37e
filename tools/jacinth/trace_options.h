// The options that say what of a run is shown, and how: those of `trace`, and the same for the trace of a live run.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "emu/time/time.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {

struct TraceFlags {
  std::string calls;
  uint64_t string_limit = kernel::TextLimits{}.bytes;
  std::vector<std::string> tasks;
  std::vector<std::string> objects;
  std::vector<std::string> statuses;
  std::optional<Duration> from;
  std::optional<Duration> until;
  bool failed = false;
  bool succeeded = false;
  bool relative = false;
  bool table = false;
  bool json = false;
  bool jsonl = false;
  std::string format;
  std::optional<Duration> period;
  /// What strace users type, and what is always so.
  bool follow = false;
  bool absolute = false;
  bool took = false;
  bool names = false;

  /// Whether any of them was given.
  bool any() const;
};

/// Adds them. `long_prefix` stands before those long names that would mean something else beside the options of a run:
/// "strace-" makes --strace-calls of --calls.
void add_trace_options(CLI::App& app, TraceFlags& flags, const std::string& long_prefix);

/// What they ask for. An error is for whoever typed them.
std::expected<ViewOptions, std::string> view_options(const TraceFlags& flags, const std::string& long_prefix);

/// Why the view cannot go there: bytes on a terminal. Empty when it can.
std::string unfit_output(const ViewOptions& view, const std::string& path);

}  // namespace jacinth::cli
