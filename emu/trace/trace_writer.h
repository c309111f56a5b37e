// Writes a trace file: frame behind frame, and at the end the index.
//
// Two ways to keep it small. With a cap, frames of events that would make it larger are counted and left out: the file
// holds the beginning. As a ring, the newest take the place of the oldest: the file holds the end, and the frames that
// every reader needs (what the run depends on) stay.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emu/trace/frame.h"

namespace jacinth::emu {

/// Where the bytes go.
class TraceStore {
 public:
  virtual ~TraceStore() = default;
  /// Puts bytes at an offset, at most at the end of what is there. False when that failed; failure() says why.
  virtual bool write(uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual std::string failure() const = 0;
};

class TraceWriter {
 public:
  struct Limit {
    uint64_t bytes = UINT64_MAX;  ///< Of the whole file but its index.
    bool ring = false;
  };

  /// Writes the file's beginning. `store` is empty and outlives this.
  TraceWriter(TraceStore& store, Limit limit);

  /// Adds a frame; its number is given here. Frames of events are one row: others come before the first or after the
  /// last of them. No effect once the store has failed.
  void add(FrameInfo info, std::span<const std::byte> payload);
  /// Writes the index. Nothing can be added behind it.
  void finish();

  bool failed() const { return failed_; }
  uint64_t frames() const { return next_number_; }
  /// Frames that the limit kept out of the file, or threw out of it.
  uint64_t dropped() const { return dropped_; }
  /// Bytes of the file so far.
  uint64_t size() const { return end_; }

 private:
  struct Entry {
    uint64_t offset = 0;
    uint64_t size = 0;
    FrameInfo info;
  };

  void put(uint64_t offset, std::span<const std::byte> bytes);
  bool make_room(uint64_t size);

  TraceStore& store_;
  FramePacker packer_;
  Limit limit_;
  enum class Phase : uint8_t { kBefore, kEvents, kAfter };
  Phase phase_ = Phase::kBefore;
  bool failed_ = false;
  uint64_t next_number_ = 0;
  uint64_t dropped_ = 0;
  uint64_t at_ = 0;   // Where the next frame goes.
  uint64_t end_ = 0;  // Of what was ever written.
  uint64_t ring_begin_ = 0;
  std::vector<Entry> entries_;  // As they lie in the file, but for what a ring has overwritten.
};

}  // namespace jacinth::emu
