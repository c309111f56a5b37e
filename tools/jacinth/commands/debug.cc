// `jacinth debug`: a run, or a recorded one made again, in the hands of a debugger.
#include <fmt/format.h>

#include <fstream>

#include "emu/trace/frame.h"
#include "tools/jacinth/command.h"
#include "tools/jacinth/debug_session.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/run_options.h"

namespace jacinth::cli {
namespace {

struct Options {
  RunOptions run;
  std::string gdb;
  std::string program;
};

bool is_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string begin(emu::kTraceMagic.size(), '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin == emu::kTraceMagic;
}

int debug(Options& options, const std::vector<std::string>& rest) {
  std::string_view who = options.run.request.who;
  auto usage = [who](std::string_view text) {
    say(who, text);
    return number(ExitCode::kUsage);
  };
  if (options.gdb.empty()) return usage("say --gdb=[HOST:]PORT or --gdb=unix:PATH");
  std::optional<RunRequest> request = complete(options.run, rest);
  if (!request) return number(ExitCode::kUsage);
  auto debugger = GdbDebugSession::open(who, options.gdb, true);
  if (!debugger) return usage(fmt::format("--gdb: {}", debugger.error()));
  if (!is_recording(rest.front())) {
    request->driver = debugger->get();
    return run_guest(*request);
  }
  if (rest.size() > 1) return usage("a recorded run has the arguments that it was recorded with");
  ReplayRequest replay;
  replay.who = who;
  replay.file = rest.front();
  replay.program = options.program;
  replay.color = request->color;
  replay.driver = debugger->get();
  return replay_run(replay);
}

}  // namespace

Command debug_command() {
  return {
      .name = "debug",
      .summary = "Debug a program, forwards and backwards",
      .description =
          "Starts a program like jacinth run, or makes a recorded run again, and does what a debugger says: gdb or "
          "LLDB, "
          "which connect to --gdb's address. A run can go back to any point as well as forwards, with gdb's "
          "reverse-continue and its like; no recording is needed for that.\n\n"
          "See docs/debug.md.",
      .arguments = "FILE [ARGUMENT...]",
      .examples =
          {
              {"jacinth debug --gdb=1234 demo", "and then: gdb-multiarch -ex 'target extended-remote :1234'"},
              {"jacinth debug --gdb=unix:/tmp/socket run.jtrace", "a recorded run"},
          },
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<Options>();
        options->run.request.who = "jacinth debug";
        add_text(
            app, "--gdb", options->gdb, "[HOST:]PORT|unix:PATH",
            "Wait for a debugger (gdb, LLDB) there; this computer only, unless HOST is given. The line on standard "
            "error says which port, when 0 leaves it to the system");
        add_text(app, "--program", options->program, "FILE",
                 "Where the program is, when a recording holds only its digest");
        add_machine_options(app, options->run);
        return [options, &rest] { return debug(*options, rest); };
      },
  };
}

}  // namespace jacinth::cli
