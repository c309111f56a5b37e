// What a tracer, a recorder or a debugger hears of the kernel. Costs one test per event while nobody listens.
//
// Observers look, they never act: nothing that they do may change what the guest sees.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/platform/platform.h"

namespace jacinth::kernel {

class Process;
class Thread;
struct Exception;

/// What an observer is told of. Traffic is what happens without end: calls, page faults, who runs where. Of this,
/// results are how calls end, and page faults. Telling somebody who does not listen takes a tenth of the time of an
/// empty call.
enum class Hears : uint8_t { kEverything, kResults, kAllButTraffic };

class KernelObserver {
 public:
  virtual ~KernelObserver() = default;

  // Results.
  /// The guest will find `result`; results in memory are written.
  virtual void call_left(Thread&, const Trap&, int64_t /*result*/) {}
  /// The call ended its own thread or process, or the thread was killed while it waited.
  virtual void call_abandoned(Thread&, const Trap&) {}
  /// An access that the page tables do not allow, before anything is done about it.
  virtual void page_fault(Thread&, unsigned /*cpu*/, GuestAddr /*page*/, AccessKind) {}

  // The rest of traffic.
  /// A thread trapped. Pointers of the guest still hold what it passed.
  virtual void call_entered(Thread&, const Trap&) {}
  /// The call cannot finish yet: the thread waits (thread.wait() says on what).
  virtual void call_parked(Thread&, const Trap&) {}
  /// The wait is over and the handler about to run again.
  virtual void call_resumed(Thread&, const Trap&) {}

  /// What the thread waited for has come, or the end of its patience; it may run from now on.
  virtual void thread_woken(Thread&) {}
  /// The kernel's timer interrupts whoever runs on the first CPU, and is done.
  virtual void interrupt_begins() {}
  virtual void interrupt_ends() {}
  /// A CPU goes on with this thread, which may be the one that it ran before.
  virtual void thread_runs(Thread&, unsigned /*cpu*/) {}
  /// A CPU finds nothing to run.
  virtual void cpu_idles(unsigned /*cpu*/) {}

  // The rest.
  /// A thread runs into an exception; registers are exact.
  virtual void exception(Thread&, const Exception&) {}
  /// Nobody handled it: the process is about to be killed for it.
  virtual void crashed(Thread&, const Exception&) {}

  virtual void process_created(Process&) {}
  virtual void process_started(Process&, Thread& /*initial*/) {}
  virtual void process_exited(Process&) {}
  virtual void thread_started(Thread&) {}
  virtual void thread_exited(Thread&) {}

  /// A line came to the kernel's log or serial port.
  virtual void logged(std::string_view /*text*/) {}
  /// A service of the emulator's own (kernel/services) answered a request: which one, and what in the words of a trace.
  virtual void served(std::string_view /*service*/, std::string_view /*text*/) {}
};

}  // namespace jacinth::kernel
