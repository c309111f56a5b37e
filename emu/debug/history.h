// Where a run has been: checkpoints in memory, to any of which the machine can be brought back.
//
// A checkpoint is the state of everything but RAM, saved, and a mark in the history of RAM (emu/memory/page_history.h).
// Those that lie far back are thinned out when memory runs short: of the gaps between them, those go that are small for
// their age, so that what is left lies ever wider apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "emu/debug/timeline.h"
#include "emu/machine/machine.h"
#include "emu/memory/page_history.h"
#include "emu/state/archive.h"

namespace jacinth::emu {

/// A machine with everything that runs on it.
class Rewindable {
 public:
  virtual ~Rewindable() = default;
  virtual Machine& machine() = 0;
  /// All that its future depends on, but for RAM.
  virtual void state_without_memory(Archive& ar) = 0;
  /// Memory and state are about to be replaced: forgets what stands on them. It is not asked for anything until state
  /// was loaded.
  virtual void forget() = 0;
};

class History {
 public:
  /// A run is kept in at most about `max_bytes`, and in no more than `max_checkpoints`. `run` outlives it.
  History(Rewindable& run, size_t max_bytes, size_t max_checkpoints = kMaxCheckpoints);

  /// Keeps the machine as it is now. It stands between two steps of its run, and behind the last checkpoint or at it.
  void keep();
  /// The same after somebody changed the machine where it stands: from here on, what was before does not lead here.
  void keep_changed();
  size_t size() const { return checkpoints_.size(); }
  Position position(size_t number) const { return checkpoints_[number].position; }
  /// The last checkpoint at `position` or before; the first when there is none.
  size_t at_or_before(Position position) const;
  size_t at_or_before(Time time) const;
  /// The machine is as it was at that checkpoint; those behind it are gone.
  void rewind(size_t number);

  Position here() const;
  /// The last checkpoint that keep_changed() made; the first when there is none.
  size_t last_change() const;
  size_t bytes() const { return pages_.bytes() + state_bytes_; }

  static constexpr size_t kMaxCheckpoints = 16384;

 private:
  struct Checkpoint {
    Position position;
    Time time;
    std::vector<std::byte> state;
    bool changed = false;
  };

  /// Forgets a checkpoint; false when all have to stay.
  bool thin();

  Rewindable& run_;
  PageHistory pages_;
  std::vector<Checkpoint> checkpoints_;
  size_t state_bytes_ = 0;
  size_t max_bytes_;
  size_t max_checkpoints_;
};

}  // namespace jacinth::emu
