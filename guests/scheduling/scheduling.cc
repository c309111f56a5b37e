// Profiles: shares of a CPU, deadlines, masks of CPUs, and priorities that are inherited. The root job,
// which they need, is what `jacinth run --root` gives.
#include <zircon/syscalls/profile.h>

#include "guests/lib/guest.h"

using namespace guest;

namespace {

Handle profile(const zx_profile_info_t& info) {
  Handle made;
  require_ok(zx_profile_create(zx_job_default(), 0, &info, made.out()));
  return made;
}

Handle priority(int32_t value) {
  zx_profile_info_t info = {};
  info.flags = ZX_PROFILE_INFO_FLAG_PRIORITY;
  info.priority = value;
  return profile(info);
}

Handle only_on(uint32_t cpu) {
  zx_profile_info_t info = {};
  info.flags = ZX_PROFILE_INFO_FLAG_CPU_MASK;
  info.cpu_affinity_mask.mask[0] = uint64_t{1} << cpu;
  return profile(info);
}

Handle deadline(zx_duration_t capacity, zx_duration_t relative, zx_duration_t period) {
  zx_profile_info_t info = {};
  info.flags = ZX_PROFILE_INFO_FLAG_DEADLINE;
  info.deadline_params = {capacity, relative, period};
  return profile(info);
}

template <class T>
T ask(zx_handle_t thread, uint32_t topic) {
  T info = {};
  require_ok(zx_object_get_info(thread, topic, &info, sizeof info, nullptr, nullptr));
  return info;
}

zx_duration_t runtime(zx_handle_t thread) {
  return ask<zx_info_thread_stats_t>(thread, ZX_INFO_THREAD_STATS).total_runtime;
}

/// A thread on CPU 0 that computes until it is told to stop.
struct Busy {
  explicit Busy(const char* name)
      : thread(name, [this] {
          while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
          }
        }) {
    require_ok(zx_object_set_profile(thread.handle(), only_on(0), 0));
  }
  ~Busy() { end(); }
  void end() {
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    thread.join();
  }
  bool stop = false;
  Running thread;
};

void sleep(zx_duration_t time) { require_ok(zx_nanosleep(zx_deadline_after(time))); }

/// How a thread gets to know its own handle, from whoever started it.
struct Self {
  void tell(const Running& thread) { __atomic_store_n(&handle, thread.handle(), __ATOMIC_RELEASE); }
  zx_handle_t wait() const {
    while (__atomic_load_n(&handle, __ATOMIC_ACQUIRE) == ZX_HANDLE_INVALID) sleep(kMicrosecond);
    return handle;
  }
  zx_handle_t handle = ZX_HANDLE_INVALID;
};

TEST("a thread is where its mask says, from the moment that it has it") {
  for (uint32_t cpu = 0; cpu < zx_system_get_num_cpus(); ++cpu) {
    Self self;
    Running pinned("pinned", [cpu, &self] {
      const zx_handle_t thread = self.wait();
      require_ok(zx_object_set_profile(thread, only_on(cpu), 0));
      expect_eq(ask<zx_info_thread_t>(thread, ZX_INFO_THREAD).cpu_affinity_mask.mask[0], uint64_t{1} << cpu);
      expect_eq(ask<zx_info_thread_stats_t>(thread, ZX_INFO_THREAD_STATS).last_scheduled_cpu, cpu);
    });
    self.tell(pinned);
  }
}

TEST("equal threads on one CPU get equal shares") {
  Busy a("a"), b("b");
  sleep(200 * kMillisecond);
  zx_duration_t first = runtime(a.thread.handle()), second = runtime(b.thread.handle());
  expect(first > 80 * kMillisecond && second > 80 * kMillisecond);
  zx_duration_t difference = first > second ? first - second : second - first;
  expect(difference < 20 * kMillisecond);
}

TEST("a higher priority is a larger share, and nobody starves") {
  Busy low("low"), high("high");
  require_ok(zx_object_set_profile(low.thread.handle(), priority(ZX_PRIORITY_LOWEST), 0));
  require_ok(zx_object_set_profile(high.thread.handle(), priority(ZX_PRIORITY_LOWEST + 6), 0));
  sleep(400 * kMillisecond);
  zx_duration_t little = runtime(low.thread.handle()), much = runtime(high.thread.handle());
  expect(much > 2 * little && much < 5 * little);
  require_ok(zx_object_set_profile(high.thread.handle(), priority(ZX_PRIORITY_HIGHEST), 0));
  sleep(100 * kMillisecond);
  expect(runtime(low.thread.handle()) > little);
}

TEST("a deadline thread gets its capacity in every period, beside whoever computes") {
  Busy busy("busy"), urgent("urgent");
  require_ok(zx_object_set_profile(urgent.thread.handle(),
                                   deadline(2 * kMillisecond, 4 * kMillisecond, 10 * kMillisecond), 0));
  sleep(20 * kMillisecond);
  zx_duration_t before = runtime(urgent.thread.handle());
  sleep(100 * kMillisecond);
  zx_duration_t got = runtime(urgent.thread.handle()) - before;
  expect(got >= 18 * kMillisecond && got <= 22 * kMillisecond);
}

TEST("a deadline thread that becomes ready runs before those who are fair") {
  Busy busy("busy");
  zx_time_t late = 0;
  {
    Self self;
    Running urgent("urgent", [&late, &self] {
      require_ok(zx_object_set_profile(self.wait(), only_on(0), 0));
      require_ok(zx_object_set_profile(self.wait(), deadline(kMillisecond, 2 * kMillisecond, 5 * kMillisecond), 0));
      for (int i = 1; i <= 5; ++i) {
        zx_time_t wanted = zx_deadline_after(7 * kMillisecond);
        require_ok(zx_nanosleep(wanted));
        zx_duration_t by = zx_clock_get_monotonic() - wanted;
        if (by > late) late = by;
      }
    });
    self.tell(urgent);
  }
  expect(late < 100 * kMicrosecond);
}

TEST("who owns a futex is not kept from giving it up by those between it and who waits") {
  // Two compute on one CPU. While somebody urgent waits for the one that counts for less, that one gets the larger
  // part.
  static int32_t word;
  word = 0;
  Busy owner("owner"), other("other");
  require_ok(zx_object_set_profile(owner.thread.handle(), priority(ZX_PRIORITY_LOWEST), 0));
  Self self;
  Running waiter("waiter", [&] {
    require_ok(zx_object_set_profile(self.wait(), priority(ZX_PRIORITY_HIGHEST), 0));
    require_ok(zx_futex_wait(&word, 0, owner.thread.handle(), ZX_TIME_INFINITE));
  });
  self.tell(waiter);
  sleep(20 * kMillisecond);
  zx_duration_t before = runtime(owner.thread.handle()), beside = runtime(other.thread.handle());
  sleep(100 * kMillisecond);
  expect(runtime(owner.thread.handle()) - before > 4 * (runtime(other.thread.handle()) - beside));
  require_ok(zx_futex_wake(&word, 1));
  waiter.join();
  before = runtime(owner.thread.handle()), beside = runtime(other.thread.handle());
  sleep(200 * kMillisecond);
  expect(runtime(owner.thread.handle()) - before < runtime(other.thread.handle()) - beside);
}

}  // namespace
