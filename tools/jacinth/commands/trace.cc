// `jacinth trace`: shows what happened in a recorded run, or where two of them differ.
//
// A recording holds what the run depends on; what happened is found out by making the run again, checked against the
// recording on the way. So a small file shows everything, in any form.
#include <fmt/format.h>

#include "tools/jacinth/command.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/trace_diff.h"
#include "tools/jacinth/trace_options.h"

namespace jacinth::cli {
namespace {

constexpr std::string_view kWho = "jacinth trace";

struct Options {
  TraceFlags flags;
  std::string output = "-";
  std::string program;
  std::optional<uint64_t> context;
};

int usage(std::string_view why) {
  say(kWho, why);
  return number(ExitCode::kUsage);
}

int trace_file(const Options& options, const ViewOptions& view, const std::string& file) {
  if (options.context) return usage("--context is for jacinth trace diff");
  if (std::string problem = unfit_output(view, options.output); !problem.empty()) return usage(problem);
  ReplayRequest request;
  request.who = kWho;
  request.file = file;
  request.program = options.program;
  request.print_output = false;
  request.strace = options.output;
  request.view = view;
  return replay_run(request);
}

int diff(const Options& options, const ViewOptions& view, const std::vector<std::string>& files) {
  if (files.size() != 3)
    return usage(fmt::format("diff takes two recordings, not {}: jacinth trace diff A B", files.size() - 1));
  if (view.kind != ViewKind::kStrace || view.strace.relative)
    return usage("diff has a form of its own: it takes neither -c, -r, --json, --jsonl nor --format");
  if (!options.program.empty()) return usage("--program is for one recording: diff takes those that hold theirs");
  TraceDiffRequest request{.a = files[1], .b = files[2], .output = options.output, .view = view};
  request.context = static_cast<size_t>(options.context.value_or(request.context));
  return trace_diff(request);
}

int trace(const Options& options, const std::vector<std::string>& rest) {
  auto view = view_options(options.flags, "");
  if (!view) return usage(view.error());
  if (rest.front() == "diff") return diff(options, *view, rest);
  if (rest.size() > 1) return usage(fmt::format("one recording at a time, not '{}' as well", rest[1]));
  return trace_file(options, *view, rest.front());
}

}  // namespace

Command trace_command() {
  return {
      .name = "trace",
      .summary = "Show what happened in a recorded run, or where two differ",
      .description =
          "Makes a recorded run again and shows it: a line for each system call, as jacinth run --strace would have "
          "printed it, or in another form (--format). What the program prints is left out. Should the run not be the "
          "one that was recorded, the trace ends at the first difference with exit code 175.\n\n"
          "jacinth trace diff A B makes two recorded runs again and prints the first thing that a thread did "
          "otherwise in one than in the other, with what it did before. Koids, handles, addresses and times are no "
          "differences. The exit code is 0 when the two runs did the same and 1 when not.",
      .arguments = "FILE | diff A B",
      .examples =
          {
              {"jacinth trace hello.jtrace", "every call"},
              {"jacinth trace --calls=channel -o calls.txt run.jtrace", "calls on channels, into a file"},
              {"jacinth trace -c run.jtrace", "which calls there were, and where the time went"},
              {"jacinth trace -Z --from=1.5s run.jtrace", "what failed late in the run"},
              {"jacinth trace --format=fxt -o run.fxt run.jtrace", "a time line to open at ui.perfetto.dev"},
              {"jacinth trace --format=lcov -o run.info run.jtrace", "which lines ran, for genhtml"},
              {"jacinth trace diff good.jtrace bad.jtrace", "where two runs part"},
          },
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<Options>();
        add_text(app, "-o,--output", options->output, "FILE", "Where it goes (default -, standard output)");
        add_trace_options(app, options->flags, "");
        add_text(app, "--program", options->program, "FILE",
                 "Where the program is, when the recording holds only its digest");
        add_value(app, "--context", options->context, parse_number, "N",
                  "With diff: so many events before and after the difference (default 3)");
        return [options, &rest] { return trace(*options, rest); };
      },
  };
}

}  // namespace jacinth::cli
