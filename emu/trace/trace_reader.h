// Reads a trace file, whole or damaged, finished or not. Nothing that stands in it is believed: a frame is read when
// its checksum is right, and every other one is named with what is wrong with it.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "emu/trace/frame.h"

namespace jacinth::emu {

class TraceReader {
 public:
  /// `file` is the whole file and outlives this. An error says why it is no trace that this version reads.
  static std::expected<TraceReader, std::string> open(std::span<const std::byte> file);

  /// All whole frames, in the order in which they were written.
  const std::vector<FrameInfo>& frames() const { return infos_; }
  /// The payload of frames()[index]; an error names the frame.
  std::expected<std::vector<std::byte>, std::string> read(size_t index) const;
  /// The index of the last frame of a kind at or before `time`; frames().size() when there is none.
  size_t find(FrameKind kind, Time time) const;

  /// Whether the writer came to its end.
  bool finished() const { return finished_; }
  /// What is damaged, a line each: the reader goes on behind it.
  const std::vector<std::string>& problems() const { return problems_; }
  uint8_t minor_version() const { return minor_; }

 private:
  explicit TraceReader(std::span<const std::byte> file) : file_(file) {}
  bool use_index();
  void walk();

  std::span<const std::byte> file_;
  uint8_t minor_ = 0;
  bool finished_ = false;
  std::vector<FrameInfo> infos_;
  std::vector<uint64_t> offsets_;
  std::vector<std::string> problems_;
};

}  // namespace jacinth::emu
