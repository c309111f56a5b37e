#include "emu/trace/trace_writer.h"

#include <algorithm>
#include <cstring>

#include "emu/base/check.h"
#include "emu/trace/trace_index.h"

namespace jacinth::emu {

TraceWriter::TraceWriter(TraceStore& store, Limit limit) : store_(store), limit_(limit) {
  std::vector<std::byte> header = trace_header();
  put(0, header);
  at_ = end_;
}

void TraceWriter::put(uint64_t offset, std::span<const std::byte> bytes) {
  if (failed_) return;
  if (!store_.write(offset, bytes)) {
    failed_ = true;
    return;
  }
  end_ = std::max(end_, offset + bytes.size());
}

void TraceWriter::add(FrameInfo info, std::span<const std::byte> payload) {
  if (failed_) return;
  info.number = next_number_++;
  info.raw_size = static_cast<uint32_t>(payload.size());
  std::span<const std::byte> bytes = packer_.pack(info, payload);
  if (info.kind == FrameKind::kEvents) {
    CHECK(phase_ != Phase::kAfter, "events behind the last of them");
    if (phase_ == Phase::kBefore) ring_begin_ = at_;
    phase_ = Phase::kEvents;
    if (!make_room(bytes.size())) {
      ++dropped_;
      return;
    }
  } else if (phase_ != Phase::kBefore) {
    phase_ = Phase::kAfter;
    at_ = end_;
  }
  put(at_, bytes);
  if (failed_) return;
  entries_.push_back({at_, bytes.size(), info});
  at_ += bytes.size();
}

/// Whether a frame of events fits; in a ring, after its oldest frames are gone.
bool TraceWriter::make_room(uint64_t size) {
  if (at_ + size > limit_.bytes) {
    if (!limit_.ring || ring_begin_ + size > limit_.bytes) return false;
    at_ = ring_begin_;
  }
  auto overwritten = [&](const Entry& entry) { return entry.offset < at_ + size && entry.offset + entry.size > at_; };
  dropped_ += static_cast<uint64_t>(std::erase_if(entries_, overwritten));
  return true;
}

void TraceWriter::finish() {
  std::ranges::sort(entries_, {}, [](const Entry& entry) { return entry.info.number; });
  std::vector<TraceIndexEntry> index;
  index.reserve(entries_.size());
  for (const Entry& entry : entries_)
    index.push_back({.offset = entry.offset,
                     .size = entry.size,
                     .number = entry.info.number,
                     .time = entry.info.time.ns,
                     .event = entry.info.event,
                     .kind = static_cast<uint8_t>(entry.info.kind)});
  uint64_t offset = end_;
  FrameInfo info{.kind = FrameKind::kIndex, .number = next_number_};
  put(offset, packer_.pack(info, std::as_bytes(std::span(index))));
  TraceTrailer trailer{.index_offset = offset};
  put(end_, std::as_bytes(std::span(&trailer, 1)));
}

}  // namespace jacinth::emu
