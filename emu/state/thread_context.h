// The part of a thread that a machine works on.
#pragma once

#include <cstdint>
#include <optional>

#include "emu/base/address.h"
#include "emu/state/debug_control.h"
#include "emu/state/registers.h"

namespace jacinth {

struct ThreadContext {
  /// Current only after the machine's fetch_registers(); while the thread runs, a core may hold newer values.
  Registers registers;
  /// Root of the page tables.
  PhysAddr page_table;
  /// What the pending system call returns, written to the result register before the thread runs again.
  std::optional<int64_t> result;
  /// What the processor looks out for while the thread runs.
  DebugControl debug;
  /// debug.active(): what a machine looks at each time. Whoever changes `debug` keeps it so.
  bool traced = false;
  /// Which core holds newer registers, if any; the machine's own, never saved.
  void* resident = nullptr;
};

}  // namespace jacinth
