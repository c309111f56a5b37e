#include "emu/replay/event_codec.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "emu/base/check.h"

namespace jacinth::emu {
namespace {

/// Of a tag.
constexpr uint8_t kKindMask = 0x1f;

struct Header {
  uint64_t count = 0;
  uint32_t tag_bytes = 0;
  uint8_t level = 0;
  uint8_t reserved[3] = {};
};

template <class T>
void append(std::vector<std::byte>& to, const T* data, size_t count) {
  std::span<const std::byte> bytes = std::as_bytes(std::span(data, count));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

void ByteColumn::put(const void* data, size_t count) {
  if (count != 0) std::memcpy(bytes_.get() + size_, data, count);
  size_ += count;
}

void ByteColumn::grow(size_t count) {
  capacity_ = std::max<size_t>({size_ + count, capacity_ * 2, 4096});
  std::unique_ptr<uint8_t[]> larger(new uint8_t[capacity_]);
  if (size_ != 0) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
}

void EventEncoder::add_fields(const Event& event) {
  fields_.reserve(1 + (3 + event.arguments.size()) * detail::kMaxVarint + event.data.size());
  EventHistory::Last& last = history_.last(event.kind, event.number);
  auto time = static_cast<uint64_t>(history_.time);
  detail::put_delta(fields_, time, static_cast<uint64_t>(event.time.ns));
  history_.time = event.time.ns;
  auto result = static_cast<uint64_t>(last.result);
  detail::put_delta(fields_, result, static_cast<uint64_t>(event.result));
  last.result = event.result;
  fields_.put(event.argument_count);
  for (size_t i = 0; i < event.argument_count; ++i) detail::put_delta(fields_, last.arguments[i], event.arguments[i]);
  detail::put_varint(fields_, event.data.size());
  fields_.put(event.data.data(), event.data.size());
}

void EventEncoder::begin(Time start) {
  history_ = {};
  history_.time = start.ns;
  count_ = 0;
  tags_.clear();
  fields_.clear();
  hashes_.clear();
}

void EventEncoder::append_to(std::vector<std::byte>& bytes) const {
  CHECK(tags_.size() <= UINT32_MAX);
  Header header{
      .count = count_, .tag_bytes = static_cast<uint32_t>(tags_.size()), .level = static_cast<uint8_t>(level_)};
  bytes.reserve(bytes.size() + sizeof header + size());
  append(bytes, &header, 1);
  append(bytes, tags_.data(), tags_.size());
  append(bytes, hashes_.data(), hashes_.size());
  append(bytes, fields_.data(), fields_.size());
}

std::expected<EventDecoder, std::string> EventDecoder::open(std::span<const std::byte> payload, Time start) {
  Header header;
  if (payload.size() < sizeof header) return std::unexpected("it is too short for events");
  std::memcpy(&header, payload.data(), sizeof header);
  std::span<const std::byte> rest = payload.subspan(sizeof header);
  auto level = RecordLevel{header.level};
  if (level != RecordLevel::kDigests && level != RecordLevel::kFull)
    return std::unexpected("its events are of no level that there is");
  if (header.tag_bytes > rest.size() || header.count > (rest.size() - header.tag_bytes) / sizeof(uint32_t))
    return std::unexpected("it is too short for its events");
  EventDecoder decoder;
  decoder.level_ = level;
  decoder.left_ = header.count;
  decoder.history_.time = start.ns;
  decoder.tags_ = rest.first(header.tag_bytes);
  decoder.hashes_ = rest.subspan(header.tag_bytes, header.count * sizeof(uint32_t));
  decoder.fields_ = rest.subspan(header.tag_bytes + header.count * sizeof(uint32_t));
  return decoder;
}

bool EventDecoder::varint(std::span<const std::byte>& from, uint64_t& value) {
  // Nearly all are one byte.
  if (!from.empty() && static_cast<uint8_t>(from[0]) < 0x80) [[likely]] {
    value = static_cast<uint8_t>(from[0]);
    from = from.subspan(1);
    return true;
  }
  value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    auto byte = static_cast<uint8_t>(from[0]);
    from = from.subspan(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool EventDecoder::delta(std::span<const std::byte>& from, uint64_t& value) {
  uint64_t coded = 0;
  if (!varint(from, coded)) return false;
  value += coded >> 1 ^ (0 - (coded & 1));
  return true;
}

const RecordedEvent* EventDecoder::fail(std::string why) {
  error_ = std::move(why);
  return nullptr;
}

const RecordedEvent* EventDecoder::read() {
  CHECK(left_ > 0);
  auto broken = [this] { return fail("its events end in the middle of one"); };
  Event& event = recorded_.event;
  if (tags_.empty()) return broken();
  auto tag = static_cast<uint8_t>(tags_[0]);
  tags_ = tags_.subspan(1);
  if ((tag & kKindMask) >= kEventKinds) return fail("one of its events is of no kind that there is");
  event.kind = EventKind{static_cast<uint8_t>(tag & kKindMask)};
  if (!varint(tags_, event.number)) return broken();
  if ((tag & detail::kOtherThread) != 0 && (!delta(tags_, history_.thread) || !delta(tags_, history_.process)))
    return broken();
  event.thread = history_.thread;
  event.process = history_.process;
  std::memcpy(&recorded_.hash, hashes_.data(), sizeof recorded_.hash);
  hashes_ = hashes_.subspan(sizeof recorded_.hash);
  --left_;
  if (level_ != RecordLevel::kFull) return &recorded_;

  EventHistory::Last& last = history_.last(event.kind, event.number);
  auto time = static_cast<uint64_t>(history_.time);
  auto result = static_cast<uint64_t>(last.result);
  if (!delta(fields_, time) || !delta(fields_, result) || fields_.empty()) return broken();
  event.time.ns = history_.time = static_cast<int64_t>(time);
  event.result = last.result = static_cast<int64_t>(result);
  event.argument_count = static_cast<uint8_t>(fields_[0]);
  fields_ = fields_.subspan(1);
  if (event.argument_count > event.arguments.size()) return broken();
  for (size_t i = 0; i < event.argument_count; ++i) {
    if (!delta(fields_, last.arguments[i])) return broken();
    event.arguments[i] = last.arguments[i];
  }
  uint64_t size = 0;
  if (!varint(fields_, size) || size > fields_.size()) return broken();
  event.data = fields_.first(size);
  fields_ = fields_.subspan(size);
  return &recorded_;
}

}  // namespace jacinth::emu
