#include "emu/trace/frame.h"

#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>

#include <cstring>
#include <memory>

#include "emu/base/check.h"

namespace jacinth::emu {
namespace {

constexpr uint32_t kFrameMagic = 0x4d52464a;  // "JFRM"

/// Fast: what is written waits for nobody, but one of the host's two or more cores does it.
constexpr int kLevel = 1;

struct Header {
  uint32_t magic = kFrameMagic;
  uint8_t kind = 0;
  uint8_t reserved[3] = {};
  uint64_t number = 0;
  int64_t time = 0;
  uint64_t event = 0;
  uint32_t stored_size = 0;
  uint32_t raw_size = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(Header) == kFrameHeaderSize);

uint64_t checksum(Header header, std::span<const std::byte> payload) {
  header.checksum = 0;
  return XXH64(payload.data(), payload.size(), XXH64(&header, sizeof header, 0));
}

}  // namespace

std::string_view frame_kind_name(FrameKind kind) {
  switch (kind) {
    case FrameKind::kRun: return "run";
    case FrameKind::kFile: return "file";
    case FrameKind::kEvents: return "events";
    case FrameKind::kEnd: return "end";
    case FrameKind::kLaunch: return "launch";
    case FrameKind::kInput: return "input";
    case FrameKind::kState: return "state";
    case FrameKind::kSnapshot: return "snapshot";
    case FrameKind::kIndex: return "index";
  }
  return "unknown";
}

std::vector<std::byte> trace_header() {
  std::vector<std::byte> bytes(kTraceHeaderSize);
  std::memcpy(bytes.data(), kTraceMagic.data(), kTraceMagic.size());
  bytes[kTraceMagic.size()] = std::byte{kTraceMajor};
  bytes[kTraceMagic.size() + 1] = std::byte{kTraceMinor};
  return bytes;
}

FramePacker::FramePacker() : context_(ZSTD_createCCtx()) { CHECK(context_ != nullptr); }

void FramePacker::Free::operator()(void* context) const { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context)); }

std::span<const std::byte> FramePacker::pack(const FrameInfo& info, std::span<const std::byte> payload) {
  CHECK(payload.size() <= kMaxFrame, "{} bytes", payload.size());
  size_t room = sizeof(Header) + ZSTD_compressBound(payload.size());
  if (room_ < room) {
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(room);
    room_ = room;
  }
  size_t stored = ZSTD_compressCCtx(static_cast<ZSTD_CCtx*>(context_.get()), bytes_.get() + sizeof(Header),
                                    room_ - sizeof(Header), payload.data(), payload.size(), kLevel);
  CHECK(!ZSTD_isError(stored), "{}", ZSTD_getErrorName(stored));
  Header header{.kind = static_cast<uint8_t>(info.kind),
                .number = info.number,
                .time = info.time.ns,
                .event = info.event,
                .stored_size = static_cast<uint32_t>(stored),
                .raw_size = static_cast<uint32_t>(payload.size())};
  header.checksum = checksum(header, {bytes_.get() + sizeof header, stored});
  std::memcpy(bytes_.get(), &header, sizeof header);
  return {bytes_.get(), sizeof header + stored};
}

std::vector<std::byte> pack_frame(const FrameInfo& info, std::span<const std::byte> payload) {
  FramePacker packer;
  std::span<const std::byte> frame = packer.pack(info, payload);
  return {frame.begin(), frame.end()};
}

std::expected<StoredFrame, std::string> look_at_frame(std::span<const std::byte> bytes) {
  Header header;
  if (bytes.size() < sizeof header) return std::unexpected("it is cut off in its header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kFrameMagic) return std::unexpected("no frame begins there");
  if (header.stored_size > bytes.size() - sizeof header) return std::unexpected("it is cut off");
  if (header.checksum != checksum(header, bytes.subspan(sizeof header, header.stored_size)))
    return std::unexpected("its checksum is wrong");
  if (header.raw_size > kMaxFrame) return std::unexpected("it is too large");
  return StoredFrame{.info = {.kind = FrameKind{header.kind},
                              .number = header.number,
                              .time = Time{header.time},
                              .event = header.event,
                              .raw_size = header.raw_size},
                     .size = sizeof header + header.stored_size};
}

std::expected<std::vector<std::byte>, std::string> unpack_frame(std::span<const std::byte> bytes) {
  std::expected<StoredFrame, std::string> frame = look_at_frame(bytes);
  if (!frame) return std::unexpected(frame.error());
  std::span<const std::byte> stored = bytes.subspan(kFrameHeaderSize, frame->size - kFrameHeaderSize);
  // Whoever wrote it knew the size; a frame that says another one was made to be too large for us.
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != frame->info.raw_size)
    return std::unexpected("its size is wrong");
  std::vector<std::byte> payload(frame->info.raw_size);
  size_t size = ZSTD_decompress(payload.data(), payload.size(), stored.data(), stored.size());
  if (ZSTD_isError(size)) return std::unexpected(fmt::format("it cannot be unpacked: {}", ZSTD_getErrorName(size)));
  if (size != payload.size()) return std::unexpected("its size is wrong");
  return payload;
}

}  // namespace jacinth::emu
