// Events as the bytes of a frame. Each frame stands for itself: differences are taken within it.
//
//   level | count | bytes of tags | tags | fields | hashes
//
// Tags say kind, number and thread, fields everything else and only at the full level, hashes the chain behind each
// event. Three columns, because what repeats packs well beside its like, and a hash beside nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "emu/base/check.h"
#include "emu/replay/event.h"

namespace jacinth::emu {

/// What the encoder and the decoder know of the events before, to say only what is new.
class EventHistory {
 public:
  struct Last {
    std::array<uint64_t, 8> arguments = {};
    int64_t result = 0;
  };
  uint64_t thread = 0;
  uint64_t process = 0;
  int64_t time = 0;
  Last& last(EventKind kind, uint64_t number) { return last_[{static_cast<uint8_t>(kind), number}]; }

 private:
  std::map<std::pair<uint8_t, uint64_t>, Last> last_;
};

/// Bytes that grow at their end. Writing one costs a store: room for an event is made once.
class ByteColumn {
 public:
  /// Room for `count` more.
  void reserve(size_t count) {
    if (capacity_ - size_ < count) [[unlikely]]
      grow(count);
  }
  /// There is room.
  void put(uint8_t byte) { bytes_[size_++] = byte; }
  void put(uint32_t word) {
    std::memcpy(bytes_.get() + size_, &word, sizeof word);
    size_ += sizeof word;
  }
  void put(const void* data, size_t count);
  size_t size() const { return size_; }
  const uint8_t* data() const { return bytes_.get(); }
  /// The room stays.
  void clear() { size_ = 0; }

 private:
  void grow(size_t count);
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

namespace detail {

/// In a tag, beside the kind.
inline constexpr uint8_t kOtherThread = 0x80;
/// Of a number in a column.
inline constexpr size_t kMaxVarint = 10;

inline void put_varint(ByteColumn& to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.put(static_cast<uint8_t>(value | 0x80));
  to.put(static_cast<uint8_t>(value));
}

/// The difference to what was there before, small both ways, and takes the new value down.
inline void put_delta(ByteColumn& to, uint64_t& before, uint64_t value) {
  auto difference = static_cast<int64_t>(value - before);
  put_varint(to, static_cast<uint64_t>(difference) << 1 ^ static_cast<uint64_t>(difference >> 63));
  before = value;
}

}  // namespace detail

class EventEncoder {
 public:
  /// At kNone there is nothing to encode. `start` as for begin().
  explicit EventEncoder(RecordLevel level, Time start = {}) : level_(level) { begin(start); }

  /// Starts a frame afresh, at its virtual time. The room that earlier ones took is used again: memory that comes fresh
  /// from the host for each frame was 1.5 % of the time of a run that does nothing but calls.
  void begin(Time start);

  /// At the level of digests, `event` is one of those that are named there.
  void add(const Event& event, uint32_t hash) {
    CHECK(level_ == RecordLevel::kFull || named_in_digests(event.kind));
    bool other = event.thread != history_.thread || event.process != history_.process;
    tags_.reserve(1 + 3 * detail::kMaxVarint);
    tags_.put(static_cast<uint8_t>(static_cast<uint8_t>(event.kind) | (other ? detail::kOtherThread : 0)));
    detail::put_varint(tags_, event.number);
    if (other) {
      detail::put_delta(tags_, history_.thread, event.thread);
      detail::put_delta(tags_, history_.process, event.process);
    }
    hashes_.reserve(sizeof hash);
    hashes_.put(hash);
    ++count_;
    if (level_ == RecordLevel::kFull) add_fields(event);
  }
  uint64_t count() const { return count_; }
  /// About how many bytes payload() has.
  size_t size() const { return tags_.size() + fields_.size() + hashes_.size(); }
  /// The frame so far, behind what `payload` holds.
  void append_to(std::vector<std::byte>& payload) const;

 private:
  void add_fields(const Event& event);

  RecordLevel level_;
  EventHistory history_;
  uint64_t count_ = 0;
  ByteColumn tags_;
  ByteColumn fields_;
  ByteColumn hashes_;
};

/// An event as it was recorded: at the level of digests only kind, thread, process, number and hash.
struct RecordedEvent {
  Event event;  ///< Its data lie in the decoder.
  uint32_t hash = 0;
};

class EventDecoder {
 public:
  /// `payload` outlives this; `start` as for the encoder.
  static std::expected<EventDecoder, std::string> open(std::span<const std::byte> payload, Time start);

  RecordLevel level() const { return level_; }
  /// Events that have not been read yet.
  uint64_t left() const { return left_; }
  /// The next one; null when the bytes are no events (what was written for another version, or by nobody), for which
  /// error() has the words. Good until the next is asked for.
  const RecordedEvent* read();
  const std::string& error() const { return error_; }
  /// The same, to keep.
  std::expected<RecordedEvent, std::string> next() {
    const RecordedEvent* event = read();
    if (event == nullptr) return std::unexpected(error_);
    return *event;
  }

 private:
  EventDecoder() = default;
  const RecordedEvent* fail(std::string why);
  bool varint(std::span<const std::byte>& from, uint64_t& value);
  bool delta(std::span<const std::byte>& from, uint64_t& value);

  RecordLevel level_ = RecordLevel::kNone;
  uint64_t left_ = 0;
  EventHistory history_;
  RecordedEvent recorded_;
  std::string error_;
  std::span<const std::byte> tags_;
  std::span<const std::byte> fields_;
  std::span<const std::byte> hashes_;
};

}  // namespace jacinth::emu
