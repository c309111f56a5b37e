// What the vDSO answers and what the system says about itself.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

TEST("statuses have names") {
  expect_text(zx_status_get_string(ZX_OK), "ZX_OK");
  expect_text(zx_status_get_string(ZX_ERR_PEER_CLOSED), "ZX_ERR_PEER_CLOSED");
  expect_text(zx_status_get_string(ZX_ERR_CONNECTION_ABORTED), "ZX_ERR_CONNECTION_ABORTED");
  expect_text(zx_status_get_string(12345), "(UNKNOWN)");
}

TEST("exceptions have names") {
  expect_text(zx_exception_get_string(ZX_EXCP_FATAL_PAGE_FAULT), "ZX_EXCP_FATAL_PAGE_FAULT");
  expect_text(zx_exception_get_string(0), "(UNKNOWN)");
}

TEST("the system has processors, memory, and pages of 4 KiB") {
  expect(zx_system_get_num_cpus() >= 1);
  expect(zx_system_get_physmem() >= 1 << 20);
  expect_eq(zx_system_get_physmem() % 4096, 0);
  expect_eq(zx_system_get_page_size(), 4096);
  const uint32_t line = zx_system_get_dcache_line_size();
  expect(line >= 16);
  expect_eq(line & (line - 1), 0);
}

TEST("the version is a string of its stated length") {
  const zx_string_view_t version = zx_system_get_version_string();
  expect(version.length > 0);
  expect_eq(strlen(version.c_str), version.length);
}

TEST("features are told by kind, and unknown kinds refused") {
  uint32_t features = 0;
#if defined(__aarch64__)
  expect_ok(zx_system_get_features(ZX_FEATURE_KIND_CPU, &features));
  expect(features & ZX_ARM64_FEATURE_ISA_FP);
  expect(features & ZX_ARM64_FEATURE_ISA_ASIMD);
#else
  expect_status(zx_system_get_features(ZX_FEATURE_KIND_CPU, &features), ZX_ERR_NOT_SUPPORTED);  // There is cpuid.
#endif
  expect_ok(zx_system_get_features(ZX_FEATURE_KIND_HW_BREAKPOINT_COUNT, &features));
  expect_ok(zx_system_get_features(ZX_FEATURE_KIND_HW_WATCHPOINT_COUNT, &features));
  expect_status(zx_system_get_features(999, &features), ZX_ERR_NOT_SUPPORTED);
}

TEST("random bytes fill what was asked for, and differ") {
  // [zx_cprng_draw]
  static uint8_t a[1000], b[1000];
  zx_cprng_draw(a, 900);
  zx_cprng_draw(b, 900);
  expect(memcmp(a, b, 900) != 0);
  int zeros = 0;
  for (int i = 0; i < 900; ++i) zeros += a[i] == 0;
  expect(zeros < 50);  // About 3.5 of them.
  for (int i = 900; i < 1000; ++i) expect_eq(a[i], 0);
}

TEST("a cache flush wants a cache, and something to do with it") {
  static uint8_t bytes[256];
  expect_ok(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_DATA));
  expect_ok(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_INSN));
  expect_ok(zx_cache_flush(bytes + 1, 3, ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INVALIDATE));
  expect_status(zx_cache_flush(bytes, sizeof bytes, 0), ZX_ERR_INVALID_ARGS);
  expect_status(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_INVALIDATE), ZX_ERR_INVALID_ARGS);
  expect_status(zx_cache_flush(bytes, sizeof bytes, ZX_CACHE_FLUSH_INSN | ZX_CACHE_FLUSH_INVALIDATE),
                ZX_ERR_INVALID_ARGS);
  expect_status(zx_cache_flush(bytes, sizeof bytes, 8 | ZX_CACHE_FLUSH_DATA), ZX_ERR_INVALID_ARGS);
}

TEST("a log can be written to, by lines and at length") {
  Handle log;
  expect_ok(zx_debuglog_create(ZX_HANDLE_INVALID, 0, log.out()));
  expect_ok(zx_debuglog_write(log, 0, "# one line, written plainly", 27));
  expect_eq(signals_of(log) & ZX_LOG_WRITABLE, ZX_LOG_WRITABLE);
}

}  // namespace
