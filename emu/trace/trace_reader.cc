#include "emu/trace/trace_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "emu/trace/trace_index.h"

namespace jacinth::emu {
namespace {

std::string damage(uint64_t offset, std::string_view what) {
  return fmt::format("the frame at byte {} is damaged: {}", offset, what);
}

}  // namespace

std::expected<TraceReader, std::string> TraceReader::open(std::span<const std::byte> file) {
  if (file.size() < kTraceHeaderSize || std::memcmp(file.data(), kTraceMagic.data(), kTraceMagic.size()) != 0)
    return std::unexpected("it is no trace of jacinth");
  auto major = static_cast<uint8_t>(file[kTraceMagic.size()]);
  if (major != kTraceMajor)
    return std::unexpected(
        fmt::format("it is a trace of format {}, and this jacinth reads format {}", major, kTraceMajor));
  TraceReader reader(file);
  reader.minor_ = static_cast<uint8_t>(file[kTraceMagic.size() + 1]);
  reader.finished_ = reader.use_index();
  if (!reader.finished_) reader.walk();
  return reader;
}

/// Takes the frames from the index. False when there is none that can be believed.
bool TraceReader::use_index() {
  TraceTrailer trailer;
  if (file_.size() < kTraceHeaderSize + sizeof trailer) return false;
  std::memcpy(&trailer, file_.data() + file_.size() - sizeof trailer, sizeof trailer);
  if (trailer.magic != TraceTrailer::kMagic || trailer.index_offset > file_.size()) return false;
  std::span<const std::byte> at = file_.subspan(trailer.index_offset);
  std::expected<StoredFrame, std::string> frame = look_at_frame(at);
  if (!frame || frame->info.kind != FrameKind::kIndex) return false;
  auto payload = unpack_frame(at);
  if (!payload || payload->size() % sizeof(TraceIndexEntry) != 0) return false;
  std::vector<TraceIndexEntry> index(payload->size() / sizeof(TraceIndexEntry));
  if (!index.empty()) std::memcpy(index.data(), payload->data(), payload->size());
  for (const TraceIndexEntry& entry : index) {
    if (entry.offset > file_.size()) return false;
    // The frame itself is the truth: the index says where to look.
    std::expected<StoredFrame, std::string> found = look_at_frame(file_.subspan(entry.offset));
    if (!found) {
      problems_.push_back(damage(entry.offset, found.error()));
      continue;
    }
    infos_.push_back(found->info);
    offsets_.push_back(entry.offset);
  }
  return true;
}

/// Finds the frames by looking for them.
void TraceReader::walk() {
  uint64_t at = kTraceHeaderSize;
  std::optional<uint64_t> lost;
  // Each place that looks like a header has as much hashed behind it as it says. A file full of such places must not
  // keep anybody busy for the square of its size.
  uint64_t patience = 16 * (file_.size() / kFrameHeaderSize + 1);
  while (at < file_.size() && patience-- > 0) {
    std::expected<StoredFrame, std::string> frame = look_at_frame(file_.subspan(at));
    if (frame) {
      if (frame->info.kind != FrameKind::kIndex) {
        infos_.push_back(frame->info);
        offsets_.push_back(at);
      }
      at += frame->size;
      lost.reset();
      continue;
    }
    if (!lost) problems_.push_back(damage(at, frame.error()));
    lost = at;
    // The next byte that could begin one: 'J'.
    auto* next = static_cast<const std::byte*>(std::memchr(file_.data() + at + 1, 'J', file_.size() - at - 1));
    if (next == nullptr) break;
    at = static_cast<uint64_t>(next - file_.data());
  }
  // A ring's newest frames lie before older ones.
  std::vector<size_t> order(infos_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return infos_[i].number; });
  std::vector<FrameInfo> infos;
  std::vector<uint64_t> offsets;
  for (size_t i : order) {
    infos.push_back(infos_[i]);
    offsets.push_back(offsets_[i]);
  }
  infos_ = std::move(infos);
  offsets_ = std::move(offsets);
}

std::expected<std::vector<std::byte>, std::string> TraceReader::read(size_t index) const {
  auto payload = unpack_frame(file_.subspan(offsets_[index]));
  if (!payload)
    return std::unexpected(fmt::format("frame {} ({}) {}", infos_[index].number, frame_kind_name(infos_[index].kind),
                                       damage(offsets_[index], payload.error())));
  return payload;
}

size_t TraceReader::find(FrameKind kind, Time time) const {
  size_t found = infos_.size();
  for (size_t i = 0; i < infos_.size(); ++i) {
    if (infos_[i].kind == kind && infos_[i].time <= time) found = i;
  }
  return found;
}

}  // namespace jacinth::emu
