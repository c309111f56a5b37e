// Clocks that need no object, and the slack of timers (zircon/types.h). Time itself is jacinth::Time.
#pragma once

#include <cstdint>

#include "emu/time/time.h"

namespace jacinth::abi {

/// zx_clock_t. Programs of July 2020 still ask for kUtc and kThread; the target revision knows kMonotonic alone.
enum class ClockId : uint32_t { kMonotonic = 0, kUtc = 1, kThread = 2 };

/// In which direction a timer may be late or early, when it has slack.
enum class TimerSlack : uint32_t { kCenter = 0, kEarly = 1, kLate = 2 };

}  // namespace jacinth::abi
