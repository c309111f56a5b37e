// What a processor looks out for while it runs one thread: single steps, breakpoints, watchpoints. The debug registers
// of both architectures come down to this (ARM DDI 0487, D2; Intel SDM vol. 3B, 17.2); the kernel translates.
#pragma once

#include <cstdint>
#include <vector>

#include "emu/base/address.h"

namespace jacinth {

struct DebugControl {
  struct Point {
    GuestAddr address;
    uint64_t size = 0;    ///< In bytes; any byte of it counts.
    uint32_t number = 0;  ///< Whose register it is.
    bool execute = false;
    bool read = false;
    bool write = false;
  };
  std::vector<Point> points;
  /// Stop after each instruction. x86-64 has this in RFLAGS.TF as well; both say the same.
  bool step = false;
  /// The step is over, and the stop for it still to come: after a system call; and on arm64 until somebody steps again,
  /// as PSTATE.SS has it.
  bool step_due = false;

  /// Every instruction has to be looked at.
  bool active() const { return step || step_due || !points.empty(); }
};

}  // namespace jacinth
