#include "emu/replay/recording.h"

#include <fmt/format.h>

namespace jacinth::emu {

void RunDescription::state(Archive& ar) {
  ar(version, board, cpus, ram, seed, kernel_options, program, arguments, environment, console_input, root,
     stop_at_unsupported, time_limit, level, digest_period);
  if (level > RecordLevel::kFull) ar.fail("a recording of no level that there is");
  // What was written before there were injections ends here.
  auto* reader = dynamic_cast<Reader*>(&ar);
  if (reader == nullptr || !reader->at_end()) ar(injections);
  // And here, what has no vDSO given.
  if (reader != nullptr ? !reader->at_end() : vdso.has_value()) ar(vdso);
}

void RecordedFile::state(Archive& ar) { ar(path, digest.low, digest.high, embedded, bytes); }

void LaunchDescription::state(Archive& ar) { ar(has_libraries, sockets, input_ready, folders); }

void RecordedInput::state(Archive& ar) { ar(question, present, digest.low, digest.high, embedded, bytes); }

void RunConclusion::state(Archive& ar) {
  ar(cause, exit_code, reason, time, events, chain, machine.low, machine.high, dropped_frames);
  if (cause > Cause::kOutside) ar.fail("an end of no kind that there is");
}

Digest digest_of_bytes(std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.add(bytes);
  return hasher.digest();
}

std::expected<Recording, std::string> Recording::open(const TraceReader& trace) {
  Recording recording;
  bool has_run = false;
  std::vector<size_t> pieces;
  std::vector<uint32_t> sizes;
  for (size_t i = 0; i < trace.frames().size(); ++i) {
    const FrameInfo& info = trace.frames()[i];
    if (info.kind == FrameKind::kEvents) continue;
    if (info.kind == FrameKind::kState) {
      pieces.push_back(i);
      sizes.push_back(info.raw_size);
      continue;
    }
    auto payload = trace.read(i);
    if (!payload) return std::unexpected(payload.error());
    auto bad = [&info](const std::string& why) {
      return std::unexpected(fmt::format("frame {} ({}): {}", info.number, frame_kind_name(info.kind), why));
    };
    if (info.kind == FrameKind::kRun) {
      auto run = from_payload<RunDescription>(*payload);
      if (!run) return bad(run.error());
      recording.run = std::move(*run);
      has_run = true;
    } else if (info.kind == FrameKind::kFile) {
      auto file = from_payload<RecordedFile>(*payload);
      if (!file) return bad(file.error());
      if (file->embedded && digest_of_bytes(file->bytes) != file->digest) return bad("the file is not what it was");
      recording.files.push_back(std::move(*file));
    } else if (info.kind == FrameKind::kLaunch) {
      auto launch = from_payload<LaunchDescription>(*payload);
      if (!launch) return bad(launch.error());
      recording.launch = std::move(*launch);
    } else if (info.kind == FrameKind::kInput) {
      auto input = from_payload<RecordedInput>(*payload);
      if (!input) return bad(input.error());
      if (input->embedded && digest_of_bytes(input->bytes) != input->digest) return bad("the input is not what it was");
      std::string question = input->question;
      recording.inputs.emplace(std::move(question), std::move(*input));
    } else if (info.kind == FrameKind::kEnd) {
      auto end = from_payload<RunConclusion>(*payload);
      if (!end) return bad(end.error());
      recording.conclusion = std::move(*end);
    } else if (info.kind == FrameKind::kSnapshot) {
      auto about = from_payload<StateDescription>(*payload);
      if (!about) return bad(about.error());
      auto begin =
          SavedState::make(std::move(*about), sizes, [&trace, pieces](size_t n) { return trace.read(pieces[n]); });
      if (!begin) return bad(begin.error());
      recording.begin = std::move(*begin);
    }
  }
  if (!has_run) return std::unexpected("it does not say what it is a recording of");
  if (!pieces.empty() && !recording.begin) return std::unexpected("the state at which it begins is not whole");
  if (recording.files.empty()) return std::unexpected("it does not say which program it is a recording of");
  return recording;
}

}  // namespace jacinth::emu
