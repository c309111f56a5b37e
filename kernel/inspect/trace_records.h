// What happens in a run as records, for views that programs read or compare: each call with its arguments when it is
// over, exceptions, and processes and threads that come and go.
//
// kernel/inspect/strace.h prints the same for people, in the order of time also while calls wait. Records of calls come
// in the order of their ends.
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

struct TraceRecord {
  enum class Kind : uint8_t {
    kCall,
    kException,
    kProcessCreated,
    kProcessStarted,
    kProcessExited,
    kThreadStarted,
    kThreadExited,
    kServed,
  };
  struct Argument : ArgumentText {
    std::vector<uint64_t> objects;  ///< What its handles name, by koid.
  };

  Kind kind = Kind::kCall;
  Time time;  ///< When it began.
  uint64_t process = 0;
  std::string_view process_name;
  uint64_t thread = 0;  ///< 0: of no thread.
  std::string_view thread_name;

  // A call.
  std::string call;
  uint64_t number = 0;
  std::vector<Argument> arguments;
  Time end;
  bool waited = false;
  bool returned = false;    ///< Else it ended its own thread, or its thread was killed.
  bool unfinished = false;  ///< The run was over before it was.
  bool failed = false;
  bool injected = false;  ///< The result was put in, and the call not made.
  int64_t result = 0;     ///< Of a call that returned; of a process, its return code.
  std::string result_text;

  // An exception: its name, its cause, and where.
  std::string exception;
  std::string detail;
  uint64_t pc = 0;
  std::string pc_text;

  uint64_t job = 0;  ///< Of a process that was created.

  // What a service of the host's did: which one, and what.
  std::string_view service;
  std::string_view text;
};
/// "call", "exception", "process-created", ...
std::string_view record_kind_name(TraceRecord::Kind kind);

class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void record(const TraceRecord& record) = 0;
  /// Other words for a thread's numbers; null: the numbers.
  virtual ValueNames* names_for(const Thread&) { return nullptr; }
};

class TraceRecords final : public KernelObserver {
 public:
  /// Watches from now on. `sink` outlives this.
  TraceRecords(Core& core, RecordSink& sink, TextLimits limits, TraceFilter filter);
  ~TraceRecords() override;
  TraceRecords(const TraceRecords&) = delete;
  TraceRecords& operator=(const TraceRecords&) = delete;

  /// The run is over: calls that still wait are told.
  void finish();

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
    Thread* thread = nullptr;  // While it is in a call.
    bool active = false;
    bool waited = false;
    Time entered;
    PendingCall call;
    std::vector<uint64_t> named;
  };

  TextLimits limits_for(const Thread& thread);
  TraceRecord record_of(TraceRecord::Kind kind, const Process& process, const Thread* thread) const;
  void life(TraceRecord::Kind kind, Process& process, Thread* thread);
  void finish_call(Thread& thread, const int64_t* result, bool unfinished = false);

  Core& core_;
  RecordSink& sink_;
  TextLimits limits_;
  TraceFilter filter_;
  std::map<uint64_t, Slot> slots_;  // By thread.
};

}  // namespace jacinth::kernel
