#include "tools/jacinth/guest_run.h"

#include <fmt/format.h>

#include "emu/replay/snapshot.h"
#include "kernel/boot/elf.h"
#include "kernel/object/kernel_options.h"
#include "tools/jacinth/guest_session.h"
#include "tools/jacinth/inject.h"
#include "tools/jacinth/vdso_file.h"
#include "tools/jacinth/version.h"

namespace jacinth::cli {
namespace {

/// What the run depends on, of what was asked for.
emu::RunDescription description(const RunRequest& request, const boards::Board& board) {
  emu::RunDescription run;
  run.version = version();
  run.board = board.name;
  run.cpus = request.cpus;
  run.ram = request.ram;
  run.seed = request.seed;
  run.kernel_options = request.kernel_options;
  run.program = request.file;
  run.arguments = request.arguments;
  run.environment = request.environment;
  run.root = request.root;
  run.stop_at_unsupported = request.stop_at_unsupported;
  if (request.time_limit) run.time_limit = request.time_limit->ns;
  for (const kernel::Injection& injection : request.injections) run.injections.push_back(injection_text(injection));
  run.vdso = request.vdso_file;
  return run;
}

emu::LaunchDescription launch_description(const LaunchRequest& request, HostInputs& inputs) {
  emu::LaunchDescription launch;
  launch.has_libraries = request.has_libraries;
  launch.sockets = request.sockets;
  launch.input_ready = inputs.has_input_ready();
  for (const FolderRequest& folder : request.folders)
    launch.folders.push_back({.guest = folder.guest, .writable = folder.writable});
  return launch;
}

/// A program that was read, or a snapshot, and what belongs to it.
struct Beginning {
  std::vector<std::byte> file;  // The snapshot refers to it.
  std::span<const std::byte> program;
  std::string console_input;
  std::optional<emu::Snapshot> snapshot;
  std::unique_ptr<HostInputs> inputs;
  std::optional<emu::LaunchDescription> launch;
};
using Failure = std::optional<int>;

/// Reads the program, and decides what is open yet.
Failure begin_with_program(RunRequest& request, Beginning& begin) {
  auto file = read_file(request.file);
  if (!file) return fail(request.who, file.error().code, fmt::format("{}: {}", request.file, file.error().text));
  begin.file = std::move(*file);
  begin.program = begin.file;
  std::expected<Arch, std::string> arch = kernel::elf_arch(begin.program);
  if (!arch) {
    bool snapshot = emu::Snapshot::recognizes(begin.file);
    return fail(
        request.who, ExitCode::kNotLoadable,
        fmt::format("{}: {}", request.file, snapshot ? "it is a snapshot: --from goes on from there" : arch.error()));
  }
  if (request.board == nullptr) request.board = &boards::default_board(*arch);
  if (request.board->arch != *arch)
    return fail(
        request.who, ExitCode::kNotLoadable,
        fmt::format("{}: it is for {}, and board {} is not", request.file, arch_name(*arch), request.board->name));
  boards::SystemOptions fit;
  fit.cpus = request.cpus;
  fit.ram = request.ram;
  if (std::string problem = boards::unfit(*request.board, fit); !problem.empty())
    return fail(request.who, ExitCode::kUsage, problem);

  if (auto problem = take_vdso(request)) return fail(request.who, problem->code, problem->text);

  // All of it, before anything runs: the run must not hang on when it comes.
  auto console_input = read_input(request.console_input);
  if (!console_input)
    return fail(request.who, ExitCode::kUsage,
                fmt::format("{}: {}", request.console_input, console_input.error().text));
  begin.console_input = std::move(*console_input);

  if (request.launch.any()) {
    request.launch.libraries = library_folders(request.launch.libraries, *arch == Arch::kArm64 ? "arm64" : "x64");
    begin.inputs = std::make_unique<HostInputs>(request.launch, &HostEvents::raised());
    begin.launch = launch_description(request.launch, *begin.inputs);
  }
  return std::nullopt;
}

/// Reads the snapshot, which says everything but what is told of the run.
Failure begin_with_snapshot(RunRequest& request, Beginning& begin) {
  auto bad = [&request](ExitCode code, std::string_view why) {
    return fail(request.who, code, fmt::format("--from: {}: {}", request.from, why));
  };
  auto file = read_file(request.from);
  if (!file) return bad(file.error().code, file.error().text);
  begin.file = std::move(*file);
  auto snapshot = emu::Snapshot::open(begin.file);
  if (!snapshot) return bad(ExitCode::kNotLoadable, snapshot.error());
  begin.snapshot = std::move(*snapshot);
  const emu::RunDescription& run = begin.snapshot->run;
  begin.program = begin.snapshot->program.bytes;
  if (std::string problem = unfit_state(begin.snapshot->state, run.version); !problem.empty())
    return bad(ExitCode::kNotLoadable, problem);
  if (std::string problem = unfit_description(run, begin.program); !problem.empty())
    return bad(ExitCode::kNotLoadable, problem);
  std::optional<Duration> time_limit = request.time_limit;
  describe(request, run);
  if (auto problem = take_vdso(request)) return bad(problem->code, problem->text);
  if (time_limit) request.time_limit = time_limit;
  begin.console_input = run.console_input;
  begin.launch = begin.snapshot->launch;
  if (!begin.launch) return std::nullopt;

  const emu::StateDescription& about = begin.snapshot->state.about();
  if (about.folders.size() != begin.launch->folders.size())
    return bad(ExitCode::kNotLoadable, "it does not say where its folders are");
  request.launch = {.has_libraries = begin.launch->has_libraries,
                    .libraries = about.libraries,
                    .sockets = begin.launch->sockets,
                    .input = request.launch.input == "none" ? "" : request.launch.input};
  for (size_t i = 0; i < about.folders.size(); ++i) {
    const auto& folder = begin.launch->folders[i];
    request.launch.folders.push_back({folder.guest, about.folders[i], folder.writable});
  }
  begin.inputs = std::make_unique<HostInputs>(request.launch, &HostEvents::raised(), begin.launch->input_ready,
                                              std::move(begin.snapshot->inputs));
  return std::nullopt;
}

}  // namespace

void describe(RunRequest& request, const emu::RunDescription& run) {
  request.file = run.program;
  request.arguments = run.arguments;
  request.environment = run.environment;
  request.board = boards::find_board(run.board);
  request.cpus = run.cpus;
  request.ram = run.ram;
  request.seed = run.seed;
  request.kernel_options = run.kernel_options;
  request.root = run.root;
  request.stop_at_unsupported = run.stop_at_unsupported;
  if (run.time_limit) request.time_limit = Duration{*run.time_limit};
  if (auto injections = parse_injections(run.injections)) request.injections = std::move(*injections);
  request.vdso_file = run.vdso;
}

std::optional<FileProblem> take_vdso(RunRequest& request) {
  if (request.vdso.empty() && !request.vdso_file) return std::nullopt;
  std::optional<Digest> wanted;
  if (request.vdso_file) {
    if (request.vdso.empty()) request.vdso = request.vdso_file->path;
    wanted = request.vdso_file->digest;
  }
  if (!request.vdso_file || !request.vdso_file->embedded) {
    auto bytes = read_file(request.vdso);
    if (!bytes) return FileProblem{bytes.error().code, fmt::format("{}: {}", request.vdso, bytes.error().text)};
    Digest digest = emu::digest_of_bytes(*bytes);
    if (wanted && *wanted != digest)
      return FileProblem{ExitCode::kNotLoadable, fmt::format("{}: it is not the vDSO that was recorded", request.vdso)};
    request.vdso_file = {.path = request.vdso, .digest = digest, .embedded = true, .bytes = std::move(*bytes)};
  }
  auto vdso = read_vdso(request.board->arch, request.vdso_file->bytes);
  if (!vdso) return FileProblem{ExitCode::kNotLoadable, fmt::format("{}: {}", request.vdso, vdso.error())};
  request.given_vdso = std::move(*vdso);
  return std::nullopt;
}

std::string unfit_description(const emu::RunDescription& run, std::span<const std::byte> program) {
  for (const auto& [name, value] : run.kernel_options) {
    const kernel::KernelOption* option = kernel::find_kernel_option(name);
    if (option == nullptr || !option->takes(value))
      return fmt::format("this jacinth has no kernel option {}={}", name, value);
  }
  if (auto injections = parse_injections(run.injections); !injections)
    return fmt::format("this jacinth cannot inject what was injected: {}", injections.error());
  const boards::Board* board = boards::find_board(run.board);
  if (board == nullptr) return fmt::format("this jacinth has no board {}", run.board);
  if (!program.empty()) {
    auto arch = kernel::elf_arch(program);
    if (!arch || *arch != board->arch) return "its program is none for its board";
  }
  boards::SystemOptions fit;
  fit.cpus = run.cpus;
  fit.ram = run.ram;
  return boards::unfit(*board, fit);
}

int run_guest(const RunRequest& asked) {
  RunRequest request = asked;
  Beginning begin;
  Failure refused = request.from.empty() ? begin_with_program(request, begin) : begin_with_snapshot(request, begin);
  if (refused) return *refused;
  HostInputs* inputs = begin.inputs.get();
  if (inputs != nullptr) {
    if (std::string problem = inputs->problem(); !problem.empty()) return fail(request.who, ExitCode::kUsage, problem);
  }
  for (const SaveRequest& save : request.saves) {
    if (std::string problem = unfit_new_file(save.file); !problem.empty())
      return fail(request.who, ExitCode::kUsage, fmt::format("--save-at: {}: {}", save.file, problem));
  }

  std::unique_ptr<Output> trace_file;
  Output* trace = nullptr;
  if (request.strace) {
    trace = &Output::error();
    if (!request.strace->empty()) {
      auto opened = Output::open(*request.strace, Output::Flush::kWhenFull);
      if (!opened) return fail(request.who, ExitCode::kUsage, fmt::format("{}: {}", *request.strace, opened.error()));
      trace_file = std::move(*opened);
      trace = trace_file.get();
      if (*request.strace == "-") trace = &Output::standard();
    }
  }
  std::unique_ptr<Output> summary;
  if (!request.summary.empty()) {
    auto opened = Output::open(request.summary, Output::Flush::kWhenFull);
    if (!opened) return fail(request.who, ExitCode::kUsage, fmt::format("{}: {}", request.summary, opened.error()));
    summary = std::move(*opened);
  }
  emu::RunDescription run = description(request, *request.board);
  run.console_input = begin.console_input;
  std::unique_ptr<RunRecording> recording;
  if (request.record) {
    auto begun = RunRecording::begin(*request.record, run, begin.program);
    if (!begun) return fail(request.who, ExitCode::kUsage, fmt::format("{}: {}", request.record->file, begun.error()));
    recording = std::move(*begun);
    if (begin.snapshot) {
      if (auto copied = begin.snapshot->state.copy(recording->frames()); !copied)
        return fail(request.who, ExitCode::kNotLoadable, fmt::format("--from: {}: {}", request.from, copied.error()));
    }
    if (inputs != nullptr) {
      recording->launch(*begin.launch);
      inputs->set_recording(recording.get(), request.record->embed);
    }
  }
  std::optional<RunSnapshots> snapshots;
  if (!request.saves.empty())
    snapshots.emplace(request.who, request.saves,
                      SavedRun{.run = run, .program = begin.program, .launch = begin.launch, .inputs = inputs});
  SessionPartners partners{
      .console_input = begin.console_input, .trace = trace, .summary = summary.get(), .recording = recording.get()};
  partners.inputs = inputs;
  if (begin.snapshot) {
    partners.begin = &begin.snapshot->state;
    partners.begin_name = request.from;
  }
  if (snapshots) partners.snapshots = &*snapshots;
  partners.driver = request.driver;
  if (request.record) partners.level = request.record->level;
  if (recording != nullptr && request.record->level != emu::RecordLevel::kNone)
    partners.digest_period = recording->digest_period();
  GuestSession session(request, *request.board, partners);
  int exit_code = session.run(begin.program);
  if (recording != nullptr) {
    recording->finish(session.conclusion());
    if (std::string failure = recording->failure(); !failure.empty())
      say(request.who, fmt::format("{}: the recording is not complete: {}", request.record->file, failure));
  }
  return exit_code;
}

}  // namespace jacinth::cli
