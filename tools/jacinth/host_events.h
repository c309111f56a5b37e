// What the host may want while a guest runs: an end, by a signal or because real time is up.
#pragma once

#include <csignal>
#include <optional>

#include "emu/time/time.h"

namespace jacinth::cli {

/// While one of these lives (there can be one at a time), SIGINT, SIGTERM, SIGHUP and the wall limit raise the flag
/// instead of ending the process. The second signal of a kind ends it at once.
class HostEvents {
 public:
  enum class Wish : std::sig_atomic_t { kNone, kInterrupt, kTerminate, kWallLimit };

  HostEvents();
  ~HostEvents();
  HostEvents(const HostEvents&) = delete;
  HostEvents& operator=(const HostEvents&) = delete;

  /// Real time runs from now on.
  void start_wall_limit(Duration limit);

  /// Not zero: whoever runs the guest shall come back.
  const volatile std::sig_atomic_t& flag() const;
  /// The same, for who waits for something else meanwhile.
  static const volatile std::sig_atomic_t& raised();
  void raise_flag();
  void lower_flag();
  /// An interrupt was dealt with: the next one is the first again.
  void forgive_interrupt();
  /// The first that came.
  Wish wish() const;
};

}  // namespace jacinth::cli
