// Watches how much memory is free, and says so (zircon/kernel/object/memory_watchdog.cc).
//
//   Pmm's level --> MemoryWatchdog --+--> events of zx_system_get_event: one of them is signaled, the level's
//                                    +--> eviction of old pages, a while after things got worse
//                                    '--> out of memory: reboot, or the end of a job
//
// Things getting worse is told at once; that they are better only when they stayed so for the hysteresis. The real
// kernel has a thread for this; here it runs when a CPU next asks for work, or when its time has come.
//
// Left out: sweeping loans, which have nothing to sweep here.
#pragma once

#include <array>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/system.h"
#include "kernel/event/event.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Core;
class Job;

class MemoryWatchdog {
 public:
  /// By how little is left; the numbers are those of Pmm::level().
  enum class Level : uint8_t { kOutOfMemory, kImminentOutOfMemory, kCritical, kWarning, kNormal };
  static constexpr size_t kLevels = 5;

  explicit MemoryWatchdog(Core& core) : core_(core) {}
  MemoryWatchdog(const MemoryWatchdog&) = delete;
  MemoryWatchdog& operator=(const MemoryWatchdog&) = delete;

  /// Kernel options kernel.oom.*. Once the core has its memory.
  void configure();
  /// One of the events that programs can ask for; all handles name the same. Made at first use.
  Ref<Event> event(abi::SystemEvent kind);
  /// What was told last.
  Level level() const { return told_; }

  /// Whether run() has something to do.
  bool due(Time now) const;
  void run(Time now, Job& root_job);
  /// Memory ran out, and the time that programs had to make an end has passed: the machine reboots.
  bool reboots() const { return phase_ == Phase::kOver; }

  /// Before the objects go.
  void let_go() { events_ = {}; }
  /// Behind the objects.
  void state(Archive& ar);

 private:
  enum class Phase : uint8_t {
    kIdle,       ///< Waits for the level to change.
    kSettling,   ///< The same, and looks again after the hysteresis.
    kKilled,     ///< A job was killed: waits a little.
    kRebooting,  ///< Will reboot.
    kOver,
  };

  Level measured() const;
  void look(Time now, Job& root_job);
  void tell(Level level, Time now);
  void plan_eviction(Level level, Time now);
  void trigger_eviction();
  void out_of_memory(Time now, Job& root_job);
  void wait(Phase phase, Time until);
  void set_alarm();

  Core& core_;
  bool enabled_ = false;
  bool kills_jobs_ = false;
  bool evicts_continuously_ = false;
  Level eviction_level_ = Level::kCritical;
  uint64_t free_target_ = 0;  // Bytes.
  Duration hysteresis_{};
  Duration reboot_timeout_{};

  std::array<Ref<Event>, kLevels> events_;
  Phase phase_ = Phase::kIdle;
  bool began_ = false;
  Time wake_ = Time::never();
  Level told_ = Level::kNormal;
  Time last_look_;
  Time eviction_at_ = Time::never();
  uint64_t min_free_ = 0;  // Bytes.
};

}  // namespace jacinth::kernel
