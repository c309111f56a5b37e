// `jacinth run`: runs a program. `jacinth record`: the same, and writes down what happens.
#include <fmt/format.h>

#include "tools/jacinth/command.h"
#include "tools/jacinth/debug_session.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/run_options.h"

namespace jacinth::cli {
namespace {

struct GdbOptions {
  std::string address;
  bool no_wait = false;
};

int run(RunOptions& options, const std::vector<std::string>& rest) {
  std::optional<RunRequest> request = complete(options, rest);
  return request ? run_guest(*request) : number(ExitCode::kUsage);
}

/// With a debugger that may come.
int run_with_gdb(RunOptions& options, const std::vector<std::string>& rest, const GdbOptions& gdb) {
  std::optional<RunRequest> request = complete(options, rest);
  if (!request) return number(ExitCode::kUsage);
  // Digests of the machine are taken at times of a run that nobody stops.
  if (request->record) request->record->digest_period = {};
  if (request->strace && request->view.kind != ViewKind::kStrace) {
    say(request->who,
        "--gdb goes with the lines of --strace, and with no other form: a run that goes back would be told twice");
    return number(ExitCode::kUsage);
  }
  if (!request->saves.empty()) {
    say(request->who, "--gdb does not go with --save-at: a run that goes back comes to that time more than once");
    return number(ExitCode::kUsage);
  }
  auto debugger = GdbDebugSession::open(request->who, gdb.address, !gdb.no_wait);
  if (!debugger) {
    say(request->who, fmt::format("--gdb: {}", debugger.error()));
    return number(ExitCode::kUsage);
  }
  request->driver = debugger->get();
  return run_guest(*request);
}

}  // namespace

Command run_command() {
  return {
      .name = "run",
      .summary = "Run a program",
      .description =
          "Loads an ELF executable (fixed address or static PIE, arm64 or x86-64) into the first process of a machine "
          "and runs it to its end. What it prints goes to standard output, everything that Jacinth has to say to "
          "standard error.\n\n"
          "Time is virtual: it comes from the code that runs, not from a clock, and jumps when everybody sleeps. The "
          "same program with the same options is the same run, instruction by instruction, on any host.\n\n"
          "The exit code is the program's return code modulo 256; limits, exceptions and the like have codes of their "
          "own (docs/reference/exit-codes.md).",
      .arguments = "FILE [ARGUMENT...]",
      .instead_of_file = "--from",
      .examples =
          {
              {"jacinth run hello", "a program on the board for its architecture"},
              {"jacinth run --strace=calls.txt hello -- --its-own-option", "its system calls into a file"},
              {"jacinth run --time-limit=10s --summary=run.json test", "in CI: a limit, and an account to read"},
              {"jacinth run --save-at 2s booted.jsnap server", "a snapshot on the way"},
              {"jacinth run --from=booted.jsnap", "the same run from there to its end"},
          },
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<RunOptions>();
        add_machine_options(app, *options);
        add_account_options(app, *options);
        add_text(app, "-o,--output", options->output, "FILE", "The same as --strace=FILE");
        add_text(app, "--record", options->record.file, "FILE", "Record the run, for jacinth replay and jacinth trace");
        add_record_options(app, *options);
        add_save_option(app, *options);
        add_from_option(app, *options);
        auto gdb = std::make_shared<GdbOptions>();
        add_text(app, "--gdb", gdb->address, "[HOST:]PORT|unix:PATH",
                 "Wait for a debugger (gdb, LLDB) and do what it says; this computer only, unless HOST is given "
                 "(docs/debug.md)");
        app.add_flag("--gdb-no-wait", gdb->no_wait, "Do not wait: the run stops when a debugger comes");
        return [options, gdb, &rest] {
          return gdb->address.empty() ? run(*options, rest) : run_with_gdb(*options, rest, *gdb);
        };
      },
  };
}

Command record_command() {
  return {
      .name = "record",
      .summary = "Run a program and record it",
      .description =
          "Runs a program like jacinth run, and writes a recording: what the run depends on, the program, and what "
          "happened. jacinth replay makes the same run again and shows that it is the same; jacinth trace shows what "
          "happened in it.\n\n"
          "The recording holds everything that the run depends on, so that it can be taken to another machine. Without "
          "-o it is called after the program: hello.jtrace.",
      .arguments = "FILE [ARGUMENT...]",
      .instead_of_file = "--from",
      .examples =
          {
              {"jacinth record hello", "a recording in hello.jtrace"},
              {"jacinth record -o run.jtrace --record-level=full test", "with all arguments, results and data"},
              {"jacinth record --record-limit=64M --record-ring server", "only the newest of what happens"},
          },
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<RunOptions>();
        options->request.who = "jacinth record";
        add_text(app, "-o,--output", options->record.file, "FILE", "The recording's file");
        add_record_options(app, *options);
        add_machine_options(app, *options);
        add_account_options(app, *options);
        add_save_option(app, *options);
        add_from_option(app, *options);
        return [options, &rest] {
          std::string& file = options->record.file;
          const std::string& from = options->request.from;
          const std::string& name = from.empty() ? rest.front() : from;
          if (file.empty()) file = name.substr(name.rfind('/') + 1) + ".jtrace";
          return run(*options, rest);
        };
      },
  };
}

}  // namespace jacinth::cli
