#include "emu/replay/snapshot.h"

#include <fmt/format.h>

#include <cstring>
#include <type_traits>
#include <utility>

#include "emu/trace/frame.h"

namespace jacinth::emu {
namespace {

std::string name_of(const FrameInfo& info) {
  return fmt::format("frame {} ({})", info.number, frame_kind_name(info.kind));
}

/// Frames of a file in their order.
struct StoredPiece {
  FrameInfo info;
  std::span<const std::byte> bytes;
};

/// Every frame of the file, the last of which is the snapshot's own; or the first that is damaged.
std::expected<std::vector<StoredPiece>, std::string> frames_of(std::span<const std::byte> file) {
  std::vector<StoredPiece> frames;
  size_t at = kSnapshotMagic.size() + 1;
  while (at < file.size()) {
    std::span<const std::byte> rest = file.subspan(at);
    auto frame = look_at_frame(rest);
    if (!frame) return std::unexpected(fmt::format("frame {}, at byte {}: {}", frames.size(), at, frame.error()));
    if (frame->info.number != frames.size())
      return std::unexpected(
          fmt::format("frame {}, at byte {}: it is frame {} of another file", frames.size(), at, frame->info.number));
    frames.push_back({frame->info, rest.first(frame->size)});
    at += frame->size;
    if (frame->info.kind == FrameKind::kSnapshot) break;
  }
  if (frames.empty() || frames.back().info.kind != FrameKind::kSnapshot)
    return std::unexpected(fmt::format("it is cut off behind frame {}", frames.size()));
  if (at != file.size()) return std::unexpected(fmt::format("{} bytes follow its end", file.size() - at));
  return frames;
}

}  // namespace

std::vector<std::byte> snapshot_header() {
  std::vector<std::byte> bytes(kSnapshotMagic.size() + 1);
  std::memcpy(bytes.data(), kSnapshotMagic.data(), kSnapshotMagic.size());
  bytes.back() = std::byte{kSnapshotVersion};
  return bytes;
}

bool Snapshot::recognizes(std::span<const std::byte> file) {
  return file.size() > kSnapshotMagic.size() &&
         std::memcmp(file.data(), kSnapshotMagic.data(), kSnapshotMagic.size()) == 0;
}

std::expected<Snapshot, std::string> Snapshot::open(std::span<const std::byte> file) {
  if (!recognizes(file)) return std::unexpected("it is no snapshot of jacinth");
  if (auto version = static_cast<uint8_t>(file[kSnapshotMagic.size()]); version != kSnapshotVersion)
    return std::unexpected(
        fmt::format("it is a snapshot of format {}, and this jacinth reads format {}", version, kSnapshotVersion));
  auto frames = frames_of(file);
  if (!frames) return std::unexpected(frames.error());

  std::optional<RunDescription> run;
  std::optional<RecordedFile> program;
  std::optional<LaunchDescription> launch;
  std::optional<StateDescription> about;
  std::map<std::string, RecordedInput> inputs;
  std::vector<std::span<const std::byte>> pieces;
  std::vector<uint32_t> sizes;
  for (const StoredPiece& frame : *frames) {
    auto bad = [&frame](std::string_view why) {
      return std::unexpected(fmt::format("{}: {}", name_of(frame.info), why));
    };
    if (frame.info.kind == FrameKind::kState) {
      pieces.push_back(frame.bytes);
      sizes.push_back(frame.info.raw_size);
      continue;
    }
    auto payload = unpack_frame(frame.bytes);
    if (!payload) return bad(payload.error());
    auto take = [&](auto& into) -> std::string {
      using T = typename std::remove_reference_t<decltype(into)>::value_type;
      if (into) return "it is there twice";
      auto value = from_payload<T>(*payload);
      if (!value) return value.error();
      into = std::move(*value);
      return {};
    };
    std::string why;
    switch (frame.info.kind) {
      case FrameKind::kRun: why = take(run); break;
      case FrameKind::kFile: why = take(program); break;
      case FrameKind::kLaunch: why = take(launch); break;
      case FrameKind::kSnapshot: why = take(about); break;
      case FrameKind::kInput: {
        auto input = from_payload<RecordedInput>(*payload);
        if (!input) return bad(input.error());
        std::string question = input->question;
        inputs.emplace(std::move(question), std::move(*input));
        break;
      }
      default: why = "no snapshot has such a frame";
    }
    if (!why.empty()) return bad(why);
  }
  if (!run) return std::unexpected("it does not say what it is a snapshot of");
  if (!program || !program->embedded) return std::unexpected("its program is not in it");
  auto fetch = [pieces](size_t number) -> std::expected<std::vector<std::byte>, std::string> {
    return unpack_frame(pieces[number]);
  };
  auto state = SavedState::make(std::move(*about), sizes, fetch);
  if (!state) return std::unexpected(state.error());
  return Snapshot{std::move(*run), std::move(*program), std::move(launch), std::move(inputs), std::move(*state)};
}

}  // namespace jacinth::emu
