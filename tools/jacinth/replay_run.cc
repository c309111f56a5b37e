// A recorded run made again.
#include <fmt/format.h>

#include <algorithm>

#include "emu/replay/recording.h"
#include "emu/trace/trace_reader.h"
#include "tools/jacinth/divergence.h"
#include "tools/jacinth/guest_session.h"
#include "tools/jacinth/version.h"

namespace jacinth::cli {
namespace {

/// The request that the recorded run was made from, as far as it decided anything.
RunRequest request_of(const emu::RunDescription& run, const ReplayRequest& replay) {
  RunRequest request;
  request.who = replay.who;
  describe(request, run);
  request.view = replay.view;
  request.color = replay.color;
  request.symbols = replay.symbols;
  request.quiet = replay.quiet;
  return request;
}

std::expected<std::vector<std::byte>, FileProblem> program_of(const emu::RecordedFile& file,
                                                              const ReplayRequest& replay) {
  if (file.embedded) return file.bytes;
  const std::string& path = replay.program.empty() ? file.path : replay.program;
  auto bytes = read_file(path);
  if (!bytes)
    return std::unexpected(FileProblem{bytes.error().code, fmt::format("{}: {}; the recording has only its digest: "
                                                                       "--program says where it is now",
                                                                       path, bytes.error().text)});
  if (emu::digest_of_bytes(*bytes) != file.digest)
    return std::unexpected(
        FileProblem{ExitCode::kNotLoadable, fmt::format("{}: it is not the program that was recorded", path)});
  return bytes;
}

/// How the end differs from the recorded one; empty when it is the same.
std::string different_end(const emu::RunConclusion& recorded, const emu::RunConclusion& now,
                          const emu::EventChain& chain) {
  if (recorded.exit_code != now.exit_code)
    return fmt::format("the exit code was {} ({}) and is {} ({})", recorded.exit_code, recorded.reason, now.exit_code,
                       now.reason);
  if (recorded.time != now.time) return fmt::format("the run ended at {} ns and now at {} ns", recorded.time, now.time);
  if (recorded.chain != chain.value())
    return fmt::format("the hash of all that happened was {:016x} and is {:016x}", recorded.chain, chain.value());
  if (recorded.machine != now.machine)
    return fmt::format("the machine's digest at the end was {} and is {}", recorded.machine.text(), now.machine.text());
  return {};
}

}  // namespace

int replay_run(const ReplayRequest& request) { return replay(request).exit_code; }

Replayed replay(const ReplayRequest& replay) {
  auto file = read_file(replay.file);
  auto failed = [&replay](ExitCode code, std::string_view why) { return Replayed{false, fail(replay.who, code, why)}; };
  auto same = [&replay](int exit_code, std::string_view what) {
    if (!replay.quiet) say(replay.who, what);
    return Replayed{true, exit_code};
  };
  if (!file) return failed(file.error().code, fmt::format("{}: {}", replay.file, file.error().text));
  auto bad = [&](const std::string& why) {
    return failed(ExitCode::kNotLoadable, fmt::format("{}: {}", replay.file, why));
  };
  auto trace = emu::TraceReader::open(*file);
  if (!trace) return bad(trace.error());
  auto recording = emu::Recording::open(*trace);
  if (!recording) return bad(trace->problems().empty() ? recording.error() : trace->problems().front());
  for (const std::string& problem : trace->problems()) say(replay.who, fmt::format("{}: {}", replay.file, problem));
  const emu::RunDescription& run = recording->run;
  if (run.version != version())
    say(replay.who, fmt::format("{}: recorded by jacinth {}, and this is {}: the run may differ where the two do",
                                replay.file, run.version, version()));

  // Before its program is looked for, which need not be in it.
  if (std::string problem = unfit_description(run, {}); !problem.empty()) return bad(problem);
  auto program = program_of(recording->files.front(), replay);
  if (!program) return failed(program.error().code, program.error().text);
  RunRequest request = request_of(run, replay);
  if (std::string problem = unfit_description(run, *program); !problem.empty()) return bad(problem);
  if (run.vdso) request.vdso = replay.vdso;
  if (auto problem = take_vdso(request)) return failed(problem->code, problem->text);
  if (recording->begin) {
    if (std::string problem = unfit_state(*recording->begin, run.version); !problem.empty())
      return bad(fmt::format("it begins at a snapshot; {}", problem));
  }

  std::unique_ptr<Output> strace_file;
  Output* strace = nullptr;
  if (replay.strace) {
    auto opened = Output::open(*replay.strace, Output::Flush::kWhenFull);
    if (!opened) return failed(ExitCode::kUsage, fmt::format("{}: {}", *replay.strace, opened.error()));
    strace_file = std::move(*opened);
    // Beside the program's output it goes through the same buffer.
    strace = *replay.strace == "-" && replay.print_output ? &Output::standard() : strace_file.get();
  }

  std::unique_ptr<HostInputs> inputs;
  if (recording->launch) {
    const emu::LaunchDescription& launch = *recording->launch;
    request.launch = {
        .has_libraries = launch.has_libraries,
        .libraries = library_folders(replay.libraries, request.board->arch == Arch::kArm64 ? "arm64" : "x64"),
        .sockets = launch.sockets};
    for (const auto& folder : launch.folders) request.launch.folders.push_back({folder.guest, "", folder.writable});
    for (size_t i = 0; i < std::min(replay.folders.size(), request.launch.folders.size()); ++i)
      request.launch.folders[i].host = replay.folders[i];
    inputs = std::make_unique<HostInputs>(request.launch, &HostEvents::raised(), std::move(recording->inputs),
                                          launch.input_ready);
  }

  emu::Verifier verifier(*trace, recording->complete());
  SessionPartners partners{.console_input = run.console_input,
                           .trace = strace,
                           .verifier = &verifier,
                           .level = run.level,
                           .minor_version = std::min(trace->minor_version(), emu::kTraceMinor),
                           .digest_period = Duration{run.digest_period},
                           .print_output = replay.print_output,
                           .inputs = inputs.get(),
                           .driver = replay.driver,
                           .recorded = true,
                           .begin = recording->begin ? &*recording->begin : nullptr,
                           .begin_name = replay.file};
  // A run that goes back and forth cannot be held against one that only went forth.
  if (replay.driver != nullptr) partners.verifier = nullptr;
  const std::optional<emu::RunConclusion>& end = recording->conclusion;
  bool cut_short = end && end->cause == emu::RunConclusion::Cause::kOutside;
  if (cut_short) partners.ended_at = Time{end->time};
  // Each on a machine of its own.
  std::optional<GuestSession> session;
  std::optional<KeptState> kept;
  std::optional<emu::SavedState> begin;
  uint64_t moves = partners.verifier != nullptr && end ? replay.moves : 0;
  uint64_t moved = 0;
  int exit_code = 0;
  for (uint64_t i = 1;; ++i) {
    partners.pause_at_event = i <= moves ? std::max<uint64_t>(end->events * i / (moves + 1), 1) : 0;
    session.emplace(request, *request.board, partners);
    exit_code = session->run(*program);
    if (!session->paused()) break;
    session->save(kept.emplace());
    session.reset();
    auto state = kept->state();
    if (!state) return bad(state.error());
    begin = std::move(*state);
    partners.begin = &*begin;
    ++moved;
  }
  if (replay.driver != nullptr) return {.same = false, .exit_code = exit_code};
  if (!cut_short && !verifier.done()) verifier.finish();
  if (inputs != nullptr && !inputs->changed().empty())
    return bad(fmt::format("{} is not what it was when the run was recorded; --libs and --dir say where things are now",
                           inputs->changed()));

  if (verifier.divergence()) return failed(ExitCode::kDiverged, divergence_text(*verifier.divergence(), run.level));
  if (!verifier.failure().empty()) return bad(verifier.failure());
  std::string how_far = fmt::format("{} events are as they were recorded", verifier.verified());
  if (replay.moves != 0) how_far += fmt::format(", with the run saved and loaded {} times on the way", moved);
  if (verifier.exhausted()) {
    return same(number(ExitCode::kOk),
                fmt::format("{}, up to where the recording {}", how_far, end ? "stops" : "was cut off"));
  }
  if (cut_short) {
    return same(end->exit_code, fmt::format("{}, up to where the run was ended ({})", how_far, end->reason));
  }
  if (!end) {
    return same(exit_code, fmt::format("{}; the recording does not say how the run ended", how_far));
  }
  if (std::string difference = different_end(*end, session->conclusion(), verifier.chain()); !difference.empty())
    return failed(ExitCode::kDiverged, fmt::format("{}, but {}", how_far, difference));
  return same(exit_code, fmt::format("{}, and the machine's end", how_far));
}

}  // namespace jacinth::cli
