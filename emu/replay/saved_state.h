// The state of a machine as frames of a file: of a snapshot (emu/replay/snapshot.h), or of a recording that begins at
// one.
//
// The state is one row of bytes, what an Archive was given, cut into pieces of kStatePiece. A last frame says how many
// there are, and what hash the machine must have once they are loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "emu/replay/recorder.h"
#include "emu/state/archive.h"
#include "emu/time/time.h"

namespace jacinth::emu {

/// No frame of state is larger unpacked.
inline constexpr size_t kStatePiece = size_t{1} << 20;

/// What is known of a state.
struct StateDescription {
  std::string layout;   ///< Of the build that saved it.
  int64_t time = 0;     ///< Virtual nanoseconds.
  uint64_t pieces = 0;  ///< Frames of state before this.
  uint64_t bytes = 0;   ///< In all of them.
  Digest machine;
  std::vector<std::byte> session;  ///< What whoever ran it knows beside the machine.
  /// Where on the host libraries and folders were, in the order of the command line. Not in recordings.
  std::vector<std::string> libraries;
  std::vector<std::string> folders;

  void state(Archive& ar);
};

/// Saves into frames.
class StateWriter final : public Archive {
 public:
  /// `frames` outlives this.
  StateWriter(FrameSink& frames, Time time) : Archive(Mode::kSave), frames_(frames), time_(time) {}
  void bytes(void* data, size_t size) override;
  /// The last piece, and what `about` says of the others.
  void finish(StateDescription about);

 private:
  void flush();

  FrameSink& frames_;
  Time time_;
  std::vector<std::byte> piece_;
  uint64_t pieces_ = 0;
  uint64_t bytes_ = 0;
};

/// A state that lies in frames of a file.
class SavedState {
 public:
  /// Unpacks the piece of that number.
  using Fetch = std::function<std::expected<std::vector<std::byte>, std::string>(size_t)>;
  /// `sizes`: of the pieces when unpacked. An error says what does not fit together.
  static std::expected<SavedState, std::string> make(StateDescription about, const std::vector<uint32_t>& sizes,
                                                     Fetch fetch);

  const StateDescription& about() const { return about_; }
  /// Calls `visit` with an archive that loads; what was wrong, with the piece in which it was found. What was loaded
  /// until then is no state that a machine may run from.
  std::expected<void, std::string> load(const std::function<void(Archive&)>& visit) const;
  /// The same frames in another file, without the places on the host; or which could not be read.
  std::expected<void, std::string> copy(FrameSink& frames) const;

 private:
  SavedState() = default;

  StateDescription about_;
  Fetch fetch_;
};

}  // namespace jacinth::emu
