// `jacinth debug`: a run, or a recorded one made again, in the hands of a debugger.
#include <fmt/format.h>

#include <fstream>

#include "emu/trace/frame.h"
#include "tools/jacinth/command.h"
#include "tools/jacinth/debug/prompt.h"
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
  PromptOptions prompt;
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
  PromptOptions& prompt = options.prompt;
  if (!options.gdb.empty() && (!prompt.commands.empty() || !prompt.script.empty() || prompt.json || prompt.batch))
    return usage("--gdb and the options of the prompt do not go together");
  if (!prompt.script.empty() && !std::ifstream(prompt.script))
    return usage(fmt::format("--command-file: {} cannot be read", prompt.script));
  std::optional<RunRequest> request = complete(options.run, rest);
  if (!request) return number(ExitCode::kUsage);
  std::unique_ptr<DebugSession> session;
  PromptSession* at_prompt = nullptr;
  if (options.gdb.empty()) {
    prompt.who = who;
    auto made = std::make_unique<PromptSession>(prompt);
    at_prompt = made.get();
    session = std::move(made);
  } else {
    auto debugger = GdbDebugSession::open(who, options.gdb, true);
    if (!debugger) return usage(fmt::format("--gdb: {}", debugger.error()));
    session = std::move(*debugger);
  }

  int code = 0;
  if (!request->from.empty() || !is_recording(rest.front())) {
    request->driver = session.get();
    code = run_guest(*request);
  } else {
    if (rest.size() > 1) return usage("a recorded run has the arguments that it was recorded with");
    if (!request->injections.empty())
      return usage("--inject: a recorded run has what was injected when it was recorded");
    ReplayRequest replay;
    replay.who = who;
    replay.file = rest.front();
    replay.program = options.program;
    replay.vdso = request->vdso;
    replay.color = request->color;
    replay.symbols = request->symbols;
    replay.driver = session.get();
    code = replay_run(replay);
  }
  return at_prompt != nullptr && at_prompt->failed() && code == 0 ? number(ExitCode::kCommandFailed) : code;
}

}  // namespace

Command debug_command() {
  return {
      .name = "debug",
      .summary = "Debug a program, forwards and backwards",
      .description =
          "Starts a program like jacinth run, or makes a recorded run again, and opens a prompt: from system call to "
          "system call, forwards and backwards, to moments in the kernel, with a look at everything on the way ('help' "
          "lists the commands). With --gdb, gdb or LLDB say what to do instead. A run can always go back to any point; "
          "no recording is needed for that.\n\n"
          "Without a terminal, commands come from -e, -x or standard input, and the exit code is 177 when one of "
          "them failed. See docs/debug.md.",
      .arguments = "FILE [ARGUMENT...]",
      .instead_of_file = "--from",
      .examples =
          {
              {"jacinth debug demo", "a prompt; 'next-call' is a good beginning"},
              {"jacinth debug -e 'calls result=ZX_ERR_BAD_HANDLE' -e continue -e bt demo", "who used a bad handle"},
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
        app.add_option("-e,--execute", options->prompt.commands, "Do this command first; can be repeated")
            ->type_name("COMMAND")
            ->allow_extra_args(false);
        add_text(app, "-x,--command-file", options->prompt.script, "FILE", "Then the commands in this file");
        app.add_flag("--batch", options->prompt.batch, "Leave when these are done, also at a terminal");
        app.add_flag("--json", options->prompt.json, "A line of JSON for each answer");
        add_text(app, "--program", options->program, "FILE",
                 "Where the program is, when a recording holds only its digest");
        add_machine_options(app, options->run);
        add_from_option(app, options->run);
        return [options, &rest] { return debug(*options, rest); };
      },
  };
}

}  // namespace jacinth::cli
