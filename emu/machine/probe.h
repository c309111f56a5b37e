// What a debugger hears from a machine while it runs, and how it stops it. A stop is no event of the run.
#pragma once

#include <span>

#include "emu/base/address.h"
#include "emu/cpu/data_access.h"
#include "emu/state/thread_context.h"

namespace jacinth::emu {

class Probe {
 public:
  virtual ~Probe() = default;

  // Where the machine stands can be asked in each of these (Machine::now(), executed_bytes(), entries()); registers can
  // be fetched where a Cpu is not running.

  /// Whether to look at each instruction of this thread. Asked whenever the machine turns to it.
  virtual bool traces(const ThreadContext& context) = 0;
  /// A thread that it traces is about to run the instruction at `pc`. True: stop before it.
  virtual bool instruction(ThreadContext& context, GuestAddr pc) = 0;
  /// The same for a breakpoint.
  virtual bool breakpoint(ThreadContext& context, GuestAddr pc) = 0;

  enum class Watch : uint8_t { kGoOn, kStopBefore, kStopBehind };
  /// The instruction at `pc` is about to make these accesses, at least one of them to a watched page.
  virtual Watch accesses(ThreadContext& context, GuestAddr pc, std::span<const DataAccess> accesses) = 0;
  /// It has made those that were to be stopped behind. True: stop here.
  virtual bool accessed(ThreadContext& context) = 0;

  /// The kernel was entered and is done. True: stop here.
  virtual bool entered() = 0;
};

}  // namespace jacinth::emu
