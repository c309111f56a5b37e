// The snapshots that a run leaves behind on its way, and the one that it begins at (emu/replay/snapshot.h).
//
// Where: on the first instruction at or after the wanted time. When a file cannot be written the run goes on, and you
// are told; nothing is left of that file, and one that had its name stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boards/system.h"
#include "emu/replay/snapshot.h"
#include "emu/time/time.h"
#include "tools/jacinth/files.h"

namespace jacinth::cli {

class HostInputs;

/// --save-at TIME FILE.
struct SaveRequest {
  Time at;
  std::string file;
};

/// What one run's snapshots have in common.
struct SavedRun {
  emu::RunDescription run;
  std::span<const std::byte> program;
  std::optional<emu::LaunchDescription> launch;
  HostInputs* inputs = nullptr;
};

class RunSnapshots {
 public:
  /// What `run` refers to outlives this.
  RunSnapshots(std::string_view who, std::vector<SaveRequest> saves, SavedRun run);

  /// When the next is to be taken; never() when none is left.
  Time next() const { return done_ < saves_.size() ? saves_[done_].at : Time::never(); }
  /// Takes those whose time has come. The system stands between two steps of its run; `session` is what whoever runs it
  /// knows beside it.
  void take(boards::System& system, const std::vector<std::byte>& session);
  /// The run is over: says which were not taken. False when one could not be written.
  bool finish();

 private:
  /// What stood against it; empty when it is there.
  std::string write(const SaveRequest& save, boards::System& system, const std::vector<std::byte>& session);

  std::string_view who_;
  std::vector<SaveRequest> saves_;  // By time.
  SavedRun run_;
  size_t done_ = 0;
  bool failed_ = false;
};

/// A state that is kept in memory.
class KeptState final : public emu::FrameSink {
 public:
  void frame(const emu::FrameInfo& info, std::vector<std::byte> payload) override;
  /// Once all of it was saved. This outlives the result.
  std::expected<emu::SavedState, std::string> state() const;

 private:
  std::vector<std::vector<std::byte>> pieces_;
  std::vector<std::byte> about_;
};

/// The frames of a system's state, with what whoever runs it knows beside it.
void save_state(emu::FrameSink& frames, boards::System& system, emu::StateDescription about);
/// A fresh system of the same options is where the state was saved; `session` is told what was known beside it. What is
/// wrong, if anything: the system is good for nothing then but to be destroyed.
std::optional<std::string> load_state(const emu::SavedState& saved, boards::System& system,
                                      const std::function<void(Archive&)>& session);
/// Why this build reads no such state; empty when it does.
std::string unfit_state(const emu::SavedState& saved, std::string_view version);

}  // namespace jacinth::cli
