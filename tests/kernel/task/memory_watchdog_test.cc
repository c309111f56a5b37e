// Who is told how much memory is left, when, and what happens when there is none.
#include "kernel/task/memory_watchdog.h"

#include "kernel/abi/task.h"
#include "kernel/abi/vmo.h"
#include "tests/kernel/pager/pager_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::SystemEvent;
using Level = MemoryWatchdog::Level;

constexpr uint64_t kPage = kPageSize;
constexpr uint64_t kMegabyte = 1 << 20;

/// 8 MiB of RAM, with marks at 1, 2, 4 and 6.
struct PressureRig : PagerRig {
  static Options marks(Options more) {
    Options options = {
        {"kernel.oom.enable", "true"},   {"kernel.oom.outofmemory-mb", "1"}, {"kernel.oom.imminent-oom-delta-mb", "1"},
        {"kernel.oom.critical-mb", "4"}, {"kernel.oom.warning-mb", "6"},     {"kernel.oom.debounce-mb", "0"}};
    for (auto& [name, value] : more) options.insert_or_assign(name, value);
    return options;
  }
  explicit PressureRig(Options more = {}) : PagerRig(marks(std::move(more))) {
    root = handle(kernel().root_job());
    run();
  }

  Handle root{};
  Handle filler{};
  uint64_t filled = 0;

  Pmm& pmm() { return kernel().vm().pmm(); }
  uint64_t free() { return pmm().free_count() * kPage; }
  /// A VMO is made to take so much that this many bytes are left.
  void leave(uint64_t bytes) {
    if (filler == Handle{}) filler = make("vmo_create", 8 * kMegabyte, 0);
    uint64_t pages = bytes / kPage;
    if (pmm().free_count() > pages) {
      uint64_t more = pmm().free_count() - pages;
      REQUIRE(at(filler).commit(filled * kPage, more * kPage) == Status::kOk);
      // Not zeros, which would be given back after a while.
      uint32_t word = 1;
      for (uint64_t i = 0; i < more; ++i)
        REQUIRE(at(filler).write((filled + i) * kPage, std::as_bytes(std::span(&word, 1))) == Status::kOk);
      filled += more;
    } else {
      uint64_t fewer = pages - pmm().free_count();
      filled -= fewer;
      REQUIRE(at(filler).decommit(filled * kPage, fewer * kPage) == Status::kOk);
    }
    run();
  }
  Handle event(SystemEvent kind) { return make("system_get_event", root, kind); }
  bool signaled(SystemEvent kind) {
    Handle handle = event(kind);
    bool is = contains(object<Object>(handle)->signals(), Signals::kEventSignaled);
    close(handle);
    return is;
  }
  /// The one that is signaled, and no other.
  Level told() {
    const std::pair<SystemEvent, Level> kAll[] = {{SystemEvent::kOutOfMemory, Level::kOutOfMemory},
                                                  {SystemEvent::kImminentOutOfMemory, Level::kImminentOutOfMemory},
                                                  {SystemEvent::kMemoryPressureCritical, Level::kCritical},
                                                  {SystemEvent::kMemoryPressureWarning, Level::kWarning},
                                                  {SystemEvent::kMemoryPressureNormal, Level::kNormal}};
    for (auto [kind, level] : kAll) REQUIRE(signaled(kind) == (level == kernel().watchdog().level()));
    return kernel().watchdog().level();
  }
  void wait(int64_t milliseconds) { advance_to(platform().now() + Duration{milliseconds * 1'000'000}); }
};

TEST_CASE("as memory runs low, each level is signaled at once, alone", "[zx_system_get_event]") {
  PressureRig k;
  REQUIRE(k.told() == Level::kNormal);
  k.leave(6 * kMegabyte - kPage);
  REQUIRE(k.told() == Level::kWarning);
  k.leave(4 * kMegabyte + kPage);
  REQUIRE(k.told() == Level::kWarning);
  k.leave(4 * kMegabyte - kPage);
  REQUIRE(k.told() == Level::kCritical);
  k.leave(2 * kMegabyte - kPage);
  REQUIRE(k.told() == Level::kImminentOutOfMemory);
  k.leave(kMegabyte - kPage);
  REQUIRE(k.told() == Level::kOutOfMemory);
}

TEST_CASE("levels may be passed over", "[zx_system_get_event]") {
  PressureRig k;
  k.leave(3 * kMegabyte);
  REQUIRE(k.told() == Level::kCritical);
}

TEST_CASE("better times are told when they have lasted", "[zx_system_get_event]") {
  PressureRig k;
  k.leave(3 * kMegabyte);
  k.wait(1000);
  k.leave(7 * kMegabyte);
  REQUIRE(k.told() == Level::kCritical);
  k.wait(9'999);
  REQUIRE(k.told() == Level::kCritical);
  k.wait(1);
  REQUIRE(k.told() == Level::kNormal);
  // After a long time at one level the next one up is told at once.
  k.leave(5 * kMegabyte);
  k.wait(60'000);
  k.leave(7 * kMegabyte);
  REQUIRE(k.told() == Level::kNormal);
}

TEST_CASE("a short relief is not told, and what gets worse meanwhile is", "[zx_system_get_event]") {
  PressureRig k;
  k.leave(5 * kMegabyte);
  k.wait(1000);
  k.leave(7 * kMegabyte);
  k.wait(5000);
  k.leave(3 * kMegabyte);
  REQUIRE(k.told() == Level::kCritical);
  k.wait(100);
  k.leave(5 * kMegabyte);
  k.wait(9'000);
  REQUIRE(k.told() == Level::kCritical);
  k.wait(1'000);
  REQUIRE(k.told() == Level::kWarning);
}

TEST_CASE("a mark counts when memory has passed it by the debounce", "[zx_system_get_event]") {
  PressureRig k(Options{{"kernel.oom.debounce-mb", "1"}, {"kernel.oom.hysteresis-seconds", "0"}});
  k.leave(5 * kMegabyte + kPage);
  REQUIRE(k.told() == Level::kNormal);
  k.leave(5 * kMegabyte);
  REQUIRE(k.told() == Level::kWarning);
  k.leave(7 * kMegabyte - kPage);
  k.wait(1);
  REQUIRE(k.told() == Level::kWarning);
  k.leave(7 * kMegabyte);
  k.wait(1);
  REQUIRE(k.told() == Level::kNormal);
}

TEST_CASE("a thread that waits for pressure is woken by it", "[zx_system_get_event]") {
  PressureRig k;
  Handle warning = k.event(SystemEvent::kMemoryPressureWarning);
  Made& waiter = k.start(k.thread(), "object_wait_one", warning, Signals::kEventSignaled, Time::never(), nullptr);
  REQUIRE(waiter.status() == Status::kParked);
  k.leave(5 * kMegabyte);
  REQUIRE(waiter.status() == Status::kOk);
}

TEST_CASE("out of memory ends the run after eight seconds, in which programs may end in order") {
  PressureRig k;
  k.leave(kMegabyte / 2);
  REQUIRE(k.told() == Level::kOutOfMemory);
  k.wait(7'999);
  REQUIRE_FALSE(k.kernel().outcome());
  // It is too late to let go.
  k.leave(7 * kMegabyte);
  k.platform().advance_to(k.platform().now() + Duration{1'000'000});
  k.kernel().alarm();
  REQUIRE(k.kernel().outcome()->kind == Outcome::Kind::kOutOfMemory);
  REQUIRE(k.kernel().schedule(0) == nullptr);
  REQUIRE(k.platform().console().find("memory-pressure: OutOfMemory, ") != std::string::npos);
}

TEST_CASE("where jobs are marked for it, the newest of them goes instead") {
  PressureRig k(Options{{"kernel.oom.behavior", "jobkill"}, {"kernel.oom.hysteresis-seconds", "0"}});
  auto make_job = [&](const Ref<Job>& parent, bool marked) {
    Ref<Job> job = *Job::create(parent);
    job->set_kill_on_oom(marked);
    return k.handle(job);
  };
  Handle first = make_job(k.kernel().root_job(), true);
  Handle plain = make_job(k.kernel().root_job(), false);
  Handle last = make_job(k.object<Job>(plain), true);
  auto dead = [&](Handle job) { return k.object<Job>(job)->job_state() != Job::State::kReady; };
  k.leave(kMegabyte / 2);
  REQUIRE((!dead(first) && !dead(plain) && dead(last)));
  REQUIRE(k.object<Job>(last)->return_code() == static_cast<int64_t>(abi::TaskRetcode::kOomKill));
  // The next time it is the other one's turn, half a second later at the earliest.
  k.wait(600);
  k.leave(7 * kMegabyte);
  k.wait(1);
  k.leave(kMegabyte / 2);
  REQUIRE(dead(first));
  REQUIRE_FALSE(dead(plain));
  k.wait(600);
  k.leave(7 * kMegabyte);
  k.wait(1);
  k.leave(kMegabyte / 2);
  REQUIRE_FALSE(k.kernel().outcome());
  REQUIRE(k.platform().console().find("no job is marked to be killed") != std::string::npos);
}

TEST_CASE("while memory is critical, old pages go after half the hysteresis") {
  PressureRig k;
  Handle vmo = k.vmo(256);
  k.supply(vmo, 0, 256);
  k.wait(120'000);  // They are as old as can be.
  k.leave(4 * kMegabyte - 4 * kPage);
  REQUIRE(k.told() == Level::kCritical);
  uint64_t free = k.pmm().free_count();
  k.wait(4'999);
  REQUIRE(k.pmm().free_count() == free);
  k.wait(1);
  // Half of what it takes, and all of it: out of the critical level.
  REQUIRE(k.free() == 4 * kMegabyte);
  REQUIRE(k.core().counter("vm.reclamation.pages_evicted_pager_backed") == 4);
  k.wait(60'000);
  REQUIRE(k.free() == 4 * kMegabyte);
}

TEST_CASE("out of memory, all that is not in use goes at once, and that may be enough") {
  PressureRig k;
  Handle vmo = k.vmo(256);
  k.supply(vmo, 0, 256);
  k.wait(120'000);
  k.leave(kMegabyte - kPage);
  REQUIRE(k.told() != Level::kOutOfMemory);
  REQUIRE(k.core().counter("vm.reclamation.pages_evicted_pager_backed") == 256);
  k.wait(10'000);
  REQUIRE_FALSE(k.kernel().outcome());
}

TEST_CASE("continuous eviction goes on while memory is critical") {
  PressureRig k(Options{{"kernel.oom.evict-continuous", "true"}});
  k.leave(3 * kMegabyte);
  k.wait(6'000);
  Handle vmo = k.vmo(64);
  k.supply(vmo, 0, 64);
  // Not before they are old.
  k.wait(10'000);
  REQUIRE(k.core().counter("vm.reclamation.pages_evicted_pager_backed") == 0);
  k.wait(200'000);
  REQUIRE(k.core().counter("vm.reclamation.pages_evicted_pager_backed") == 64);
  k.supply(vmo, 0, 64);
  k.wait(200'000);
  REQUIRE(k.core().counter("vm.reclamation.pages_evicted_pager_backed") == 128);
}

TEST_CASE("a kernel without the watchdog says that all is well", "[zx_system_get_event]") {
  PressureRig k(Options{{"kernel.oom.enable", "false"}});
  k.leave(kMegabyte / 2);
  k.wait(20'000);
  REQUIRE(k.told() == Level::kNormal);
  REQUIRE_FALSE(k.kernel().outcome());
}

TEST_CASE("pressure, what waits for it and what is planned for it are saved and loaded") {
  PressureRig k;
  Handle normal = k.event(SystemEvent::kMemoryPressureNormal);
  k.leave(3 * kMegabyte);
  k.wait(1000);
  Made& waiter = k.start(k.thread(), "object_wait_one", normal, Signals::kEventSignaled, Time::never(), nullptr);
  REQUIRE(waiter.status() == Status::kParked);
  k.leave(7 * kMegabyte);
  k.reload();
  REQUIRE(k.told() == Level::kCritical);
  k.wait(10'000);
  REQUIRE(waiter.status() == Status::kOk);
  k.leave(kMegabyte / 2);
  k.reload();
  k.platform().advance_to(k.platform().now() + Duration{8'000'000'000});
  k.kernel().alarm();
  REQUIRE(k.kernel().outcome()->kind == Outcome::Kind::kOutOfMemory);
}

}  // namespace
}  // namespace jacinth::kernel
