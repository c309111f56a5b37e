// Resources: what a program with root is given, the parts it makes of them, and what they open. Claims that begin with
// "without" are for a program that is given nothing.
#include <zircon/syscalls/log.h>
#include <zircon/syscalls/resource.h>

#include "guests/lib/guest.h"

using namespace guest;

namespace {

zx_info_resource_t info_of(zx_handle_t resource) {
  zx_info_resource_t info = {};
  require_ok(zx_object_get_info(resource, ZX_INFO_RESOURCE, &info, sizeof info, nullptr, nullptr));
  return info;
}

zx_status_t make(zx_handle_t parent, uint32_t options, uint64_t base, size_t size, Handle& made) {
  return zx_resource_create(parent, options, base, size, "part", 4, made.out());
}

TEST("without root there is no resource, and nobody makes one from nothing") {
  if (with_root()) return;
  Handle made;
  expect_status(make(ZX_HANDLE_INVALID, ZX_RSRC_KIND_MMIO, 0, 4096, made), ZX_ERR_BAD_HANDLE);
  zx_info_kmem_stats_t stats;
  expect_status(zx_object_get_info(zx_job_default(), ZX_INFO_KMEM_STATS, &stats, sizeof stats, nullptr, nullptr),
                ZX_ERR_WRONG_TYPE);
  Handle event;
  expect_status(zx_system_get_event(zx_job_default(), ZX_SYSTEM_EVENT_MEMORY_PRESSURE_NORMAL, event.out()),
                ZX_ERR_ACCESS_DENIED);
}

TEST("root is of all kinds, and each other one of its own") {
  if (!with_root()) return;
  expect_eq(info_of(given(PA_RESOURCE)).kind, ZX_RSRC_KIND_ROOT);
  expect_eq(info_of(given(PA_MMIO_RESOURCE)).kind, ZX_RSRC_KIND_MMIO);
  expect_eq(info_of(given(PA_IRQ_RESOURCE)).kind, ZX_RSRC_KIND_IRQ);
  expect_eq(info_of(given(PA_SYSTEM_RESOURCE)).kind, ZX_RSRC_KIND_SYSTEM);
#if defined(__aarch64__)
  expect_eq(info_of(given(PA_SMC_RESOURCE)).kind, ZX_RSRC_KIND_SMC);
  expect_eq(given(PA_IOPORT_RESOURCE), ZX_HANDLE_INVALID);
#else
  expect_eq(info_of(given(PA_IOPORT_RESOURCE)).kind, ZX_RSRC_KIND_IOPORT);
  expect_eq(given(PA_SMC_RESOURCE), ZX_HANDLE_INVALID);
#endif
}

TEST("a part covers no more than what it was made from") {
  if (!with_root()) return;
  Handle part, smaller, larger;
  expect_ok(make(given(PA_MMIO_RESOURCE), ZX_RSRC_KIND_MMIO, 0x9000'0000, 0x4000, part));
  expect_eq(info_of(part).base, 0x9000'0000);
  expect_eq(info_of(part).size, 0x4000);
  expect_text(info_of(part).name, "part");
  expect_ok(make(part, ZX_RSRC_KIND_MMIO, 0x9000'1000, 0x1000, smaller));
  expect_status(make(part, ZX_RSRC_KIND_MMIO, 0x9000'1000, 0x4000, larger), ZX_ERR_ACCESS_DENIED);
  expect_status(make(part, ZX_RSRC_KIND_IRQ, 40, 1, larger), ZX_ERR_ACCESS_DENIED);
  expect_status(make(part, ZX_RSRC_KIND_MMIO | ZX_RSRC_FLAG_EXCLUSIVE, 0x9000'1000, 0x1000, larger),
                ZX_ERR_INVALID_ARGS);
}

TEST("an exclusive range is free again when its last handle goes") {
  if (!with_root()) return;
  Handle first, second;
  const uint32_t exclusive = ZX_RSRC_KIND_MMIO | ZX_RSRC_FLAG_EXCLUSIVE;
  expect_ok(make(given(PA_RESOURCE), exclusive, 0x9100'0000, 0x1000, first));
  expect_status(make(given(PA_RESOURCE), exclusive, 0x9100'0000, 0x1000, second), ZX_ERR_NOT_FOUND);
  expect_status(make(given(PA_RESOURCE), ZX_RSRC_KIND_MMIO, 0x9100'0fff, 2, second), ZX_ERR_NOT_FOUND);
  first.reset();
  expect_ok(make(given(PA_RESOURCE), exclusive, 0x9100'0000, 0x1000, second));
}

TEST("the machine's memory adds up") {
  if (!with_root()) return;
  zx_info_kmem_stats_t stats;
  expect_ok(zx_object_get_info(given(PA_SYSTEM_RESOURCE), ZX_INFO_KMEM_STATS, &stats, sizeof stats, nullptr, nullptr));
  expect_eq(stats.total_bytes, zx_system_get_physmem());
  expect(stats.free_bytes > 0 && stats.free_bytes < stats.total_bytes);
  zx_info_kmem_stats_extended_t extended;
  expect_ok(zx_object_get_info(given(PA_RESOURCE), ZX_INFO_KMEM_STATS_EXTENDED, &extended, sizeof extended, nullptr,
                               nullptr));
  expect_eq(extended.total_bytes, stats.total_bytes);
  expect_status(zx_object_get_info(given(PA_MMIO_RESOURCE), ZX_INFO_KMEM_STATS, &stats, sizeof stats, nullptr, nullptr),
                ZX_ERR_WRONG_TYPE);
}

TEST("every CPU tells what it did") {
  if (!with_root()) return;
  static zx_info_cpu_stats_t stats[64];
  size_t actual = 0, avail = 0;
  expect_ok(zx_object_get_info(given(PA_SYSTEM_RESOURCE), ZX_INFO_CPU_STATS, stats, sizeof stats, &actual, &avail));
  expect_eq(actual, zx_system_get_num_cpus());
  expect_eq(avail, actual);
  uint64_t calls = 0;
  for (size_t i = 0; i < actual; ++i) {
    expect_eq(stats[i].cpu_number, i);
    expect_eq(stats[i].flags, ZX_INFO_CPU_STATS_FLAG_ONLINE);
    calls += stats[i].syscalls;
  }
  expect(calls > 10);
}

TEST("the root job's holder hears of memory pressure") {
  if (!with_root()) return;
  Handle normal;
  expect_ok(zx_system_get_event(zx_job_default(), ZX_SYSTEM_EVENT_MEMORY_PRESSURE_NORMAL, normal.out()));
  expect_ok(zx_object_wait_one(normal, ZX_EVENT_SIGNALED, 0, nullptr));
  expect_status(zx_object_signal(normal, 0, ZX_USER_SIGNAL_0), ZX_ERR_ACCESS_DENIED);
  zx_info_job_t info;
  expect_ok(zx_object_get_info(zx_job_default(), ZX_INFO_JOB, &info, sizeof info, nullptr, nullptr));
  zx_info_handle_basic_t basic;
  expect_ok(zx_object_get_info(zx_job_default(), ZX_INFO_HANDLE_BASIC, &basic, sizeof basic, nullptr, nullptr));
  expect_eq(basic.related_koid, 0);  // Nothing is above it.
}

TEST("a readable log follows what others write") {
  Handle log, writer;
  expect_ok(zx_debuglog_create(given(PA_RESOURCE), ZX_LOG_FLAG_READABLE, log.out()));
  expect_ok(zx_debuglog_create(ZX_HANDLE_INVALID, 0, writer.out()));
  static zx_log_record_t record;
  while (zx_debuglog_read(log, 0, &record, sizeof record) > 0) continue;
  expect_status(zx_debuglog_read(log, 0, &record, sizeof record), ZX_ERR_SHOULD_WAIT);
  expect_status(zx_object_wait_one(log, ZX_LOG_READABLE, 0, nullptr), ZX_ERR_TIMED_OUT);
  expect_ok(zx_debuglog_write(writer, 0, "# a record", 10));
  expect_ok(zx_object_wait_one(log, ZX_LOG_READABLE, 0, nullptr));
  expect_eq(zx_debuglog_read(log, 0, &record, sizeof record), __builtin_offsetof(zx_log_record_t, data) + 10);
  expect_eq(record.datalen, 10);
  expect_eq(memcmp(record.data, "# a record", 10), 0);
  expect_status(zx_debuglog_read(writer, 0, &record, sizeof record), ZX_ERR_ACCESS_DENIED);
}

}  // namespace
