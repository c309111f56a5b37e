// Code that is made while the program runs: executable memory, and seeing what was written last.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

constexpr size_t kPage = 4096;
typedef int (*Function)();

/// Writes a function that returns `value`.
size_t write_function(uint8_t* at, uint16_t value) {
#if defined(__aarch64__)
  const uint32_t code[] = {0x52800000u | uint32_t{value} << 5, 0xd65f03c0u};  // mov w0, #value; ret
  memcpy(at, code, sizeof code);
  return sizeof code;
#else
  const uint8_t code[] = {0xb8, static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8), 0, 0, 0xc3};
  memcpy(at, code, sizeof code);  // mov eax, value; ret
  return sizeof code;
#endif
}

/// One VMO, mapped to write here and to execute there.
struct CodePage {
  Handle vmo;
  zx_vaddr_t writable = 0, executable = 0;

  CodePage() {
    zx_handle_t plain = make_vmo(kPage).release();
    require_ok(zx_vmo_replace_as_executable(plain, ZX_HANDLE_INVALID, vmo.out()));
    require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, kPage, &writable));
    require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, vmo, 0, kPage, &executable));
  }
  ~CodePage() {
    zx_vmar_unmap(zx_vmar_root_self(), writable, kPage);
    zx_vmar_unmap(zx_vmar_root_self(), executable, kPage);
  }
  void write(size_t offset, uint16_t value) {
    const size_t size = write_function(reinterpret_cast<uint8_t*>(writable + offset), value);
    expect_ok(
        zx_cache_flush(reinterpret_cast<void*>(executable + offset), size, ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INSN));
  }
  int call(size_t offset) const { return reinterpret_cast<Function>(executable + offset)(); }
};

TEST("a VMO is executable only after it was made so") {
  Handle vmo = make_vmo(kPage);
  zx_vaddr_t at = 0;
  expect_status(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, vmo, 0, kPage, &at),
                ZX_ERR_ACCESS_DENIED);
}

TEST("code that was written runs") {
  CodePage page;
  page.write(0, 1234);
  expect_eq(page.call(0), 1234);
}

TEST("code that was written over runs as it is now, every time") {
  CodePage page;
  for (uint16_t i = 0; i < 200; ++i) {
    page.write(64, i);
    if (page.call(64) != i) expect_eq(page.call(64), i);
  }
}

TEST("code written through the VMO runs as it is now") {
  CodePage page;
  page.write(0, 1);
  expect_eq(page.call(0), 1);
  uint8_t code[16];
  const size_t size = write_function(code, 2);
  expect_ok(zx_vmo_write(page.vmo, code, 0, size));
  expect_ok(zx_cache_flush(reinterpret_cast<void*>(page.executable), size, ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INSN));
  expect_eq(page.call(0), 2);
}

TEST("a page turns from data to code and back") {
  zx_handle_t plain = make_vmo(kPage).release();
  Handle vmo;
  zx_vaddr_t at = 0;
  require_ok(zx_vmo_replace_as_executable(plain, ZX_HANDLE_INVALID, vmo.out()));
  require_ok(
      zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_PERM_EXECUTE, 0, vmo, 0, kPage, &at));
  for (uint16_t i = 1; i <= 20; ++i) {
    expect_ok(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, at, kPage));
    const size_t size = write_function(reinterpret_cast<uint8_t*>(at), i);
    expect_ok(zx_cache_flush(reinterpret_cast<void*>(at), size, ZX_CACHE_FLUSH_DATA | ZX_CACHE_FLUSH_INSN));
    expect_ok(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, at, kPage));
    expect_eq(reinterpret_cast<Function>(at)(), i);
  }
  expect_ok(zx_vmar_unmap(zx_vmar_root_self(), at, kPage));
}

TEST("threads run the code that another thread writes") {
  CodePage page;
  page.write(0, 1);
  volatile int wanted = 1;
  volatile bool stop = false;
  int wrong = 0;
  Handle checked;
  require_ok(zx_event_create(0, checked.out()));
  Running runner("runner", [&] {
    while (!stop) {
      const int before = wanted;
      const int got = page.call(0);
      if (wanted == before && before != 0 && got != before) ++wrong;
      zx_nanosleep(0);
    }
  });
  for (uint16_t i = 2; i < 50; ++i) {
    wanted = 0;  // In between: either is right.
    page.write(0, i);
    wanted = i;
    zx_nanosleep(zx_deadline_after(100 * kMicrosecond));
  }
  stop = true;
  runner.join();
  expect_eq(wrong, 0);
}

}  // namespace
