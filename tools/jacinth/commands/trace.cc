// `jacinth trace`: shows what happened in a recorded run.
//
// A recording holds what the run depends on; what happened is found out by making the run again, checked against the
// recording on the way. So a small file shows everything, in any form.
#include <fmt/format.h>

#include "tools/jacinth/call_choice.h"
#include "tools/jacinth/command.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/options.h"

namespace jacinth::cli {
namespace {

struct Options {
  ReplayRequest request;
  std::string output = "-";
  std::string calls;
  uint64_t string_limit = kernel::TextLimits{}.bytes;
  std::vector<std::string> tasks;
  Duration from;
  std::optional<Duration> until;
  bool failed = false;
  bool succeeded = false;
};

int trace(Options& options, const std::string& file) {
  ReplayRequest& request = options.request;
  request.who = "jacinth trace";
  request.file = file;
  request.print_output = false;
  request.strace = options.output;
  request.strace_options.limits.bytes = options.string_limit;
  if (!options.calls.empty()) {
    auto calls = chosen_calls(options.calls);
    if (!calls) {
      say(request.who, fmt::format("--calls: {}", calls.error()));
      return number(ExitCode::kUsage);
    }
    request.strace_options.calls = std::move(*calls);
  }
  kernel::StraceOptions& lines = request.strace_options;
  for (const std::string& word : options.tasks) {
    auto koid = parse_number(word);
    if (!koid) {
      say(request.who, fmt::format("--task: {}", koid.error()));
      return number(ExitCode::kUsage);
    }
    lines.tasks.push_back(*koid);
  }
  lines.from = Time{options.from.ns};
  if (options.until) lines.until = Time{options.until->ns};
  using Results = kernel::StraceOptions::Results;
  if (options.failed != options.succeeded) lines.results = options.failed ? Results::kFailed : Results::kSucceeded;
  return replay_run(request);
}

}  // namespace

Command trace_command() {
  return {
      .name = "trace",
      .summary = "Show what happened in a recorded run",
      .description =
          "Makes a recorded run again and prints a line for each system call, as jacinth run --strace would have done. "
          "What the program prints is left out. Should the run not be the one that was recorded, the trace ends at the "
          "first difference with exit code 175.",
      .arguments = "FILE",
      .examples =
          {
              {"jacinth trace hello.jtrace", "every call"},
              {"jacinth trace --calls=channel -o calls.txt run.jtrace", "calls on channels, into a file"},
              {"jacinth trace -c run.jtrace", "which calls there were, and where the time went"},
              {"jacinth trace -Z --from=1.5s run.jtrace", "what failed late in the run"},
          },
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<Options>();
        add_text(app, "-o,--output", options->output, "FILE", "Where the lines go (default -, standard output)");
        add_text(app, "-e,--calls", options->calls, "LIST",
                 "Only these calls: names, patterns and families, such as 'channel,zx_vmo_*,!zx_vmo_read'");
        add_value(app, "-s,--size", options->string_limit, parse_number, "N",
                  "Show so many bytes of strings and buffers (default 32, at most 256)");
        app.add_option("-p,--task", options->tasks, "Only these processes and threads, by koid")
            ->type_name("KOID")
            ->delimiter(',')
            ->allow_extra_args(false);
        add_value(app, "--from", options->from, parse_duration, "TIME",
                  "Only what begins at this virtual time or later");
        add_value(app, "--until", options->until, parse_duration, "TIME", "Only what begins at this time or earlier");
        app.add_flag("-Z,--failed", options->failed, "Only calls that failed");
        app.add_flag("-z,--succeeded", options->succeeded, "Only calls that did not fail");
        app.add_flag("-c,--table", options->request.call_table,
                     "A table instead: each call, how often, how often in vain, and its time");
        add_text(app, "--program", options->request.program, "FILE",
                 "Where the program is, when the recording holds only its digest");
        return [options, &rest] { return trace(*options, rest.front()); };
      },
  };
}

}  // namespace jacinth::cli
