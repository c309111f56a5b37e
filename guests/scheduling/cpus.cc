// CPUs that are said to be slow, and CPUs that are taken away, by the resources that `jacinth run --root` gives. The
// second comes last: arm64 has no way back.
#include <zircon/syscalls/profile.h>
#include <zircon/syscalls/resource.h>
#include <zircon/syscalls/system.h>

#include "guests/lib/guest.h"

using namespace guest;

namespace {

constexpr size_t kCpus = 4;

zx_handle_t resource() {
  static zx_handle_t handle = zx_take_startup_handle(PA_HND(PA_SYSTEM_RESOURCE, 0));
  return handle;
}

/// A thread that computes until it is told to stop.
struct Busy {
  Busy()
      : thread("busy", [this] {
          while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
          }
        }) {}
  ~Busy() { __atomic_store_n(&stop, true, __ATOMIC_RELAXED); }
  zx_duration_t runtime() const {
    zx_info_thread_stats_t info = {};
    require_ok(zx_object_get_info(thread.handle(), ZX_INFO_THREAD_STATS, &info, sizeof info, nullptr, nullptr));
    return info.total_runtime;
  }
  bool stop = false;
  Running thread;
};

/// What a thread that may run 2 ms of every 10 gets in a tenth of a second.
zx_duration_t deadline_runtime() {
  Busy busy;
  zx_profile_info_t info = {};
  info.flags = ZX_PROFILE_INFO_FLAG_DEADLINE;
  info.deadline_params = {2 * kMillisecond, 10 * kMillisecond, 10 * kMillisecond};
  Handle profile;
  require_ok(zx_profile_create(zx_job_default(), 0, &info, profile.out()));
  require_ok(zx_object_set_profile(busy.thread.handle(), profile, 0));
  zx_nanosleep(zx_deadline_after(20 * kMillisecond));
  const zx_duration_t before = busy.runtime();
  zx_nanosleep(zx_deadline_after(100 * kMillisecond));
  return busy.runtime() - before;
}

void set_speed(uint32_t half) {
  zx_cpu_performance_info_t infos[kCpus] = {};
  for (uint32_t cpu = 0; cpu < kCpus; ++cpu) {
    infos[cpu].logical_cpu_number = cpu;
    infos[cpu].performance_scale = {half != 0 ? 0u : 1u, half};
  }
  expect_ok(zx_system_set_performance_info(resource(), ZX_CPU_PERF_SCALE, infos, kCpus));
}

bool near(zx_duration_t a, zx_duration_t b) { return a > b - 3 * kMillisecond && a < b + 3 * kMillisecond; }

uint32_t online_cpus() {
  zx_info_cpu_stats_t stats[kCpus] = {};
  size_t actual = 0, avail = 0;
  require_ok(zx_object_get_info(resource(), ZX_INFO_CPU_STATS, stats, sizeof stats, &actual, &avail));
  uint32_t mask = 0;
  for (size_t i = 0; i < actual; ++i) mask |= (stats[i].flags & ZX_INFO_CPU_STATS_FLAG_ONLINE) << i;
  return mask;
}

TEST("a deadline thread gets twice the time on CPUs that are half as fast") {
  expect(near(deadline_runtime(), 20 * kMillisecond));
  set_speed(0x8000'0000);
  expect(near(deadline_runtime(), 40 * kMillisecond));
  set_speed(0);
  expect(near(deadline_runtime(), 20 * kMillisecond));
}

TEST("threads go on on the CPU that is left when the others are taken away") {
  expect_eq(online_cpus(), 15);
  Busy busy[5];
  zx_nanosleep(zx_deadline_after(20 * kMillisecond));
  expect_ok(zx_system_powerctl(resource(), ZX_SYSTEM_POWERCTL_DISABLE_ALL_CPUS_BUT_PRIMARY, nullptr));
  expect_eq(online_cpus(), 1);
  zx_duration_t before[5], sum = 0;
  for (int i = 0; i < 5; ++i) before[i] = busy[i].runtime();
  zx_nanosleep(zx_deadline_after(100 * kMillisecond));
  for (int i = 0; i < 5; ++i) {
    const zx_duration_t ran = busy[i].runtime() - before[i];
    expect(ran > 10 * kMillisecond);
    sum += ran;
  }
  expect(sum < 120 * kMillisecond);  // One CPU's worth.

#if defined(__x86_64__)
  expect_ok(zx_system_powerctl(resource(), ZX_SYSTEM_POWERCTL_ENABLE_ALL_CPUS, nullptr));
  expect_eq(online_cpus(), 15);
  sum = 0;
  for (int i = 0; i < 5; ++i) before[i] = busy[i].runtime();
  zx_nanosleep(zx_deadline_after(100 * kMillisecond));
  for (int i = 0; i < 5; ++i) sum += busy[i].runtime() - before[i];
  expect(sum > 300 * kMillisecond);
#else
  expect_status(zx_system_powerctl(resource(), ZX_SYSTEM_POWERCTL_ENABLE_ALL_CPUS, nullptr), ZX_ERR_NOT_SUPPORTED);
  expect_eq(online_cpus(), 1);
#endif
}

}  // namespace
