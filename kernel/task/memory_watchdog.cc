#include "kernel/task/memory_watchdog.h"

#include <fmt/format.h>

#include <algorithm>

#include "emu/state/archive.h"
#include "kernel/abi/task.h"
#include "kernel/object/core.h"
#include "kernel/task/job.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;
constexpr int64_t kMillisecond = 1'000'000;

Duration milliseconds(uint64_t count) {
  return Duration{static_cast<int64_t>(std::min<uint64_t>(count, uint64_t{1} << 40)) * kMillisecond};
}

MemoryWatchdog::Level level_of(abi::SystemEvent kind) {
  using Level = MemoryWatchdog::Level;
  switch (kind) {
    case abi::SystemEvent::kOutOfMemory: return Level::kOutOfMemory;
    case abi::SystemEvent::kImminentOutOfMemory: return Level::kImminentOutOfMemory;
    case abi::SystemEvent::kMemoryPressureCritical: return Level::kCritical;
    case abi::SystemEvent::kMemoryPressureWarning: return Level::kWarning;
    case abi::SystemEvent::kMemoryPressureNormal: break;
  }
  return Level::kNormal;
}

/// The job made last, of those that are to go when memory runs out; null when there is none.
Job* expendable(Job& root) {
  Job* found = nullptr;
  // Down to children, then to the next one of a parent: nesting has a bound, and this needs none.
  Ref<Job> at(&root);
  while (at) {
    if (at.get() != &root && at->kill_on_oom() && at->job_state() == Job::State::kReady) found = at.get();
    if (!at->jobs().empty()) {
      at = Ref<Job>(at->jobs().begin()->second);
      continue;
    }
    Ref<Job> next;
    while (at.get() != &root && !next) {
      const auto& siblings = at->parent()->jobs();
      auto behind = siblings.upper_bound(abi::raw(at->koid()));
      if (behind != siblings.end()) {
        next = Ref<Job>(behind->second);
      } else {
        at = at->parent();
      }
    }
    at = next;
  }
  return found;
}

}  // namespace

void MemoryWatchdog::configure() {
  enabled_ = core_.option("kernel.oom.enable", 1) != 0;
  kills_jobs_ = core_.option_is("kernel.oom.behavior", "jobkill");
  evicts_continuously_ = core_.option("kernel.oom.evict-continuous", 0) != 0;
  eviction_level_ = core_.option("kernel.oom.evict-at-warning", 0) != 0 ? Level::kWarning : Level::kCritical;
  hysteresis_ =
      milliseconds(std::min<uint64_t>(core_.option("kernel.oom.hysteresis-seconds", 10), uint64_t{1} << 30) * 1000);
  reboot_timeout_ = milliseconds(core_.option("kernel.oom.reboot-timeout-ms", 8000));
  if (!enabled_) return;
  auto megabytes = [this](const char* option, uint64_t otherwise) {
    return std::min<uint64_t>(core_.option(option, otherwise), uint64_t{1} << 40) * kMegabyte;
  };
  std::array<uint64_t, kLevels - 1> marks = {};
  marks[0] = megabytes("kernel.oom.outofmemory-mb", 50);
  marks[1] = marks[0] + megabytes("kernel.oom.imminent-oom-delta-mb", 10);
  marks[2] = megabytes("kernel.oom.critical-mb", 150);
  marks[3] = megabytes("kernel.oom.warning-mb", 300);
  // The real kernel does not start with marks that do not ascend.
  for (size_t i = 1; i < marks.size(); ++i) marks[i] = std::max(marks[i], marks[i - 1]);
  uint64_t debounce = megabytes("kernel.oom.debounce-mb", 1);
  free_target_ = marks[static_cast<size_t>(eviction_level_)] + debounce;
  core_.vm().pmm().set_watermarks(marks, debounce);
}

MemoryWatchdog::Level MemoryWatchdog::measured() const { return static_cast<Level>(core_.vm().pmm().level()); }

Ref<Event> MemoryWatchdog::event(abi::SystemEvent kind) {
  Level level = level_of(kind);
  Ref<Event>& event = events_[static_cast<size_t>(level)];
  if (!event) {
    event = make_object<Event>(core_);
    if (level == told_) event->update_signals(Signals::kNone, Signals::kEventSignaled);
  }
  return event;
}

bool MemoryWatchdog::due(Time now) const {
  if (!enabled_ || phase_ == Phase::kOver) return false;
  return !began_ || now >= wake_ || now >= eviction_at_ ||
         (phase_ <= Phase::kSettling && core_.vm().pmm().level_changed());
}

void MemoryWatchdog::run(Time now, Job& root_job) {
  if (now >= eviction_at_) trigger_eviction();
  bool woken = now >= wake_;
  switch (phase_) {
    case Phase::kRebooting:
      if (woken) wait(Phase::kOver, Time::never());
      return;
    case Phase::kKilled:
      if (!woken) return;
      wait(Phase::kIdle, Time::never());
      woken = false;
      break;
    case Phase::kOver: return;
    default: break;
  }
  // What changes from here on is looked at the next time.
  bool changed = core_.vm().pmm().take_level_change();
  if (changed || woken || !began_) look(now, root_job);
}

void MemoryWatchdog::look(Time now, Job& root_job) {
  if (measured() == Level::kOutOfMemory) {
    // The last chance: whatever is not in use goes at once.
    while (measured() == Level::kOutOfMemory) {
      if (core_.vm().scanner().evict(10 * kMegabyte / kPageSize, 0, EvictionLevel::kIncludeNewest) == 0) break;
    }
  }
  Level level = measured();
  bool first = !began_;
  bool due = first || level < told_ || now - last_look_ >= hysteresis_;
  began_ = true;
  last_look_ = now;
  if (!due) return wait(Phase::kSettling, now + hysteresis_);
  wait(Phase::kIdle, Time::never());
  plan_eviction(level, now);
  if (!first || level != Level::kNormal) tell(level, now);
  if (level == Level::kOutOfMemory) out_of_memory(now, root_job);
}

void MemoryWatchdog::tell(Level level, Time) {
  static constexpr std::array<std::string_view, kLevels> kNames = {"OutOfMemory", "ImminentOutOfMemory", "Critical",
                                                                   "Warning", "Normal"};
  core_.log().write(Koid::kInvalid, Koid::kInvalid, 0, 0,
                    fmt::format("memory-pressure: {}, {} MiB free\n", kNames[static_cast<size_t>(level)],
                                core_.vm().pmm().free_count() * kPageSize >> 20));
  auto signal = [this](Level which, Signals clear, Signals set) {
    if (const Ref<Event>& event = events_[static_cast<size_t>(which)]) event->update_signals(clear, set);
  };
  signal(told_, Signals::kEventSignaled, Signals::kNone);
  signal(level, Signals::kNone, Signals::kEventSignaled);
  told_ = level;
}

void MemoryWatchdog::plan_eviction(Level level, Time now) {
  bool diagnostic = level == Level::kImminentOutOfMemory;
  if (level < told_ && level <= eviction_level_ && level != Level::kOutOfMemory && !diagnostic) {
    uint64_t free = core_.vm().pmm().free_count() * kPageSize;
    // At least half of what it takes, even if programs let go of something meanwhile.
    min_free_ = free < free_target_ ? (free_target_ - free) / 2 : 0;
    // Programs have half of the hysteresis for themselves, unless things get worse faster than that.
    eviction_at_ = eviction_at_ != Time::never() ? now : now + Duration{hysteresis_.ns / 2};
    set_alarm();
  } else if (evicts_continuously_ && level > eviction_level_) {
    eviction_at_ = Time::never();
    core_.vm().scanner().stop_evicting();
    set_alarm();
  }
}

void MemoryWatchdog::trigger_eviction() {
  eviction_at_ = Time::never();
  set_alarm();
  Scanner& scanner = core_.vm().scanner();
  if (evicts_continuously_) {
    scanner.evict_continuously(min_free_ / kPageSize, free_target_ / kPageSize);
  } else {
    scanner.evict(min_free_ / kPageSize, free_target_ / kPageSize, EvictionLevel::kOnlyOldest);
  }
}

void MemoryWatchdog::out_of_memory(Time now, Job& root_job) {
  auto log = [this](std::string_view line) { core_.log().write(Koid::kInvalid, Koid::kInvalid, 0, 0, line); };
  if (!kills_jobs_) {
    log(fmt::format("memory-pressure: the machine reboots in {} ms\n", reboot_timeout_.ns / kMillisecond));
    return wait(Phase::kRebooting, now + reboot_timeout_);
  }
  if (Job* job = expendable(root_job)) {
    job->kill(static_cast<int64_t>(abi::TaskRetcode::kOomKill));
  } else {
    log("memory-pressure: no job is marked to be killed (ZX_PROP_JOB_KILL_ON_OOM)\n");
  }
  wait(Phase::kKilled, now + Duration{500 * kMillisecond});
}

void MemoryWatchdog::wait(Phase phase, Time until) {
  phase_ = phase;
  wake_ = until;
  set_alarm();
}

void MemoryWatchdog::set_alarm() { core_.set_kernel_deadline(std::min(wake_, eviction_at_)); }

void MemoryWatchdog::state(Archive& ar) {
  for (Ref<Event>& event : events_) state_ref(ar, event);
  ar(phase_, began_, wake_, told_, last_look_, eviction_at_, min_free_);
  if (!ar.loading()) return;
  if (phase_ > Phase::kOver || told_ > Level::kNormal) {
    phase_ = Phase::kIdle;
    told_ = Level::kNormal;
    ar.fail("a watchdog of memory in no known state");
  }
}

}  // namespace jacinth::kernel
