// Whoever owns the guest's traps: a kernel, seen from the machine. Nothing here knows what a kernel is.
//
// Calls never nest, but for page_fault(), which comes while guest code runs.
#pragma once

#include <cstdint>

#include "emu/base/access.h"
#include "emu/base/address.h"
#include "emu/cpu/cpu.h"
#include "emu/state/exception_info.h"
#include "emu/state/thread_context.h"
#include "emu/time/time.h"

namespace jacinth::emu {

/// Whether a CPU goes on with the same thread, or asks for another.
enum class Next : uint8_t {
  kContinue,
  // Only of a system call:
  kShare,    ///< It goes on, but idle CPUs should ask: work_waiting().
  kReslice,  ///< It goes on, but slice() has another answer now, and work_waiting() may.
  kSwitch,
};

class Supervisor {
 public:
  virtual ~Supervisor() = default;

  /// Chooses what `cpu` runs now; null: nothing.
  virtual ThreadContext* schedule(unsigned cpu) = 0;
  /// The last choice; null when it does not hold any more, and schedule() has to be asked.
  virtual ThreadContext* current(unsigned cpu) = 0;
  /// A thread waits for a CPU: idle ones should ask.
  virtual bool work_waiting() const = 0;
  /// How long the choice may run before schedule() is asked again.
  virtual Duration slice(unsigned cpu) const = 0;

  /// The thread of `context` trapped. Reads the arguments from `core` and, unless it says kSwitch, writes the result
  /// there, or to the context when that took the registers home meanwhile.
  virtual Next system_call(unsigned cpu, Cpu& core, ThreadContext& context) = 0;
  virtual bool page_fault(unsigned cpu, GuestAddr page, AccessKind access) = 0;
  virtual Next exception(unsigned cpu, const ExceptionInfo& info) = 0;
  virtual void alarm() = 0;
};

}  // namespace jacinth::emu
