// `jacinth run`: runs a program.
#include <fmt/format.h>

#include "kernel/abi/syscall_info.h"
#include "kernel/object/kernel_options.h"
#include "tools/jacinth/command.h"
#include "tools/jacinth/exit_code.h"
#include "tools/jacinth/guest_run.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/suggest.h"

namespace jacinth::cli {
namespace {

struct Options {
  RunRequest request;
  std::string board;
  uint64_t cpus = 2;
  std::string on_unsupported = "error";
  std::string aslr = "on";
  std::string color = "auto";
  std::string strace;
  std::string output;
  std::string calls;
  uint64_t string_limit = kernel::TextLimits{}.bytes;
};

constexpr std::string_view kNoTrace = "\n";  // No file is called that.

/// "zx_port_*,!zx_port_wait": which calls a trace shows, by number. Later words win; without a first positive one, all
/// calls are shown that no word takes away.
std::expected<std::vector<bool>, std::string> chosen_calls(const std::string& list) {
  auto matches = [](auto&& self, std::string_view pattern, std::string_view name) -> bool {
    if (pattern.empty()) return name.empty();
    if (pattern[0] == '*')
      return self(self, pattern.substr(1), name) || (!name.empty() && self(self, pattern, name.substr(1)));
    return !name.empty() && pattern[0] == name[0] && self(self, pattern.substr(1), name.substr(1));
  };
  std::vector<bool> chosen;
  for (const abi::SyscallInfo& info : abi::syscalls())
    if (info.number >= 0 && static_cast<size_t>(info.number) >= chosen.size())
      chosen.resize(static_cast<size_t>(info.number) + 1);
  chosen.assign(chosen.size(), list.starts_with('!'));
  for (size_t begin = 0; begin <= list.size();) {
    size_t end = std::min(list.find(',', begin), list.size());
    std::string_view word = std::string_view(list).substr(begin, end - begin);
    begin = end + 1;
    bool wanted = !word.starts_with('!');
    if (!wanted) word.remove_prefix(1);
    bool found = false;
    for (const abi::SyscallInfo& info : abi::syscalls()) {
      if (info.number < 0) continue;
      if (!matches(matches, word, info.name) && !matches(matches, word, info.name.substr(3)) && word != info.category)
        continue;
      chosen[static_cast<size_t>(info.number)] = wanted;
      found = true;
    }
    if (!found) return std::unexpected(fmt::format("no system call is like '{}'", word));
  }
  return chosen;
}

/// What is wrong with an option of the kernel's; nothing when it can be passed on. One that the real kernel knows and
/// that changes nothing here is passed on, with a word about it.
std::optional<std::string> kernel_option_problem(const std::string& name, const std::string& value) {
  const kernel::KernelOption* option = kernel::find_kernel_option(name);
  if (option == nullptr) {
    std::vector<std::string> names;
    for (const kernel::KernelOption& known : kernel::kernel_options()) names.emplace_back(known.name);
    std::vector<std::string> near = similar(name, names);
    return fmt::format("the kernel has no option '{}'{}", name,
                       near.empty() ? "; see docs/reference/kernel-options.md"
                                    : fmt::format(", did you mean {}?", fmt::join(near, " or ")));
  }
  if (!option->takes(value))
    return fmt::format("'{}' is no value for {}: it takes {}", value, name,
                       option->kind == kernel::KernelOption::Kind::kNumber && !option->words.empty()
                           ? fmt::format("a number up to {}", option->words)
                           : option->shows());
  if (!option->modelled)
    say("jacinth run", fmt::format("--kernel-arg: {} changes nothing here: {}", name, option->sentence));
  return std::nullopt;
}

int run(Options& options, const std::vector<std::string>& rest) {
  RunRequest& request = options.request;
  request.file = rest.front();
  request.arguments.assign(rest.begin() + 1, rest.end());
  if (!options.board.empty()) {
    request.board = boards::find_board(options.board);
    if (request.board == nullptr) {
      std::vector<std::string> names;
      for (const boards::Board* board : boards::boards()) names.emplace_back(board->name);
      std::string meant = closest(options.board, names);
      say("jacinth run", fmt::format("there is no board {}{}; see jacinth boards", options.board,
                                     meant.empty() ? "" : fmt::format(", did you mean {}?", meant)));
      return number(ExitCode::kUsage);
    }
  }
  for (const auto& [name, value] : request.kernel_options) {
    if (std::optional<std::string> problem = kernel_option_problem(name, value)) {
      say("jacinth run", fmt::format("--kernel-arg: {}", *problem));
      return number(ExitCode::kUsage);
    }
  }
  request.cpus = static_cast<unsigned>(std::min<uint64_t>(options.cpus, 1'000'000));
  request.stop_at_unsupported = options.on_unsupported == "stop";
  if (options.aslr == "off") request.kernel_options.emplace_back("aslr.disable", "true");
  request.color = options.color == "always"  ? ColorChoice::kAlways
                  : options.color == "never" ? ColorChoice::kNever
                                             : ColorChoice::kAuto;
  if (options.strace != kNoTrace) request.strace = options.strace;
  if (!options.output.empty()) request.strace = options.output;
  request.strace_options.limits.bytes = options.string_limit;
  if (!options.calls.empty()) {
    auto calls = chosen_calls(options.calls);
    if (!calls) {
      say("jacinth run", fmt::format("--strace-calls: {}", calls.error()));
      return number(ExitCode::kUsage);
    }
    request.strace_options.calls = std::move(*calls);
    if (!request.strace) request.strace = "";
  }
  return run_guest(request);
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
      .examples =
          {
              {"jacinth run hello", "a program on the board for its architecture"},
              {"jacinth run --strace=calls.txt hello -- --its-own-option", "its system calls into a file"},
              {"jacinth run --time-limit=10s --summary=run.json test", "in CI: a limit, and an account to read"},
          },
      .prepare = [](CLI::App& app, const std::vector<std::string>& rest) -> Action {
        auto options = std::make_shared<Options>();
        RunRequest& request = options->request;
        options->strace = kNoTrace;
        add_text(app, "--board", options->board, "BOARD",
                 "Run on this board; by default the one for the file's architecture");
        add_value(app, "--cpus", options->cpus, parse_number, "N", "Emulated CPUs (default 2)");
        add_value(app, "--ram", request.ram, parse_size, "SIZE", "Memory, such as 512M or 4G (default: the board's)");
        add_value(app, "--time-limit", request.time_limit, parse_duration, "TIME",
                  "End after so much virtual time, such as 500ms, 10s or 2m; exit code 124");
        add_value(app, "--wall-limit", request.wall_limit, parse_duration, "TIME",
                  "End after so much real time; exit code 124");
        add_value(
            app, "--seed", request.seed, parse_number, "N",
            "All the chance there is: another seed, another layout of memory and other handle values (default 0)");
        add_assignments(app, "--env", request.environment,
                        "Set a variable in the program's environment; may be repeated");
        app.add_flag("--strace{}", options->strace,
                     "Print a line for each system call to standard error, or into FILE (- is standard output)")
            ->type_name("FILE");
        add_text(app, "-o,--output", options->output, "FILE", "The same as --strace=FILE");
        add_text(app, "--strace-calls", options->calls, "LIST",
                 "Trace only these calls: names, patterns and families, such as 'channel,zx_vmo_*,!zx_vmo_read'");
        add_value(app, "--strace-size", options->string_limit, parse_number, "N",
                  "Show so many bytes of strings and buffers (default 32, at most 256)");
        add_choice(app, "--on-unsupported", options->on_unsupported, "error|stop",
                   "When the program uses something that Jacinth lacks: it gets the documented error (default), or the "
                   "run ends with exit code 172");
        add_text(app, "--summary", request.summary, "FILE",
                 "Write an account of the run as JSON (- is standard output)");
        add_choice(app, "--aslr", options->aslr, "on|off",
                   "Whether the seed decides where things lie in memory (default on)");
        add_assignments(app, "--kernel-arg", request.kernel_options,
                        "Set an option of the kernel's command line, by its name in Zircon; may be repeated");
        app.add_flag("--root", request.root,
                     "Give the program what the first one of a real system gets: the root job as its default job, and "
                     "resource handles for everything");
        add_text(
            app, "--console-input", request.console_input, "FILE",
            "What somebody types at the serial console, for zx_debug_read: the bytes of FILE (- is standard input, "
            "read to its end first), from the start of the run at 115200 baud");
        app.add_flag("--counters", request.counters, "Print the kernel's counters at the end");
        add_choice(app, "--color", options->color, "auto|always|never",
                   "Colours on standard error (default auto: on a terminal, unless NO_COLOR is set)");
        return [options, &rest] { return run(*options, rest); };
      },
  };
}

}  // namespace jacinth::cli
