// How a debugger moves a run: forwards and backwards, to the next thing that it wants to stop for.
//
// A run is a line of instructions and, between them, of events that the kernel tells of. A stop lies between two
// instructions: before the one that a breakpoint stands on, before (arm64) or behind (x86-64) an access that is
// watched, behind the instruction of a step, before a system call's instruction or behind the call, behind an event.
// Stopping is no event of the run, so that going on gives what would have been, and going back and on again gives the
// same.
//
// The whole machine stops and goes: no thread is held back while another runs, since that would be another run.
#pragma once

#include <compare>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "emu/base/address.h"
#include "emu/debug/target.h"
#include "emu/time/time.h"

namespace jacinth::emu {

/// A place on the line: so much code was executed, and so often was the kernel entered.
struct Position {
  uint64_t code_bytes = 0;
  uint64_t entries = 0;
  auto operator<=>(const Position&) const = default;
};

/// An address to stop at.
struct StopPoint {
  enum class Kind : uint8_t { kExecute, kWrite, kRead, kAccess };
  Kind kind = Kind::kExecute;
  uint64_t process = 0;  ///< 0: in any.
  GuestAddr address;
  uint64_t size = 1;  ///< Of what is watched; any byte of it counts.
  bool operator==(const StopPoint&) const = default;
};

struct DebugStop;
/// Whether to stop for something after all. Asked when the machine stands there.
using StopCondition = std::function<bool(const DebugStop&)>;

/// System calls to stop at.
struct CallCatch {
  uint64_t process = 0;           ///< 0: of any.
  uint64_t thread = 0;            ///< 0: of any.
  std::vector<uint64_t> numbers;  ///< Empty: all.
  bool before = true;             ///< Before the call's instruction runs.
  bool behind = true;             ///< When the guest is about to see the result.
  StopCondition condition = {};   ///< Null: always.
};

/// What the kernel tells a debugger of, beyond calls and instructions.
enum class MomentKind : uint8_t {
  kPacketQueued,     ///< koid: the port; value: the packet's key.
  kMessageWritten,   ///< koid: the end that will read it; value: bytes.
  kFutexParked,      ///< koid: the thread; value: the futex's address.
  kThreadBlocked,    ///< koid: the thread.
  kThreadWoken,      ///< koid: the thread.
  kThreadStarted,    ///< koid: the thread.
  kThreadExited,     ///< koid: the thread.
  kProcessStarted,   ///< koid: the process.
  kProcessExited,    ///< koid: the process; value: its return code.
  kException,        ///< koid: the thread; value: ZX_EXCP_*.
  kHandleClosed,     ///< koid: the object; value: how many handles to it are left.
  kSignalled,        ///< koid: the object; value: the signals that were not asserted before.
  kPageCommitted,    ///< koid: the VMO; value: the page's offset in it. Not those that it was made with.
  kLibrariesLoaded,  ///< koid: the process, whose dynamic linker has brought its list of libraries up to date.
};

struct Moment {
  MomentKind kind = MomentKind::kThreadStarted;
  TaskId who;  ///< Whose doing it was; zeros: nobody's, such as a timer's.
  uint64_t koid = 0;
  uint64_t value = 0;
};

/// Moments to stop at: every field that is set has to fit.
struct MomentCatch {
  MomentKind kind = MomentKind::kThreadStarted;
  std::optional<uint64_t> koid;
  /// Of signals, any of these; of pages, the one that holds this offset.
  std::optional<uint64_t> value;
  std::optional<uint64_t> process;  ///< Of who did it.
};

struct Resume {
  bool backwards = false;
  /// One instruction of this thread (of its own time: others run as they would). 0: until something stops it.
  uint64_t step_thread = 0;
  /// The step goes on while the thread's PC is in [begin, end); both zero: one instruction.
  GuestAddr step_begin;
  GuestAddr step_end;
  /// Somebody wants the run back when this is not zero.
  const volatile std::sig_atomic_t* interrupt = nullptr;
};

struct DebugStop {
  enum class Reason : uint8_t {
    kStepped,
    kPoint,         ///< `point`; `address`: of the access.
    kCallBefore,    ///< `call`.
    kCallBehind,    ///< `call`, `result`.
    kMoment,        ///< `moment`.
    kException,     ///< A thread runs into an exception that nobody has handled yet: `moment` says which.
    kHistoryBegin,  ///< Backwards, and there is nothing before.
    kHistoryEnd,    ///< Forwards, and the recording ends here (a replay).
    kEnded,         ///< The run is over: `exit_code`.
    kBlocked,       ///< No thread will ever run again.
    kInterrupted,
    kArrived,  ///< At where seek() was asked to go.
  };
  Reason reason = Reason::kInterrupted;
  /// Whose doing; zeros: nobody's.
  TaskId who;
  uint32_t point = 0;  ///< By the number that add() gave.
  GuestAddr address;
  uint64_t call = 0;
  int64_t result = 0;
  Moment moment;
  int exit_code = 0;
};

class Timeline {
 public:
  virtual ~Timeline() = default;

  virtual Target& target() = 0;
  /// Returns when something stops the run. Output of the guest that was shown once is not shown again.
  virtual DebugStop resume(const Resume& resume) = 0;
  /// Why it stands where it stands.
  virtual const DebugStop& last_stop() const = 0;
  virtual Position position() = 0;
  virtual Time now() = 0;
  /// Where the way that leads here begins: at the run's first instruction, or where a debugger last changed it.
  virtual Position begins() const { return {}; }
  virtual bool is_changed() const { return false; }
  /// Goes there, in either direction, past everything else; stops early only where the run ends.
  virtual DebugStop seek(Position where) = 0;
  virtual DebugStop seek(Time when) = 0;

  /// Numbers are never used twice.
  virtual uint32_t add(const StopPoint& point) = 0;
  virtual void remove(uint32_t point) = 0;
  virtual const StopPoint* point(uint32_t number) const = 0;
  /// In place of what was caught before. Process 0 in a debugger's protocol means all.
  virtual void catch_calls(std::vector<CallCatch> calls) = 0;
  virtual void catch_moments(std::vector<MomentCatch> moments) = 0;
  /// Stop when a thread runs into an exception, before its handlers hear of it.
  virtual void catch_exceptions(bool on) = 0;

  /// The debugger changed registers or memory through the target: what comes is another run than what was, and what it
  /// was going to be is forgotten.
  virtual void changed() = 0;
  /// Forgets everything that was to be stopped at: the run can go on as without a debugger.
  virtual void detach() = 0;
};

}  // namespace jacinth::emu
