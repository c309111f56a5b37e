#include "tools/jacinth/run_options.h"

#include <fmt/format.h>

#include <array>

#include "kernel/object/kernel_options.h"
#include "tools/jacinth/inject.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/suggest.h"

namespace jacinth::cli {
namespace {

/// What is wrong with an option of the kernel's; nothing when it can be passed on. One that the real kernel knows and
/// that changes nothing here is passed on, with a word about it.
std::optional<std::string> kernel_option_problem(std::string_view who, const std::string& name,
                                                 const std::string& value) {
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
  if (!option->modelled) say(who, fmt::format("--kernel-arg: {} changes nothing here: {}", name, option->sentence));
  return std::nullopt;
}

/// GUEST=HOST[:rw].
std::expected<FolderRequest, std::string> parse_folder(const std::string& text) {
  FolderRequest folder;
  size_t equals = text.find('=');
  if (equals == text.npos) return std::unexpected(fmt::format("'{}' is not GUEST=HOST[:rw]", text));
  folder.guest = text.substr(0, equals);
  folder.host = text.substr(equals + 1);
  if (folder.host.ends_with(":rw")) {
    folder.writable = true;
    folder.host.resize(folder.host.size() - 3);
  }
  if (folder.host.empty()) return std::unexpected(fmt::format("'{}' names no folder of the host", text));
  bool good = folder.guest.size() > 1 && folder.guest.starts_with('/') && !folder.guest.ends_with('/') &&
              folder.guest.find("//") == folder.guest.npos && (folder.guest + '/').find("/../") == folder.guest.npos &&
              (folder.guest + '/').find("/./") == folder.guest.npos;
  if (!good) return std::unexpected(fmt::format("'{}' is no place in a namespace: it takes /name", folder.guest));
  return folder;
}

/// What is wrong with what the program is to be given beside itself; nothing when it can be.
std::optional<std::string> complete_launch(RunOptions& options) {
  LaunchRequest& launch = options.request.launch;
  launch.has_libraries = !options.libs.empty();
  for (const std::string& text : options.libs) {
    for (size_t begin = 0; begin <= text.size();) {
      size_t colon = std::min(text.find(':', begin), text.size());
      if (colon > begin) launch.libraries.push_back(text.substr(begin, colon - begin));
      begin = colon + 1;
    }
  }
  for (const std::string& text : options.dirs) {
    auto folder = parse_folder(text);
    if (!folder) return fmt::format("--dir: {}", folder.error());
    for (const FolderRequest& other : launch.folders)
      if (other.guest == folder->guest) return fmt::format("--dir: {} is there twice", folder->guest);
    launch.folders.push_back(std::move(*folder));
  }
  // Of a snapshot: what it says.
  if (!options.request.from.empty()) return std::nullopt;
  launch.sockets = options.stdio.empty() ? launch.any() : options.stdio == "sockets";
  if (launch.input == "none") launch.input.clear();
  if (launch.input == "-" && options.request.console_input == "-") launch.input.clear();
  return std::nullopt;
}

/// What a snapshot says, and nobody else can.
constexpr std::array kInSnapshots = {"--board",         "--cpus",       "--ram",  "--seed", "--env", "--on-unsupported",
                                     "--aslr",          "--kernel-arg", "--root", "--libs", "--dir", "--stdio",
                                     "--console-input", "--inject",     "--vdso"};

/// What does not go with --from; nothing when all does.
std::optional<std::string> from_problem(const RunOptions& options, const std::vector<std::string>& rest) {
  if (!rest.empty())
    return fmt::format("--from takes no program and no arguments, and there is '{}': they are in the snapshot",
                       rest.front());
  for (const char* name : kInSnapshots) {
    const CLI::Option* option = options.app->get_option_no_throw(name);
    if (option != nullptr && option->count() > 0)
      return fmt::format("--from and {} do not go together: a run goes on as it began", name);
  }
  return std::nullopt;
}

/// TIME FILE, as often as it was given.
std::optional<std::string> complete_saves(RunOptions& options) {
  for (const auto& [time, file] : options.saves) {
    auto at = parse_duration(time);
    if (!at) return fmt::format("--save-at: {}", at.error());
    if (file.empty()) return "--save-at: the file has no name";
    for (const SaveRequest& other : options.request.saves)
      if (other.file == file) return fmt::format("--save-at: {} is there twice", file);
    options.request.saves.push_back({.at = Time{at->ns}, .file = file});
  }
  return std::nullopt;
}

}  // namespace

std::optional<RunRequest> complete(RunOptions& options, const std::vector<std::string>& rest) {
  RunRequest& request = options.request;
  std::optional<std::string> snapshots = complete_saves(options);
  if (!request.from.empty()) {
    if (!snapshots) snapshots = from_problem(options, rest);
  } else {
    request.file = rest.front();
    request.arguments.assign(rest.begin() + 1, rest.end());
  }
  if (snapshots) {
    say(request.who, *snapshots);
    return std::nullopt;
  }
  if (!options.board.empty()) {
    request.board = boards::find_board(options.board);
    if (request.board == nullptr) {
      std::vector<std::string> names;
      for (const boards::Board* board : boards::boards()) names.emplace_back(board->name);
      std::string meant = closest(options.board, names);
      say(request.who, fmt::format("there is no board {}{}; see jacinth boards", options.board,
                                   meant.empty() ? "" : fmt::format(", did you mean {}?", meant)));
      return std::nullopt;
    }
  }
  for (const auto& [name, value] : request.kernel_options) {
    if (std::optional<std::string> problem = kernel_option_problem(request.who, name, value)) {
      say(request.who, fmt::format("--kernel-arg: {}", *problem));
      return std::nullopt;
    }
  }
  auto injections = parse_injections(options.injections);
  if (!injections) {
    say(request.who, fmt::format("--inject: {}", injections.error()));
    return std::nullopt;
  }
  request.injections = std::move(*injections);
  for (const std::string& path : options.symbols) {
    auto file = emu::SymbolFile::open(path);
    std::string problem = !file                         ? file.error()
                          : (*file)->build_id().empty() ? "it has no build ID, by which the program would be found"
                                                        : "";
    if (!problem.empty()) {
      say(request.who, fmt::format("--symbols: {}: {}", path, problem));
      return std::nullopt;
    }
    request.symbols.push_back(std::move(*file));
  }
  request.cpus = static_cast<unsigned>(std::min<uint64_t>(options.cpus, 1'000'000));
  request.stop_at_unsupported = options.on_unsupported == "stop";
  if (options.aslr == "off") request.kernel_options.emplace_back("aslr.disable", "true");
  request.color = options.color == "always"  ? ColorChoice::kAlways
                  : options.color == "never" ? ColorChoice::kNever
                                             : ColorChoice::kAuto;
  if (std::optional<std::string> problem = complete_launch(options)) {
    say(request.who, *problem);
    return std::nullopt;
  }
  if (options.strace != RunOptions::kNoTrace) request.strace = options.strace;
  if (!options.output.empty()) request.strace = options.output;
  auto view = view_options(options.trace, RunOptions::kTracePrefix);
  if (!view) {
    say(request.who, view.error());
    return std::nullopt;
  }
  request.view = std::move(*view);
  if (options.trace.any() && !request.strace) request.strace = "";
  if (request.strace) {
    if (std::string problem = unfit_output(request.view, *request.strace); !problem.empty()) {
      say(request.who, problem);
      return std::nullopt;
    }
  }
  if (!options.record.file.empty()) {
    RecordRequest& record = options.record;
    record.level = options.record_level == "none"   ? emu::RecordLevel::kNone
                   : options.record_level == "full" ? emu::RecordLevel::kFull
                                                    : emu::RecordLevel::kDigests;
    record.embed = !options.no_embed;
    record.stop_on_error = options.on_record_error == "stop";
    if (options.record_limit != 0) record.limit.bytes = options.record_limit;
    record.limit.ring = options.record_ring;
    if (record.limit.ring && options.record_limit == 0) {
      say(request.who, "--record-ring needs --record-limit=SIZE");
      return std::nullopt;
    }
    request.record = record;
  }
  return request;
}

void add_machine_options(CLI::App& app, RunOptions& options) {
  RunRequest& request = options.request;
  add_text(app, "--board", options.board, "BOARD", "Run on this board; by default the one for the file's architecture");
  add_value(app, "--cpus", options.cpus, parse_number, "N", "Emulated CPUs (default 2)");
  add_value(app, "--ram", request.ram, parse_size, "SIZE", "Memory, such as 512M or 4G (default: the board's)");
  add_value(app, "--seed", request.seed, parse_number, "N",
            "All the chance there is: another seed, another layout of memory and other handle values (default 0)");
  add_assignments(app, "--env", request.environment, "Set a variable in the program's environment; may be repeated");
  add_choice(app, "--on-unsupported", options.on_unsupported, "error|stop",
             "When the program uses something that Jacinth lacks: it gets the documented error (default), or the "
             "run ends with exit code 172");
  add_choice(app, "--aslr", options.aslr, "on|off", "Whether the seed decides where things lie in memory (default on)");
  add_assignments(app, "--kernel-arg", request.kernel_options,
                  "Set an option of the kernel's command line, by its name in Zircon; may be repeated");
  app.add_flag("--root", request.root,
               "Give the program what the first one of a real system gets: the root job as its default job, and "
               "resource handles for everything");
  app.add_option("--libs", options.libs,
                 "Where a program with a dynamic linker has its libraries from: folders, or an SDK; may be repeated")
      ->type_name("DIR[:DIR...]")
      ->allow_extra_args(false)
      ->expected(1)
      ->take_all();
  app.add_option("--dir", options.dirs,
                 "Give the program a folder under a path of its own, to read; with :rw also to write, which the host "
                 "sees when the run is over; may be repeated")
      ->type_name("GUEST=HOST[:rw]")
      ->allow_extra_args(false)
      ->expected(1)
      ->take_all();
  add_choice(app, "--stdio", options.stdio, "sockets|debuglog",
             "What descriptors 0, 1 and 2 are: sockets to and from this program's own (default with --libs or --dir), "
             "or the kernel's log (default otherwise)");
  add_text(app, "--stdin", request.launch.input, "FILE",
           "Where descriptor 0 reads from: FILE, - (standard input, the default) or none; with --stdio=sockets");
  app.add_option("--inject", options.injections,
                 "Put a result in the place of system calls: 'zx_vmo_create:error=ZX_ERR_NO_MEMORY:when=3+2' fails a "
                 "thread's third call and every second one after it; names, patterns and families, comma between; "
                 "retval=N puts in any number; may be repeated (docs/strace.md)")
      ->type_name("CALLS:error=STATUS[:when=FIRST[..LAST][+STEP]]")
      ->allow_extra_args(false)
      ->expected(1)
      ->take_all();
  app.add_option("--symbols", options.symbols,
                 "Where symbols and lines of a program are that was stripped: a separate debug file, or the program as "
                 "it was, known by its build ID; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->expected(1)
      ->take_all();
  add_text(
      app, "--vdso", request.vdso, "FILE",
      "Give processes this vDSO instead of Jacinth's own: libzircon.so of an SDK of July 2020, whose calls are known "
      "by its own numbers");
  add_text(
      app, "--console-input", request.console_input, "FILE",
      "What somebody types at the serial console, for zx_debug_read: the bytes of FILE (- is standard input, read to "
      "its end first), from the start of the run at 115200 baud");
  add_choice(app, "--color", options.color, "auto|always|never",
             "Colours on standard error (default auto: on a terminal, unless NO_COLOR is set)");
}

void add_account_options(CLI::App& app, RunOptions& options) {
  RunRequest& request = options.request;
  add_value(app, "--time-limit", request.time_limit, parse_duration, "TIME",
            "End after so much virtual time, such as 500ms, 10s or 2m; exit code 124");
  add_value(app, "--wall-limit", request.wall_limit, parse_duration, "TIME",
            "End after so much real time; exit code 124");
  app.add_flag("--strace{}", options.strace,
               "Print a line for each system call to standard error, or into FILE (- is standard output)")
      ->type_name("FILE");
  add_trace_options(app, options.trace, RunOptions::kTracePrefix);
  add_text(app, "--summary", request.summary, "FILE", "Write an account of the run as JSON (- is standard output)");
  app.add_flag("--counters", request.counters, "Print the kernel's counters at the end");
}

void add_from_option(CLI::App& app, RunOptions& options) {
  options.app = &app;
  add_text(app, "--from", options.request.from, "FILE",
           "Go on from a snapshot that --save-at saved, instead of running a program from its start");
}

void add_save_option(CLI::App& app, RunOptions& options) {
  app.add_option("--save-at", options.saves,
                 "Save a snapshot when so much virtual time has passed, for --from; may be repeated")
      ->type_name("TIME FILE")
      ->allow_extra_args(false)
      ->take_all();
}

void add_record_options(CLI::App& app, RunOptions& options) {
  add_choice(
      app, "--level,--record-level", options.record_level, "none|digests|full",
      "What to record of what happens: nothing but what the run depends on; a hash of each call with its results "
      "and of the machine every 10 ms (default); or everything that went in and out");
  add_value(app, "--record-limit", options.record_limit, parse_size, "SIZE",
            "Stop recording what happens when the file has this size");
  app.add_flag("--record-ring", options.record_ring, "At the limit, let the newest take the place of the oldest");
  app.add_flag("--no-embed", options.no_embed,
               "Keep the program's digest in the recording, not the program: a replay needs the file then");
  add_choice(app, "--on-record-error,--on-trace-error", options.on_record_error, "continue|stop",
             "When the recording cannot be written on: the run goes on (default), or ends with exit code 176");
}

}  // namespace jacinth::cli
