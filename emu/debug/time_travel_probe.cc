// What time travel hears while the machine runs, and whether that stops it.
#include <algorithm>
#include <utility>

#include "emu/debug/time_travel.h"

namespace jacinth::emu {
namespace {

bool fits(uint64_t wanted, uint64_t is) { return wanted == 0 || wanted == is; }

bool fits(const CallCatch& caught, TaskId who, uint64_t number) {
  return fits(caught.process, who.process) && fits(caught.thread, who.thread) &&
         (caught.numbers.empty() || std::ranges::find(caught.numbers, number) != caught.numbers.end());
}

bool value_fits(MomentKind kind, uint64_t wanted, uint64_t is) {
  if (kind == MomentKind::kSignalled) return (wanted & is) != 0;
  if (kind == MomentKind::kPageCommitted) return wanted / kPageSize == is / kPageSize;
  return wanted == is;
}

bool fits(const MomentCatch& caught, const Moment& moment) {
  return caught.kind == moment.kind && (!caught.koid || *caught.koid == moment.koid) &&
         (!caught.value || value_fits(caught.kind, *caught.value, moment.value)) &&
         (!caught.process || *caught.process == moment.who.process);
}

}  // namespace

/// The kernel was entered: the machine stops soon, and where it does is decided then.
bool TimeTravel::reached(const DebugStop& stop, const StopCondition* condition) {
  if (mode_ == Mode::kPass) return false;
  candidates_.push_back({stop, condition});
  return true;
}

/// An instruction that has not run yet at the end of a search is not part of it, whatever happened there before.
bool TimeTravel::reached_before_instruction(const DebugStop& stop, const StopCondition* condition) {
  if (mode_ == Mode::kPass) return false;
  Position here = history_.here();
  if (mode_ == Mode::kSearch && here.code_bytes >= end_.code_bytes) return false;
  if (mode_ == Mode::kSearch && (condition == nullptr || !*condition)) {
    found_ = Found{here, stop};
    return false;
  }
  candidates_.push_back({stop, condition});
  return true;
}

void TimeTravel::ask_conditions() {
  Position here = history_.here();
  for (const Pending& candidate : candidates_) {
    if (candidate.condition != nullptr && *candidate.condition && !(*candidate.condition)(candidate.stop)) continue;
    if (mode_ == Mode::kStop) {
      if (!stop_) stop_ = candidate.stop;
    } else if (here < origin_ && here <= end_) {
      // In a search, what lies behind its end is not part of it, and the place where it began to go back is where we
      // are.
      found_ = Found{here, candidate.stop};
    }
  }
  candidates_.clear();
  // What lies here was asked for.
  note_start();
}

bool TimeTravel::traces(const ThreadContext& context) {
  return mode_ != Mode::kPass && step_thread_ != 0 && kernel_.task_of(context).thread == step_thread_;
}

bool TimeTravel::instruction(ThreadContext& context, GuestAddr pc) {
  DebugStop stop{.reason = DebugStop::Reason::kStepped, .who = kernel_.task_of(context)};
  if (mode_ == Mode::kSearch) return reached_before_instruction(stop);
  if (!std::exchange(step_begun_, true)) return false;
  if (pc >= step_begin_ && pc < step_end_) return false;
  return reached_before_instruction(stop);
}

bool TimeTravel::at_start(TaskId who, GuestAddr pc) {
  return mode_ != Mode::kPass && machine_.executed_bytes() == start_.code_bytes && who == start_task_ &&
         pc == start_pc_;
}

bool TimeTravel::breakpoint(ThreadContext& context, GuestAddr pc) {
  if (mode_ == Mode::kPass) return false;
  TaskId who = kernel_.task_of(context);
  if (at_start(who, pc)) return false;
  for (const auto& [number, point] : points_) {
    if (point.kind != StopPoint::Kind::kExecute || point.address != pc || !fits(point.process, who.process)) continue;
    if (reached_before_instruction(
            {.reason = DebugStop::Reason::kPoint, .who = who, .point = number, .address = point.address}))
      return true;
  }
  for (const CallSite& site : sites_) {
    if (site.address != pc || site.process != who.process) continue;
    for (const CallCatch& call : calls_) {
      if (!call.before || !fits(call, who, site.number)) continue;
      DebugStop stop{.reason = DebugStop::Reason::kCallBefore, .who = who, .call = site.number};
      if (reached_before_instruction(stop, &call.condition)) return true;
    }
  }
  return false;
}

// --- Watchpoints ---

std::optional<uint64_t> TimeTravel::watched_value(const StopPoint& point) {
  std::vector<std::byte> bytes(std::min<uint64_t>(point.size, kPageSize));
  if (point.process == 0 || target_.read(point.process, point.address, bytes) != bytes.size()) return std::nullopt;
  return digest_of(bytes).low;
}

void TimeTravel::note_watched_values() {
  watched_values_.clear();
  for (const auto& [number, point] : points_) {
    if (point.kind == StopPoint::Kind::kExecute) continue;
    if (auto value = watched_value(point)) watched_values_[number] = *value;
  }
}

Probe::Watch TimeTravel::accesses(ThreadContext& context, GuestAddr pc, std::span<const DataAccess> accesses) {
  if (mode_ == Mode::kPass) return Watch::kGoOn;
  TaskId who = kernel_.task_of(context);
  std::optional<DebugStop> hit;
  bool writes = false;
  for (const auto& [number, point] : points_) {
    if (point.kind == StopPoint::Kind::kExecute || !fits(point.process, who.process)) continue;
    for (const DataAccess& access : accesses) {
      if (!access.touches(point.address.value, point.size)) continue;
      writes |= access.write;
      bool kind = (access.write && point.kind != StopPoint::Kind::kRead) ||
                  (access.read && point.kind != StopPoint::Kind::kWrite);
      if (kind && !hit)
        hit = {.reason = DebugStop::Reason::kPoint,
               .who = who,
               .point = number,
               .address = std::max(point.address, GuestAddr(access.address))};
    }
  }
  bool before = (target_.arch() == Arch::kArm64) != backwards_;
  // What was reported here is over once the run goes on.
  bool told = at_start(who, pc) && last_stop_.reason == DebugStop::Reason::kPoint && stopped_at_ == start_;
  if (hit && before) {
    if (!told && reached_before_instruction(*hit)) return Watch::kStopBefore;
    hit.reset();
  }
  watched_ = hit;
  return hit || writes ? Watch::kStopBehind : Watch::kGoOn;
}

bool TimeTravel::accessed(ThreadContext&) {
  note_watched_values();
  if (!watched_) return false;
  DebugStop stop = *std::exchange(watched_, std::nullopt);
  Position here = history_.here();
  if (mode_ != Mode::kSearch) return reached(stop);
  // An arm64 debugger finds it with the access just behind itself: also when that is where it stands, unless it was
  // told so.
  bool told = here == origin_ && last_stop_.reason == DebugStop::Reason::kPoint && stopped_at_ == origin_;
  if (here.code_bytes <= end_.code_bytes && here <= origin_ && !told) found_ = Found{here, stop};
  return false;
}

void TimeTravel::compare_watched() {
  for (const auto& [number, point] : points_) {
    if (point.kind == StopPoint::Kind::kExecute) continue;
    auto known = watched_values_.find(number);
    std::optional<uint64_t> value = watched_value(point);
    if (!value) continue;
    bool changed = known != watched_values_.end() && known->second != *value;
    watched_values_[number] = *value;
    if (changed && point.kind != StopPoint::Kind::kRead)
      pending_.push_back(
          {{.reason = DebugStop::Reason::kPoint, .who = current_task(), .point = number, .address = point.address}});
  }
}

// --- The kernel ---

void TimeTravel::call_left(TaskId who, uint64_t number, int64_t result) {
  if (mode_ == Mode::kPass) return;
  for (const CallCatch& call : calls_) {
    if (!call.behind || !fits(call, who, number)) continue;
    DebugStop stop{.reason = DebugStop::Reason::kCallBehind, .who = who, .call = number, .result = result};
    pending_.push_back({stop, &call.condition});
  }
}

bool TimeTravel::wants(MomentKind kind) {
  return mode_ != Mode::kPass && std::ranges::find(moments_, kind, &MomentCatch::kind) != moments_.end();
}

void TimeTravel::moment(const Moment& moment) {
  if (moment.kind == MomentKind::kThreadStarted && !calls_.empty()) armed_ = false;
  if (mode_ == Mode::kPass) return;
  TaskId who = moment.who;
  if (moment.kind == MomentKind::kException && catch_exceptions_)
    pending_.push_back({{.reason = DebugStop::Reason::kException, .who = who, .moment = moment}});
  // Whoever steps a thread that is no more would wait for long.
  if (moment.kind == MomentKind::kThreadExited && step_thread_ != 0 && moment.koid == step_thread_ && !backwards_)
    pending_.push_back({{.reason = DebugStop::Reason::kMoment, .who = who, .moment = moment}});
  if (std::ranges::any_of(moments_, [&](const MomentCatch& caught) { return fits(caught, moment); }))
    pending_.push_back({{.reason = DebugStop::Reason::kMoment, .who = who, .moment = moment}});
}

bool TimeTravel::entered() {
  if (mode_ == Mode::kPass) return false;
  if (!watched_values_.empty()) compare_watched();
  bool stop = false;
  for (const Pending& told : pending_) stop |= reached(told.stop, told.condition);
  pending_.clear();
  // Calls of a process that has just begun are to be caught as well.
  return stop || !armed_;
}

}  // namespace jacinth::emu
