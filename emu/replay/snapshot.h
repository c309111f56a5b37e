// A run's state in a file, from which it goes on.
//
//   "jacinth snapshot\n" version | run | file | launch | input ... input | state ... state | snapshot
//
// Frames as in a recording (emu/trace/frame.h), each packed and with a checksum. The first say what was run, as those
// of a recording do; inputs are the answers from outside that the run had by then. The state is one row of bytes, what
// an Archive was given, cut into pieces of kStatePiece. The last frame says how many there are and what hash the loaded
// machine must have: a file without it was cut off.
//
// A recording that begins at a snapshot has the same frames of state and snapshot before its events.
//
// The state's layout is what the sources say it is, and no other build can read it: the file names the layout, and
// whoever loads it compares. Nothing else in the file is believed either. Every count is held against the bytes that
// are there, every reference against the objects that were loaded; a file with one that is wrong is refused, with the
// frame where reading ended.
//
// Left out: reading the state of another layout, and a signature. Someone who knows the layout can write a state that
// loads and that no run comes to; what such a machine does is up to them, as if they had written its program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/replay/recording.h"
#include "emu/replay/saved_state.h"

namespace jacinth::emu {

inline constexpr std::string_view kSnapshotMagic = "jacinth snapshot\n";
inline constexpr uint8_t kSnapshotVersion = 1;
/// A snapshot's file, all but the state unpacked.
struct Snapshot {
  /// Whether a file begins like a snapshot.
  static bool recognizes(std::span<const std::byte> file);
  /// `file` outlives the result. An error names the frame that is damaged, or says why it is no snapshot.
  static std::expected<Snapshot, std::string> open(std::span<const std::byte> file);

  RunDescription run;
  RecordedFile program;
  std::optional<LaunchDescription> launch;
  std::map<std::string, RecordedInput> inputs;  ///< By their questions.
  SavedState state;
};

/// The first bytes of a snapshot's file.
std::vector<std::byte> snapshot_header();

}  // namespace jacinth::emu
