// A line for each system call, as strace prints them:
//
//   1040:1042   0.000012345 zx_channel_create(options=0, out0=0x1f3<channel:1043>, out1=...) = ZX_OK <0.000000100>
//   1040:1042   0.000013000 zx_port_wait(handle=0x1f7<port:1044>, deadline=ZX_TIME_INFINITE, <unfinished ...>
//   1040:1042   0.000020000 <... zx_port_wait resumed> packet={...}) = ZX_OK <0.000007000>
//   1040:1042   0.000021000 --- EXCEPTION ZX_EXCP_FATAL_PAGE_FAULT ... ---
//   1040        0.000030000 +++ exited with 0 +++
//
// Koids of process and thread, virtual time of the event, and in angle brackets how long the call took. A call that
// waits is printed in two parts, so that lines stand in the order of time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "emu/time/time.h"
#include "kernel/inspect/call_text.h"
#include "kernel/inspect/trace_filter.h"
#include "kernel/task/observer.h"

namespace jacinth::kernel {

class Core;

/// Takes finished lines, newline included. The text is good during the call only.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void line(std::string_view text) = 0;
};

struct StraceOptions {
  TextLimits limits;
  /// Where only the end of a call tells whether it is printed, each is one line, when it is over.
  TraceFilter filter;
  /// Times are since the line before, as of `strace -r`.
  bool relative = false;
};

class Strace final : public KernelObserver {
 public:
  /// Watches from now on.
  Strace(Core& core, LineSink& sink, StraceOptions options);
  ~Strace() override;
  Strace(const Strace&) = delete;
  Strace& operator=(const Strace&) = delete;

  void call_entered(Thread& thread, const Trap& trap) override;
  void call_parked(Thread& thread, const Trap& trap) override;
  void call_left(Thread& thread, const Trap& trap, int64_t result) override;
  void call_abandoned(Thread& thread, const Trap& trap) override;
  void exception(Thread& thread, const Exception& exception) override;
  void process_created(Process& process) override;
  void process_started(Process& process, Thread& initial) override;
  void process_exited(Process& process) override;
  void thread_started(Thread& thread) override;
  void thread_exited(Thread& thread) override;
  void served(std::string_view service, std::string_view text) override;

 private:
  struct Slot {
    std::string label;  // "1040:1042"
    bool active = false;
    bool begun = false;  // The first part is out.
    Time entered;
    PendingCall call;
    std::vector<uint64_t> named;  // Objects, when they decide.
  };

  Slot& slot(Thread& thread);
  bool chosen(const Process& process, const Thread* thread) const;
  /// The same for what is no call.
  bool lives(const Process& process, const Thread* thread) const;
  void begin_line(std::string_view label);
  void end_line();
  void finish_call(Slot& slot, const int64_t* result, Thread& thread);
  template <class... Arguments>
  void event(std::string_view label, std::string_view format, Arguments&&... arguments);

  Core& core_;
  LineSink& sink_;
  StraceOptions options_;
  Time last_line_;
  std::map<uint64_t, Slot> slots_;  // By thread.
  uint64_t last_koid_ = 0;
  Slot* last_slot_ = nullptr;
  std::string line_;
};

}  // namespace jacinth::kernel
