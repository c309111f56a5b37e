#include "emu/debug/time_travel.h"

#include <algorithm>
#include <utility>

#include "emu/base/check.h"

namespace jacinth::emu {
namespace {

/// How far before the end of the way a step back looks first, in bytes of code, and how much farther each time.
constexpr uint64_t kFirstWindow = 512;
constexpr uint64_t kWindowGrowth = 16;

/// The machine came back in the middle of its run.
bool midway(RunEnd end) { return end == RunEnd::kCodeLimit || end == RunEnd::kEntryLimit || end == RunEnd::kHeld; }

}  // namespace

TimeTravel::TimeTravel(Rewindable& run, Target& target, KernelSide& kernel, const TimeTravelOptions& options)
    : run_(run),
      machine_(run.machine()),
      target_(target),
      kernel_(kernel),
      options_(options),
      history_(run, options.max_bytes) {
  CHECK(options.checkpoint_gap > 0);
  history_.keep();
  furthest_ = history_.here();
  machine_.set_probe(this);
  kernel_.set_sink(this);
}

TimeTravel::~TimeTravel() {
  detach();
  machine_.set_probe(nullptr);
  kernel_.set_sink(nullptr);
}

void TimeTravel::detach() {
  points_.clear();
  calls_.clear();
  moments_.clear();
  catch_exceptions_ = false;
  arm();
}

// --- What to look out for ---

uint32_t TimeTravel::add(const StopPoint& point) {
  points_[++last_point_] = point;
  armed_ = false;
  return last_point_;
}

void TimeTravel::remove(uint32_t point) {
  points_.erase(point);
  watched_values_.erase(point);
  armed_ = false;
}

const StopPoint* TimeTravel::point(uint32_t number) const {
  auto found = points_.find(number);
  return found == points_.end() ? nullptr : &found->second;
}

void TimeTravel::catch_calls(std::vector<CallCatch> calls) {
  calls_ = std::move(calls);
  armed_ = false;
}

void TimeTravel::catch_moments(std::vector<MomentCatch> moments) { moments_ = std::move(moments); }

void TimeTravel::arm() {
  armed_ = true;
  sites_.clear();
  std::vector<uint64_t> numbers;
  bool before = false;
  bool all = false;
  for (const CallCatch& caught : calls_) {
    if (!caught.before) continue;
    before = true;
    all |= caught.numbers.empty();
    numbers.insert(numbers.end(), caught.numbers.begin(), caught.numbers.end());
  }
  if (all) numbers.clear();
  if (before) sites_ = kernel_.call_sites(numbers);

  std::vector<GuestAddr> breakpoints;
  breakpoints.reserve(sites_.size() + points_.size());
  std::map<GuestAddr, WatchedPage> pages;
  for (const CallSite& site : sites_) breakpoints.push_back(site.address);
  for (const auto& [number, point] : points_) {
    if (point.kind == StopPoint::Kind::kExecute) {
      breakpoints.push_back(point.address);
      continue;
    }
    if (point.size == 0 || point.address + (point.size - 1) < point.address) continue;
    for (GuestAddr page = point.address.page();; page = page + kPageSize) {
      WatchedPage& watched = pages[page];
      watched.page = page;
      // Accesses that only read are no writes, but values change behind a watch on either.
      watched.write = true;
      watched.read |= point.kind != StopPoint::Kind::kWrite;
      if (point.address + (point.size - 1) - page < kPageSize) break;
    }
  }
  std::ranges::sort(breakpoints);
  auto doubles = std::ranges::unique(breakpoints);
  breakpoints.erase(doubles.begin(), doubles.end());
  machine_.set_breakpoints(std::move(breakpoints));
  std::vector<WatchedPage> watched;
  watched.reserve(pages.size());
  for (const auto& [address, page] : pages) watched.push_back(page);
  machine_.set_watched_pages(std::move(watched));
}

// --- Going ---

DebugStop TimeTravel::remember(DebugStop stop) {
  mode_ = Mode::kPass;
  step_thread_ = 0;
  interrupt_ = nullptr;
  stop_.reset();
  pending_.clear();
  watched_.reset();
  candidates_.clear();
  last_stop_ = stop;
  stopped_at_ = history_.here();
  return stop;
}

TaskId TimeTravel::current_task() {
  const ThreadContext* context = machine_.turn();
  return context == nullptr ? TaskId{} : kernel_.task_of(*context);
}

void TimeTravel::keep_if_due() {
  uint64_t last = history_.position(history_.size() - 1).code_bytes;
  if (history_.here().code_bytes - last >= options_.checkpoint_gap) history_.keep();
}

RunEnd TimeTravel::go(RunLimits limits) {
  if (!armed_) arm();
  pending_.clear();
  candidates_.clear();
  uint64_t due = history_.position(history_.size() - 1).code_bytes + options_.checkpoint_gap;
  uint64_t here = machine_.executed_bytes();
  limits.code_bytes = std::min(limits.code_bytes, std::max(due, here + options_.checkpoint_gap / 2));
  limits.interrupt = interrupt_;
  if (options_.end) limits.time = std::min(limits.time, *options_.end);
  RunEnd end = machine_.run(limits);
  furthest_ = std::max(furthest_, history_.here());
  if (end == RunEnd::kCodeLimit) keep_if_due();
  if (!candidates_.empty()) ask_conditions();
  return end;
}

void TimeTravel::note_start() {
  start_ = history_.here();
  start_task_ = current_task();
  start_pc_ = GuestAddr(start_task_.thread == 0 ? 0 : target_.registers(start_task_.thread).value_or(Registers{}).pc);
}

DebugStop TimeTravel::stop_at_end(RunEnd end) {
  DebugStop stop;
  stop.who = current_task();
  switch (end) {
    case RunEnd::kStopped:
      stop.reason = DebugStop::Reason::kEnded;
      stop.exit_code = kernel_.exit_code().value_or(0);
      break;
    case RunEnd::kBlocked: stop.reason = DebugStop::Reason::kBlocked; break;
    case RunEnd::kTimeLimit: stop.reason = DebugStop::Reason::kHistoryEnd; break;
    default: stop.reason = DebugStop::Reason::kInterrupted; break;
  }
  return stop;
}

DebugStop TimeTravel::resume(const Resume& resume) {
  interrupt_ = resume.interrupt;
  backwards_ = resume.backwards;
  found_.reset();
  stop_.reset();
  if (!resume.backwards) return forwards(resume);
  return resume.step_thread != 0 ? step_back(resume) : backwards(resume);
}

DebugStop TimeTravel::forwards(const Resume& resume) {
  if (auto code = kernel_.exit_code()) {
    DebugStop stop{.reason = DebugStop::Reason::kEnded};
    stop.exit_code = *code;
    return remember(stop);
  }
  step_thread_ = resume.step_thread;
  step_begin_ = resume.step_begin;
  step_end_ = resume.step_end;
  // A thread that waits in a call has begun its step long ago.
  step_begun_ = step_thread_ != 0 && kernel_.in_call(step_thread_);
  note_start();
  mode_ = Mode::kStop;
  note_watched_values();
  while (true) {
    RunEnd end = go({});
    if (stop_) return remember(*stop_);
    if (!midway(end)) return remember(stop_at_end(end));
  }
}

void TimeTravel::rewind(size_t checkpoint) {
  if (!parted_) parted_ = machine_.now();
  history_.rewind(checkpoint);
  // Other processes live here, and make their calls elsewhere.
  if (!calls_.empty()) armed_ = false;
}

RunEnd TimeTravel::run_to(Position where) {
  while (machine_.executed_bytes() < where.code_bytes) {
    RunLimits limits{.code_bytes = where.code_bytes};
    if (machine_.entries() < where.entries) limits.entries = where.entries;
    Position before = history_.here();
    RunEnd end = go(limits);
    // In the middle of an instruction nobody can stand.
    if (end == RunEnd::kCodeLimit && history_.here() == before) break;
    if (!midway(end)) return end;
  }
  while (machine_.entries() < where.entries) {
    RunEnd end = go({.entries = where.entries});
    if (!midway(end)) return end;
  }
  return RunEnd::kCodeLimit;
}

void TimeTravel::travel(Position where) {
  mode_ = Mode::kPass;
  interrupt_ = nullptr;
  step_thread_ = 0;
  if (where < history_.here()) rewind(history_.at_or_before(where));
  run_to(where);
}

DebugStop TimeTravel::seek(Position where) {
  travel(where);
  DebugStop stop{.reason = DebugStop::Reason::kArrived};
  stop.who = current_task();
  if (history_.here() < where) {
    if (auto code = kernel_.exit_code()) {
      stop.reason = DebugStop::Reason::kEnded;
      stop.exit_code = *code;
    } else {
      stop.reason = DebugStop::Reason::kHistoryEnd;
    }
  }
  return remember(stop);
}

DebugStop TimeTravel::seek(Time when) {
  mode_ = Mode::kPass;
  if (when < machine_.now()) rewind(history_.at_or_before(when));
  while (machine_.now() < when) {
    RunEnd end = go({.time = when});
    if (end == RunEnd::kTimeLimit && machine_.now() >= when) break;
    if (!midway(end)) return remember(stop_at_end(end));
  }
  DebugStop stop{.reason = DebugStop::Reason::kArrived};
  stop.who = current_task();
  return remember(stop);
}

void TimeTravel::changed() {
  if (!parted_) parted_ = machine_.now();
  history_.keep_changed();
  furthest_ = history_.here();
}

// --- Back ---

std::optional<TimeTravel::Found> TimeTravel::search(size_t from, Position end) {
  mode_ = Mode::kPass;
  rewind(from);
  found_.reset();
  end_ = end;
  note_watched_values();
  start_task_ = {};  // Nobody has been asked for here.
  mode_ = Mode::kSearch;
  run_to(end);
  mode_ = Mode::kPass;
  return std::exchange(found_, std::nullopt);
}

DebugStop TimeTravel::backwards(const Resume&) {
  origin_ = history_.here();
  Position end = origin_;
  size_t i = history_.at_or_before(end);
  if (i > 0 && history_.position(i) == end) --i;
  while (history_.position(i) < end) {
    std::optional<Found> found = search(i, end);
    if (found) {
      travel(found->position);
      return remember(found->stop);
    }
    if (interrupted() || i == 0) break;
    end = history_.position(i);
    --i;
  }
  bool given_up = interrupted();
  travel(history_.position(i));
  DebugStop stop{.reason = given_up ? DebugStop::Reason::kInterrupted : DebugStop::Reason::kHistoryBegin};
  stop.who = current_task();
  return remember(stop);
}

DebugStop TimeTravel::step_back(const Resume& resume) {
  origin_ = history_.here();
  Position end = origin_;
  size_t i = history_.at_or_before(end);
  if (i > 0 && history_.position(i).code_bytes >= end.code_bytes) --i;
  while (true) {
    Position from = history_.position(i);
    for (uint64_t window = kFirstWindow; from.code_bytes < end.code_bytes; window *= kWindowGrowth) {
      uint64_t begin = end.code_bytes - std::min(window, end.code_bytes - from.code_bytes);
      size_t checkpoint = i;
      mode_ = Mode::kPass;
      step_thread_ = 0;
      rewind(i);
      if (begin > from.code_bytes) {
        // The way to the place that is found begins here too.
        run_to({.code_bytes = begin});
        history_.keep();
        checkpoint = history_.size() - 1;
      }
      step_thread_ = resume.step_thread;
      std::optional<Found> found = search(checkpoint, end);
      if (found) {
        travel(found->position);
        return remember(found->stop);
      }
      if (begin == from.code_bytes || interrupted()) break;
    }
    if (interrupted() || i == 0) break;
    end = from;
    --i;
  }
  bool given_up = interrupted();
  travel(given_up ? origin_ : history_.position(0));
  DebugStop stop{.reason = given_up ? DebugStop::Reason::kInterrupted : DebugStop::Reason::kHistoryBegin};
  stop.who = current_task();
  return remember(stop);
}

}  // namespace jacinth::emu
