// How a client moves the run, and how it hears where the run stands.
#include <fmt/format.h>

#include <algorithm>

#include "emu/debug/gdb/register_table.h"
#include "emu/debug/gdb/session.h"

namespace jacinth::emu::gdb {
namespace {

using Reason = DebugStop::Reason;

// Signals by gdb's numbers (include/gdb/signals.def); these are also Linux's, by which LLDB goes.
constexpr unsigned kInterruptSignal = 2;
constexpr unsigned kIllegalSignal = 4;
constexpr unsigned kTrapSignal = 5;
constexpr unsigned kAbortSignal = 6;
constexpr unsigned kKillSignal = 9;
constexpr unsigned kBusSignal = 10;
constexpr unsigned kSegmentSignal = 11;

/// What an exception of the guest would be on Unix. By ZX_EXCP_*: this layer knows no kernel.
unsigned signal_of_exception(uint64_t type) {
  switch (type) {
    case 0x008:  // General: protection faults above all.
    case 0x108: return kSegmentSignal;
    case 0x208: return kIllegalSignal;
    case 0x308:
    case 0x408: return kTrapSignal;
    case 0x508: return kBusSignal;
    default: return kAbortSignal;
  }
}

unsigned signal_of(const DebugStop& stop) {
  switch (stop.reason) {
    case Reason::kException: return signal_of_exception(stop.moment.value);
    case Reason::kBlocked:
    case Reason::kInterrupted: return kInterruptSignal;
    default: return kTrapSignal;
  }
}

}  // namespace

void Session::resume_actions_known(Scanner) { reply("vCont;c;C;s;S;t;r"); }

/// Of all actions the first step counts: the others go anyway.
void Session::resume_actions(Scanner from) {
  if (!from.take(";")) return fail(Error::kInvalid);
  Resume request;
  bool any = false;
  while (!from.done()) {
    Scanner action(from.until(';'));
    bool step = false;
    GuestAddr begin;
    GuestAddr end;
    if (action.take("c")) {
    } else if (action.take("C")) {
      if (!action.number()) return fail(Error::kInvalid);
    } else if (action.take("s")) {
      step = true;
    } else if (action.take("S")) {
      step = true;
      if (!action.number()) return fail(Error::kInvalid);
    } else if (action.take("r")) {
      step = true;
      std::optional<uint64_t> first = action.number();
      std::optional<uint64_t> last = action.take(",") ? action.number() : std::nullopt;
      if (!first || !last) return fail(Error::kInvalid);
      begin = GuestAddr(*first);
      end = GuestAddr(*last);
    } else if (action.take("t")) {
      continue;  // All stand still whenever a packet comes.
    } else {
      return fail(Error::kInvalid);
    }
    ThreadChoice whom = general_;
    if (action.take(":")) {
      std::optional<ThreadChoice> choice = action.thread();
      if (!choice) return fail(Error::kInvalid);
      whom = *choice;
    }
    any = true;
    if (!step || request.step_thread != 0) continue;
    std::optional<TaskId> id = resolve(whom);
    if (!id) return fail(Error::kNoProcess, "there is no such thread");
    request.step_thread = id->thread;
    request.step_begin = begin;
    request.step_end = end;
  }
  if (!any) return fail(Error::kInvalid);
  resume(request);
}

void Session::resume_old(Scanner from) {
  if (!from.done()) return fail(Error::kInvalid, "going on at an address is not there: set the PC");
  resume({});
}

void Session::step_old(Scanner from) {
  if (!from.done()) return fail(Error::kInvalid, "going on at an address is not there: set the PC");
  std::optional<TaskId> id = resolve(resumed_);
  if (!id) return fail(Error::kNoProcess, "there is no such thread");
  resume({.step_thread = id->thread});
}

void Session::resume_with_signal(Scanner from) {
  if (!from.number()) return fail(Error::kInvalid);
  resume_old(from);
}

void Session::step_with_signal(Scanner from) {
  if (!from.number()) return fail(Error::kInvalid);
  step_old(from);
}

void Session::resume_backwards(Scanner) { resume({.backwards = true}); }

void Session::step_backwards(Scanner) {
  std::optional<TaskId> id = resolve(resumed_);
  if (!id) return fail(Error::kNoProcess, "there is no such thread");
  resume({.backwards = true, .step_thread = id->thread});
}

void Session::catch_calls(Scanner from) {
  uint64_t process = focus().process;
  if (from.take("0")) {
    catches_.erase(process);
  } else if (from.take("1")) {
    std::vector<uint64_t> numbers;
    while (from.take(";")) {
      std::optional<uint64_t> number = from.number();
      if (!number) return fail(Error::kInvalid);
      numbers.push_back(*number);
    }
    catches_[process] = std::move(numbers);
  } else {
    return fail(Error::kInvalid);
  }
  set_catches();
  ok();
}

/// The end of a process always stops: clients know of it only so.
void Session::set_catches() {
  std::vector<CallCatch> calls;
  calls.reserve(catches_.size());
  for (const auto& [process, numbers] : catches_) calls.push_back({.process = process, .numbers = numbers});
  timeline_.catch_calls(std::move(calls));
  std::vector<MomentCatch> moments;
  if (options_.moments) moments = options_.moments();
  moments.push_back({.kind = MomentKind::kProcessExited});
  moments.push_back({.kind = MomentKind::kLibrariesLoaded});
  timeline_.catch_moments(std::move(moments));
}

/// What ended the run is its last system call: back to before that, where somebody lives to look at.
DebugStop Session::back_from_end(const DebugStop& end) {
  timeline_.catch_calls({CallCatch{}});
  DebugStop stop = timeline_.resume({.backwards = true});
  set_catches();
  if (stop.reason == Reason::kEnded || visible_threads().empty()) {
    timeline_.resume({});
    return end;
  }
  before_end_ = true;
  return {.reason = Reason::kHistoryEnd, .who = stop.who};
}

/// What happens to processes that the client does not deal with: they go on without a word.
bool Session::unheard(const DebugStop& stop, bool backwards) const {
  if (stop.reason == Reason::kException) return !attached_.contains(stop.who.process);
  if (of_libraries(stop)) return !attached_.contains(stop.moment.koid) && !waited_for(stop);
  if (stop.reason != Reason::kMoment || stop.moment.kind != MomentKind::kProcessExited) return false;
  return backwards || lldb() || !attached_.contains(stop.moment.koid);
}

bool Session::of_libraries(const DebugStop& stop) const {
  return stop.reason == Reason::kMoment && stop.moment.kind == MomentKind::kLibrariesLoaded;
}

/// The user wants to stop there, and is to hear of it in words.
bool Session::waited_for(const DebugStop& stop) const {
  if (!options_.moments) return false;
  return std::ranges::any_of(options_.moments(), [&](const MomentCatch& wanted) {
    return wanted.kind == stop.moment.kind && (!wanted.koid || *wanted.koid == stop.moment.koid);
  });
}

/// A stop that the client alone sees: it reads the list again, puts its breakpoints where they belong by now, and goes
/// on as it was.
void Session::tell_of_libraries(const DebugStop& stop) {
  bool begins = !placed_.contains(stop.moment.koid);
  stop_sent_ = stop_text(stop);
  reply(stop_sent_);
  // LLDB then forgets everything, and reads no list by itself.
  if (lldb() && begins && placed_.contains(stop.moment.koid)) untold_ = stop;
}

/// The dynamic linker of Fuchsia maps the executable itself. What a client knows as that is then nothing that merely
/// comes in addition: gdb moves an executable when a process begins one, and so it is told that this one does.
std::string Session::news_of_libraries(uint64_t process) {
  std::vector<LoadedModule> modules = target_.modules(process);
  bool begins = !modules.empty() && modules.front().there && placed_.insert(process).second;
  if (!begins) return "library:;";
  return lldb() ? "reason:exec;" : fmt::format("exec:{};", hex_of(modules.front().name));
}

void Session::note_executable(uint64_t process) {
  std::vector<LoadedModule> modules = target_.modules(process);
  if (modules.empty() || !modules.front().there) {
    placed_.erase(process);
  } else {
    placed_.insert(process);
  }
}

/// The end of a process may be the end of the run, which is told in the next moment.
DebugStop Session::settle_exit(const DebugStop& stop) {
  if (stop.reason != Reason::kMoment || stop.moment.kind != MomentKind::kProcessExited) return stop;
  static constexpr std::sig_atomic_t kAtOnce = 1;
  DebugStop next = timeline_.resume({.interrupt = &kAtOnce});
  if (next.reason != Reason::kEnded) return stop;
  next.who.process = stop.moment.koid;
  return next;
}

void Session::resume(Resume request) {
  request.interrupt = options_.interrupt;
  document_name_.clear();
  not_there_.reset();
  if (untold_) return tell_of_libraries(*std::exchange(untold_, std::nullopt));
  bool from_end = ended_.has_value();
  if (from_end && !request.backwards) {
    // A client that goes on from there has not heard of every process's end.
    if (attached_.empty()) return fail(Error::kNoProcess, "the run is over");
    uint64_t process = *attached_.begin();
    attached_.erase(attached_.begin());
    return reply(exit_text(process, static_cast<uint64_t>(*ended_)));
  }
  bool at_end = before_end_ && !request.backwards && request.step_thread == 0;
  options_.running(true);
  DebugStop stop{.reason = Reason::kInterrupted};
  // The interrupt may have come together with the packet.
  while (!unread_.contains(kInterruptByte)) {
    stop = timeline_.resume(request);
    if (!unheard(stop, request.backwards)) break;
    if (options_.interrupt != nullptr && *options_.interrupt != 0) {
      stop = {.reason = Reason::kInterrupted};
      break;
    }
  }
  before_end_ = false;
  stop = settle_exit(stop);
  if (stop.reason == Reason::kEnded && options_.stop_before_end && !at_end && !lldb()) stop = back_from_end(stop);
  options_.running(false);
  ended_ = stop.reason == Reason::kEnded ? std::optional(stop.exit_code) : std::nullopt;
  if (of_libraries(stop) && attached_.contains(stop.moment.koid)) {
    if (!waited_for(stop)) return tell_of_libraries(stop);
    untold_ = stop;
  }
  if (options_.describe && !lldb()) console(options_.describe(stop));
  stop_sent_ = stop_text(stop);
  reply(stop_sent_);
}

std::string Session::exit_text(uint64_t process, uint64_t code) const {
  std::string text = fmt::format("W{:02x}", code & 0xff);
  if (multiprocess_) text += fmt::format(";process:{:x}", process);
  return text;
}

std::string Session::stop_text(const DebugStop& stop) {
  bool exited = stop.reason == Reason::kMoment && stop.moment.kind == MomentKind::kProcessExited;
  if (exited && attached_.erase(stop.moment.koid) != 0) return exit_text(stop.moment.koid, stop.moment.value);
  std::vector<TaskId> threads = visible_threads();
  if (threads.empty() && stop.reason != Reason::kEnded) {
    // Before the processes that the client deals with, or behind them: somebody is there.
    attach_first();
    threads = visible_threads();
  }
  if (stop.reason == Reason::kEnded || threads.empty()) {
    // Nobody is left to look at: whoever was known has ended.
    uint64_t process = stop.who.process;
    if (!attached_.contains(process) && !attached_.empty()) process = *attached_.begin();
    attached_.erase(process);
    int code = stop.reason == Reason::kEnded ? stop.exit_code : ended_.value_or(0);
    if (stop.reason != Reason::kEnded && !ended_) return fmt::format("X{:02x}", kKillSignal);
    return exit_text(process, static_cast<uint64_t>(code));
  }
  TaskId who = stop.who;
  if (std::ranges::find(threads, who) == threads.end()) who = *resolve({});
  stopped_ = who;
  general_ = resumed_ = {.process = who.process, .thread = who.thread};
  return thread_stop_text(stop, who);
}

std::string Session::thread_stop_text(const DebugStop& stop, TaskId who) {
  bool libraries = of_libraries(stop) && !untold_;
  std::string out = fmt::format("T{:02x}", libraries && lldb() ? 0 : signal_of(stop));
  auto at = std::back_inserter(out);
  switch (stop.reason) {
    case Reason::kPoint: {
      auto found = std::ranges::find_if(points_, [&](const auto& point) { return point.second == stop.point; });
      if (found == points_.end()) break;
      switch (found->first.type) {
        case '0':
          if (software_stops_) out += "swbreak:;";
          break;
        case '1':
          if (hardware_stops_) out += "hwbreak:;";
          break;
        case '2': fmt::format_to(at, "watch:{:x};", stop.address.value); break;
        case '3': fmt::format_to(at, "rwatch:{:x};", stop.address.value); break;
        default: fmt::format_to(at, "awatch:{:x};", stop.address.value); break;
      }
      break;
    }
    case Reason::kCallBefore: fmt::format_to(at, "syscall_entry:{:x};", stop.call); break;
    case Reason::kCallBehind: fmt::format_to(at, "syscall_return:{:x};", stop.call); break;
    case Reason::kHistoryBegin: out += "replaylog:begin;"; break;
    case Reason::kHistoryEnd: out += "replaylog:end;"; break;
    default: break;
  }
  if (libraries) out += news_of_libraries(stop.moment.koid);
  fmt::format_to(at, "thread:{};", id_text(who));
  if (lldb() && !libraries) put_lldb_stop(out, stop, who);
  if (std::optional<Registers> registers = target_.registers(who.thread)) {
    const std::vector<RegisterRow>& rows = register_rows(target_.arch());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].expedited) continue;
      uint64_t value = register_value(*registers, rows[i]);
      fmt::format_to(at, "{:02x}:", i);
      put_hex(out, std::as_bytes(std::span(&value, 1)));
      out += ';';
    }
  }
  return out;
}

}  // namespace jacinth::emu::gdb
