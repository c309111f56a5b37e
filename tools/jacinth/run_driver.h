// Who makes a started run go, in place of the session's own loop: a debugger.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "emu/time/time.h"
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
  /// Of a recording: where somebody ended the run.
  std::optional<Time> end;
  bool recorded = false;
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
};

}  // namespace jacinth::cli
