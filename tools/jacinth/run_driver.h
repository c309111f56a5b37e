// Who makes a started run go, in place of the session's own loop: a debugger.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "emu/time/time.h"
#include "tools/jacinth/guest_code.h"
#include "tools/jacinth/host_events.h"

namespace jacinth::boards {
class System;
}

namespace jacinth::cli {

/// A run that stands at its first instruction.
struct StartedRun {
  boards::System& system;
  HostEvents& host;
  /// What was started, by the name that the user knows it by.
  std::string program;
  std::span<const std::byte> bytes;
  /// Where the run ends that would go on: somebody ended it when it was recorded, or the limit of virtual time comes.
  std::optional<Time> end;
  /// Which of the two it was.
  std::string end_words;
  bool recorded = false;
  /// The host's files with the symbols and lines of what runs.
  SymbolFiles symbols;
};

class RunDriver {
 public:
  enum class End {
    kRunOver,  ///< By itself.
    kBlocked,  ///< No thread will ever run again, and nobody wants to look.
    kKilled,   ///< The debugger's user wants no more of it.
    kWish,     ///< HostEvents::wish(), or the end that the recording has.
  };

  virtual ~RunDriver() = default;
  virtual End drive(const StartedRun& run) = 0;
  /// What happens now has happened before, and was told then.
  virtual bool again() = 0;
  /// Since when it is not just the run that it would have been alone: it went back then, or was changed.
  virtual std::optional<Time> parted() = 0;
};

}  // namespace jacinth::cli
