// What a trace file is made of: a line that says what it is, then frames, then an index of them.
//
//   "jacinth trace\n" version | frame frame ... frame | index frame | trailer: where the index begins
//                               '-> header 48 bytes: kind, number, when; sizes; XXH64 of header and payload
//                                   payload: one zstd frame
//
// A frame can be read without any other, so that every time is reached without what came before, and damage costs the
// frame that it hits. A file that was never finished, because its writer was killed or the disk was full, has no index:
// whoever reads it walks from frame to frame and keeps what is whole.
//
// Left out: encryption, and hosts that are not little-endian. What the payloads mean is emu/replay's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/time/time.h"

namespace jacinth::emu {

enum class FrameKind : uint8_t {
  kRun = 1,      ///< What the run depends on.
  kFile = 2,     ///< A file that the run reads.
  kEvents = 3,   ///< What happened.
  kEnd = 4,      ///< How it ended.
  kLaunch = 16,  ///< What its program was given beside itself.
  kInput = 17,   ///< Something that came from outside while it ran.
  // Of snapshots (emu/replay/snapshot.h), and of recordings that begin at one.
  kState = 18,     ///< A piece of the machine's state.
  kSnapshot = 19,  ///< What is known of the pieces before it.
  kIndex = 255,    ///< The container's own.
};
std::string_view frame_kind_name(FrameKind kind);

/// What is known of a frame without unpacking it.
struct FrameInfo {
  FrameKind kind = FrameKind::kEvents;
  uint64_t number = 0;  ///< Frames count from 0 in the order of writing.
  Time time;            ///< Virtual, when its first event was.
  uint64_t event = 0;   ///< The number of its first event.
  uint32_t raw_size = 0;
};

/// The beginning of every trace file. Readers refuse another major version, and take any minor one.
inline constexpr std::string_view kTraceMagic = "jacinth trace\n";
inline constexpr uint8_t kTraceMajor = 1;
/// 1: full recordings have what ports queue and hand out.
/// 2: digests of the machine cover RAM, and a call's hash covers what it wrote to its program.
///    And a recording can begin at a snapshot.
inline constexpr uint8_t kTraceMinor = 2;
inline constexpr size_t kTraceHeaderSize = kTraceMagic.size() + 2;

/// No payload is larger unpacked: a damaged size must not make anybody allocate.
inline constexpr uint32_t kMaxFrame = uint32_t{1} << 30;
inline constexpr size_t kFrameHeaderSize = 48;

/// The first bytes of a file.
std::vector<std::byte> trace_header();

/// Makes frames as they go into a file. Keeps the room that packing takes: who packs many would otherwise ask the host
/// for it, and give it back, with each.
class FramePacker {
 public:
  FramePacker();
  /// Header and payload, good until the next call. `payload` is at most kMaxFrame.
  std::span<const std::byte> pack(const FrameInfo& info, std::span<const std::byte> payload);

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
  std::unique_ptr<std::byte[]> bytes_;
  size_t room_ = 0;
};
/// One frame.
std::vector<std::byte> pack_frame(const FrameInfo& info, std::span<const std::byte> payload);

/// A frame that lies at the beginning of some bytes.
struct StoredFrame {
  FrameInfo info;
  size_t size = 0;  ///< Of header and payload, in the file.
};
/// What is wrong, when no whole frame lies at the beginning of `bytes`.
std::expected<StoredFrame, std::string> look_at_frame(std::span<const std::byte> bytes);
/// The payload of a frame that look_at_frame() found.
std::expected<std::vector<std::byte>, std::string> unpack_frame(std::span<const std::byte> bytes);

}  // namespace jacinth::emu
