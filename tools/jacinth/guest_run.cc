#include "tools/jacinth/guest_run.h"

#include <fmt/format.h>

#include "kernel/boot/elf.h"
#include "tools/jacinth/guest_session.h"
#include "tools/jacinth/inject.h"
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

}  // namespace

int run_guest(const RunRequest& request) {
  auto file = read_file(request.file);
  if (!file) return fail(request.who, file.error().code, fmt::format("{}: {}", request.file, file.error().text));
  std::expected<Arch, std::string> arch = kernel::elf_arch(*file);
  if (!arch) return fail(request.who, ExitCode::kNotLoadable, fmt::format("{}: {}", request.file, arch.error()));
  const boards::Board& board = request.board != nullptr ? *request.board : boards::default_board(*arch);
  if (board.arch != *arch)
    return fail(request.who, ExitCode::kNotLoadable,
                fmt::format("{}: it is for {}, and board {} is not", request.file, arch_name(*arch), board.name));
  boards::SystemOptions fit;
  fit.cpus = request.cpus;
  fit.ram = request.ram;
  if (std::string problem = boards::unfit(board, fit); !problem.empty())
    return fail(request.who, ExitCode::kUsage, problem);

  // All of it, before anything runs: the run must not hang on when it comes.
  auto console_input = read_input(request.console_input);
  if (!console_input)
    return fail(request.who, ExitCode::kUsage,
                fmt::format("{}: {}", request.console_input, console_input.error().text));

  std::unique_ptr<HostInputs> inputs;
  if (request.launch.any()) {
    LaunchRequest launch = request.launch;
    launch.libraries = library_folders(launch.libraries, *arch == Arch::kArm64 ? "arm64" : "x64");
    inputs = std::make_unique<HostInputs>(launch, &HostEvents::raised());
    if (std::string problem = inputs->problem(); !problem.empty()) return fail(request.who, ExitCode::kUsage, problem);
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
  std::unique_ptr<RunRecording> recording;
  if (request.record) {
    emu::RunDescription run = description(request, board);
    run.console_input = *console_input;
    auto begun = RunRecording::begin(*request.record, std::move(run), *file);
    if (!begun) return fail(request.who, ExitCode::kUsage, fmt::format("{}: {}", request.record->file, begun.error()));
    recording = std::move(*begun);
    if (inputs != nullptr) {
      recording->launch(launch_description(request.launch, *inputs));
      inputs->set_recording(recording.get(), request.record->embed);
    }
  }
  SessionPartners partners{
      .console_input = *console_input, .trace = trace, .summary = summary.get(), .recording = recording.get()};
  partners.inputs = inputs.get();
  partners.driver = request.driver;
  if (request.record) partners.level = request.record->level;
  if (recording != nullptr && request.record->level != emu::RecordLevel::kNone)
    partners.digest_period = recording->digest_period();
  GuestSession session(request, board, partners);
  int exit_code = session.run(*file);
  if (recording != nullptr) {
    recording->finish(session.conclusion());
    if (std::string failure = recording->failure(); !failure.empty())
      say(request.who, fmt::format("{}: the recording is not complete: {}", request.record->file, failure));
  }
  return exit_code;
}

}  // namespace jacinth::cli
