// Memory: VMOs, how they are mapped, and what the mapping allows.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

constexpr size_t kPage = 4096;
constexpr zx_vm_option_t kReadWrite = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;

zx_handle_t root() { return zx_vmar_root_self(); }

zx_vaddr_t root_base() {
  zx_info_vmar_t info = {};
  require_ok(zx_object_get_info(root(), ZX_INFO_VMAR, &info, sizeof info, nullptr, nullptr));
  return info.base;
}

/// A region of its own, gone with its scope.
struct Region {
  Handle handle;
  zx_vaddr_t base = 0;
  explicit Region(size_t size,
                  zx_vm_option_t options = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC) {
    require_ok(zx_vmar_allocate(root(), options, 0, size, handle.out(), &base));
  }
  ~Region() { zx_vmar_destroy(handle); }
  zx_status_t map(zx_vm_option_t options, size_t offset, zx_handle_t vmo, uint64_t vmo_offset, size_t size) {
    zx_vaddr_t at = 0;
    return zx_vmar_map(handle, options, offset, vmo, vmo_offset, size, &at);
  }
};

bool all_zero(const uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

TEST("a VMO's size is rounded up to whole pages") {
  uint64_t size = 0;
  Handle vmo = make_vmo(5000);
  expect_ok(zx_vmo_get_size(vmo, &size));
  expect_eq(size, 8192);
}

TEST("new memory is zero") {
  Handle vmo = make_vmo(3 * kPage);
  static uint8_t bytes[3 * kPage];
  memset(bytes, 0xff, sizeof bytes);
  expect_ok(zx_vmo_read(vmo, bytes, 0, sizeof bytes));
  expect(all_zero(bytes, sizeof bytes));
  expect(all_zero(Mapping(vmo, 3 * kPage).as(), 3 * kPage));
}

TEST("what is written through the VMO is read through a mapping, and the other way round") {
  Handle vmo = make_vmo(2 * kPage);
  Mapping mapping(vmo, 2 * kPage);
  const char text[] = "across the page boundary";
  expect_ok(zx_vmo_write(vmo, text, kPage - 10, sizeof text));
  expect_text(mapping.as<char>() + kPage - 10, text);
  mapping.as<char>()[kPage - 10] = 'A';
  char copy[sizeof text] = {};
  expect_ok(zx_vmo_read(vmo, copy, kPage - 10, sizeof copy));
  expect_text(copy, "Across the page boundary");
}

TEST("two mappings of one VMO are the same memory") {
  Handle vmo = make_vmo(2 * kPage);
  Mapping first(vmo, 2 * kPage);
  Region region(kPage);
  require_ok(region.map(ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 0, vmo, kPage, kPage));
  expect(first.address() != region.base);
  first.as()[kPage + 5] = 99;
  expect_eq(reinterpret_cast<uint8_t*>(region.base)[5], 99);
}

TEST("a mapping outlives the VMO's handles") {
  Handle vmo = make_vmo(kPage);
  Mapping mapping(vmo, kPage);
  vmo.reset();
  mapping.as()[0] = 7;
  expect_eq(mapping.as()[0], 7);
}

TEST("reading or writing past a VMO's end transfers nothing") {
  Handle vmo = make_vmo(kPage);
  uint64_t word = 5;
  expect_status(zx_vmo_write(vmo, &word, kPage - 4, sizeof word), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_vmo_read(vmo, &word, kPage, 1), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_vmo_read(vmo, &word, UINT64_MAX - 3, sizeof word), ZX_ERR_OUT_OF_RANGE);
  expect_eq(word, 5);
  expect_ok(zx_vmo_read(vmo, &word, kPage - 8, sizeof word));
  expect_eq(word, 0);
}

TEST("a resizable VMO grows with zeros and forgets what it shrinks over") {
  Handle vmo = make_vmo(kPage, ZX_VMO_RESIZABLE);
  uint64_t word = 0x1122334455667788;
  expect_ok(zx_vmo_set_size(vmo, 3 * kPage));
  expect_ok(zx_vmo_write(vmo, &word, 2 * kPage, sizeof word));
  expect_ok(zx_vmo_set_size(vmo, kPage));
  expect_ok(zx_vmo_set_size(vmo, 3 * kPage));
  expect_ok(zx_vmo_read(vmo, &word, 2 * kPage, sizeof word));
  expect_eq(word, 0);
  Handle fixed = make_vmo(kPage);
  expect_status(zx_vmo_set_size(fixed, 2 * kPage), ZX_ERR_UNAVAILABLE);
}

TEST("unaligned words across a page boundary are whole") {
  Handle vmo = make_vmo(2 * kPage);
  Mapping mapping(vmo, 2 * kPage);
  for (size_t offset = kPage - 9; offset <= kPage + 1; ++offset) {
    volatile uint64_t* word = reinterpret_cast<volatile uint64_t*>(mapping.address() + offset);
    *word = 0x0123456789abcdef;
    expect_eq(*word, 0x0123456789abcdef);
    uint64_t stored = 0;
    zx_vmo_read(vmo, &stored, offset, sizeof stored);
    expect_eq(stored, 0x0123456789abcdef);
  }
}

TEST("a specific place is taken as asked, and not twice") {
  Region region(4 * kPage);
  Handle vmo = make_vmo(kPage);
  expect_ok(region.map(kReadWrite | ZX_VM_SPECIFIC, kPage, vmo, 0, kPage));
  *reinterpret_cast<uint8_t*>(region.base + kPage) = 1;
  expect(region.map(kReadWrite | ZX_VM_SPECIFIC, kPage, vmo, 0, kPage) != ZX_OK);
  expect(region.map(kReadWrite | ZX_VM_SPECIFIC, 0, vmo, 0, 2 * kPage) != ZX_OK);
  expect_ok(region.map(kReadWrite | ZX_VM_SPECIFIC, 2 * kPage, vmo, 0, kPage));
  expect_eq(*reinterpret_cast<uint8_t*>(region.base + 2 * kPage), 1);
}

TEST("a mapping replaces what it overwrites") {
  Region region(3 * kPage);
  Handle old = make_vmo(3 * kPage), fresh = make_vmo(kPage);
  require_ok(region.map(kReadWrite | ZX_VM_SPECIFIC, 0, old, 0, 3 * kPage));
  uint8_t* bytes = reinterpret_cast<uint8_t*>(region.base);
  for (size_t page = 0; page < 3; ++page) bytes[page * kPage] = static_cast<uint8_t>(page + 1);
  expect_ok(region.map(kReadWrite | ZX_VM_SPECIFIC_OVERWRITE, kPage, fresh, 0, kPage));
  expect_eq(bytes[0], 1);
  expect_eq(bytes[kPage], 0);
  expect_eq(bytes[2 * kPage], 3);
}

TEST("a hole in the middle of a mapping leaves both sides") {
  Region region(3 * kPage);
  Handle vmo = make_vmo(3 * kPage), other = make_vmo(kPage);
  require_ok(region.map(kReadWrite | ZX_VM_SPECIFIC, 0, vmo, 0, 3 * kPage));
  uint8_t* bytes = reinterpret_cast<uint8_t*>(region.base);
  bytes[0] = 1, bytes[2 * kPage] = 3;
  expect_ok(zx_vmar_unmap(region.handle, region.base + kPage, kPage));
  expect_eq(bytes[0], 1);
  expect_eq(bytes[2 * kPage], 3);
  expect_ok(region.map(kReadWrite | ZX_VM_SPECIFIC, kPage, other, 0, kPage));
  expect_eq(bytes[kPage], 0);
}

TEST("protection can be taken away and given back, but never beyond what the mapping was allowed") {
  Region region(2 * kPage);
  Handle vmo = make_vmo(2 * kPage), weak = duplicate(vmo, ZX_RIGHT_MAP | ZX_RIGHT_READ);
  require_ok(region.map(kReadWrite | ZX_VM_SPECIFIC, 0, vmo, 0, kPage));
  require_ok(region.map(ZX_VM_PERM_READ | ZX_VM_SPECIFIC, kPage, weak, kPage, kPage));
  expect_ok(zx_vmar_protect(region.handle, ZX_VM_PERM_READ, region.base, kPage));
  expect_ok(zx_vmar_protect(region.handle, kReadWrite, region.base, kPage));
  *reinterpret_cast<uint8_t*>(region.base) = 1;
  expect_status(zx_vmar_protect(region.handle, kReadWrite, region.base + kPage, kPage), ZX_ERR_ACCESS_DENIED);
}

TEST("a mapping asks the VMO's handle and the region for their rights") {
  Handle vmo = make_vmo(kPage), read_only = duplicate(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP);
  Handle unmappable = duplicate(vmo, ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  zx_vaddr_t at = 0;
  expect_status(zx_vmar_map(root(), kReadWrite, 0, read_only, 0, kPage, &at), ZX_ERR_ACCESS_DENIED);
  expect_status(zx_vmar_map(root(), ZX_VM_PERM_READ, 0, unmappable, 0, kPage, &at), ZX_ERR_ACCESS_DENIED);
  Region reader(kPage, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC);
  expect_status(reader.map(kReadWrite | ZX_VM_SPECIFIC, 0, vmo, 0, kPage), ZX_ERR_ACCESS_DENIED);
}

TEST("a mapping that makes no sense is refused") {
  Handle vmo = make_vmo(kPage);
  zx_vaddr_t at = 0;
  expect_status(zx_vmar_map(root(), ZX_VM_PERM_WRITE, 0, vmo, 0, kPage, &at), ZX_ERR_INVALID_ARGS);
  expect_status(zx_vmar_map(root(), ZX_VM_PERM_READ, 0, vmo, 0, 0, &at), ZX_ERR_INVALID_ARGS);
  expect_status(zx_vmar_map(root(), ZX_VM_PERM_READ, 0, vmo, 100, kPage, &at), ZX_ERR_INVALID_ARGS);
  expect_status(zx_vmar_map(root(), ZX_VM_CAN_MAP_READ, 0, vmo, 0, kPage, &at), ZX_ERR_INVALID_ARGS);
  expect_status(zx_vmar_map(root(), ZX_VM_PERM_READ, kPage, vmo, 0, kPage, &at), ZX_ERR_INVALID_ARGS);
}

TEST("regions nest, and destroying one takes what is inside along") {
  Region outer(8 * kPage);
  Handle inner, vmo = make_vmo(kPage);
  zx_vaddr_t base = 0, at = 0;
  require_ok(zx_vmar_allocate(outer.handle, ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                              2 * kPage, inner.out(), &base));
  expect(base >= outer.base);
  expect(base + 2 * kPage <= outer.base + 8 * kPage);
  require_ok(zx_vmar_map(inner, kReadWrite | ZX_VM_SPECIFIC, 0, vmo, 0, kPage, &at));
  *reinterpret_cast<uint8_t*>(at) = 1;
  expect_ok(zx_vmar_destroy(outer.handle));
  expect_status(zx_vmar_map(inner, kReadWrite | ZX_VM_SPECIFIC, kPage, vmo, 0, kPage, &at), ZX_ERR_BAD_STATE);
  size_t actual = 0;
  uint8_t byte;
  expect_status(zx_process_read_memory(zx_process_self(), at, &byte, 1, &actual), ZX_ERR_NO_MEMORY);
}

TEST("places that the kernel chooses are whole pages and do not overlap") {
  zx_vaddr_t at[32];
  Handle vmo = make_vmo(3 * kPage);
  for (zx_vaddr_t& each : at) require_ok(zx_vmar_map(root(), kReadWrite, 0, vmo, 0, 3 * kPage, &each));
  for (int i = 0; i < 32; ++i) {
    expect_eq(at[i] % kPage, 0);
    for (int j = 0; j < i; ++j) expect(at[i] + 3 * kPage <= at[j] || at[j] + 3 * kPage <= at[i]);
  }
  for (zx_vaddr_t each : at) expect_ok(zx_vmar_unmap(root(), each, 3 * kPage));
  expect(at[0] >= root_base());
}

TEST("a bad pointer is refused by the call, not by a fault") {
  Handle vmo = make_vmo(kPage);
  zx_handle_t* nowhere = reinterpret_cast<zx_handle_t*>(0x10);
  expect_status(zx_event_create(0, nowhere), ZX_ERR_INVALID_ARGS);
  expect_status(zx_vmo_write(vmo, nowhere, 0, 4), ZX_ERR_NOT_FOUND);
  expect_status(zx_vmo_read(vmo, nowhere, 0, 4), ZX_ERR_NOT_FOUND);
  static const zx_handle_t constant = 0;
  expect_status(zx_event_create(0, const_cast<zx_handle_t*>(&constant)), ZX_ERR_INVALID_ARGS);
}

TEST("memory that is barely used costs barely anything") {
  constexpr size_t kHuge = size_t{1} << 30;
  Handle vmo = make_vmo(kHuge);
  Mapping mapping(vmo, kHuge);
  for (size_t offset = 0; offset < kHuge; offset += kHuge / 64) mapping.as()[offset] = 1;
  int sum = 0;
  for (size_t offset = 0; offset < kHuge; offset += kHuge / 64) sum += mapping.as()[offset];
  expect_eq(sum, 64);
}

}  // namespace
