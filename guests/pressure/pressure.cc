// Memory that runs low: one thread fills it, another one hears how little is left. Each claim needs a machine of its
// own, and one of them ends it.
#include <zircon/syscalls/resource.h>

#include "guests/lib/guest.h"

using namespace guest;

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMegabyte = 1 << 20;

zx_handle_t resource() {
  static zx_handle_t handle = zx_take_startup_handle(PA_HND(PA_SYSTEM_RESOURCE, 0));
  return handle;
}
uint64_t free_memory() {
  zx_info_kmem_stats_t stats = {};
  require_ok(zx_object_get_info(resource(), ZX_INFO_KMEM_STATS, &stats, sizeof stats, nullptr, nullptr));
  return stats.free_bytes;
}
Handle event(zx_system_event_type_t kind) {
  Handle made;
  require_ok(zx_system_get_event(zx_job_default(), kind, made.out()));
  return made;
}
bool signaled(zx_handle_t event) { return zx_object_wait_one(event, ZX_EVENT_SIGNALED, 0, nullptr) == ZX_OK; }

/// Memory that one thread fills by touching page after page, until so much is left.
class Filler {
 public:
  Filler() {
    require_ok(zx_vmo_create(kSize, 0, vmo_.out()));
    require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo_, 0, kSize, &base_));
  }
  ~Filler() { expect_ok(zx_vmar_unmap(zx_vmar_root_self(), base_, kSize)); }

  void fill(uint64_t left) {
    while (filled_ < kSize && free_memory() > left) {
      *reinterpret_cast<volatile uint64_t*>(base_ + filled_) = 1;
      filled_ += kPage;
    }
  }

 private:
  static constexpr uint64_t kSize = 64 * kMegabyte;
  Handle vmo_;
  zx_vaddr_t base_ = 0;
  uint64_t filled_ = 0;
};

TEST("each level is signaled as memory fills, alone, and better ones when they have lasted") {
  Handle normal = event(ZX_SYSTEM_EVENT_MEMORY_PRESSURE_NORMAL);
  Handle warning = event(ZX_SYSTEM_EVENT_MEMORY_PRESSURE_WARNING);
  Handle critical = event(ZX_SYSTEM_EVENT_MEMORY_PRESSURE_CRITICAL);
  Handle imminent = event(ZX_SYSTEM_EVENT_IMMINENT_OUT_OF_MEMORY);
  Handle out = event(ZX_SYSTEM_EVENT_OUT_OF_MEMORY);
  expect(signaled(normal));
  expect(!signaled(warning) && !signaled(critical) && !signaled(imminent) && !signaled(out));
  {
    Filler filler;
    struct {
      zx_handle_t event;
      uint64_t below;
    } const steps[] = {{warning, 32}, {critical, 20}, {imminent, 12}};
    for (auto& step : steps) {
      // A mark counts when memory is a megabyte below it.
      Running running("filler", [&filler, &step] { filler.fill((step.below - 1) * kMegabyte - kPage); });
      expect_ok(zx_object_wait_one(step.event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr));
      expect(free_memory() < step.below * kMegabyte);
    }
    expect(signaled(imminent));
    expect(!signaled(normal) && !signaled(warning) && !signaled(critical) && !signaled(out));
  }
  // All of it is free again. That is told when it has been so for ten seconds.
  zx_time_t let_go = zx_clock_get_monotonic();
  expect(signaled(imminent));
  expect_ok(zx_object_wait_one(normal, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr));
  int64_t took = zx_clock_get_monotonic() - let_go;
  expect(took >= ZX_SEC(10) && took < ZX_SEC(11));
  expect(!signaled(imminent));
}

TEST("a program that takes everything hears of it, and the machine ends") {
  Handle out = event(ZX_SYSTEM_EVENT_OUT_OF_MEMORY);
  Filler filler;
  Running running("filler", [&filler] { filler.fill(6 * kMegabyte); });
  expect_ok(zx_object_wait_one(out, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr));
  zx_time_t heard = zx_clock_get_monotonic();
  for (int i = 1; i < 20; ++i) {
    zx_nanosleep(heard + ZX_SEC(i));
    expect(i < 8);
  }
}

TEST("a job that is marked for it goes when memory runs out, and nobody else") {
  Handle out = event(ZX_SYSTEM_EVENT_OUT_OF_MEMORY);
  Handle job;
  require_ok(zx_job_create(zx_job_default(), 0, job.out()));
  size_t kill = 1;
  expect_ok(zx_object_set_property(job, ZX_PROP_JOB_KILL_ON_OOM, &kill, sizeof kill));
  Filler filler;
  Running running("filler", [&filler] { filler.fill(6 * kMegabyte); });
  expect_ok(zx_object_wait_one(job, ZX_TASK_TERMINATED, ZX_TIME_INFINITE, nullptr));
  zx_info_job_t info;
  expect_ok(zx_object_get_info(job, ZX_INFO_JOB, &info, sizeof info, nullptr, nullptr));
  expect_eq(info.return_code, ZX_TASK_RETCODE_OOM_KILL);
  expect(signaled(out));
  zx_nanosleep(zx_deadline_after(ZX_SEC(20)));
}

}  // namespace
