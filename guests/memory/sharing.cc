// Memory that several VMOs and mappings share, as programs that manage memory for others rely on it: what each of them
// sees, who is charged for it, and which ranges a call accepts.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

constexpr uint64_t kPage = 4096;
constexpr zx_vm_option_t kReadWrite = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;

zx_info_vmo_t info_of(zx_handle_t vmo) {
  zx_info_vmo_t info = {};
  require_ok(zx_object_get_info(vmo, ZX_INFO_VMO, &info, sizeof info, nullptr, nullptr));
  return info;
}
uint64_t pages_of(zx_handle_t vmo) { return info_of(vmo).committed_bytes / kPage; }
zx_rights_t rights_of(zx_handle_t handle) {
  zx_info_handle_basic_t info = {};
  require_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, nullptr, nullptr));
  return info.rights;
}
void put(zx_handle_t vmo, uint64_t page, uint32_t value) {
  require_ok(zx_vmo_write(vmo, &value, page * kPage, sizeof value));
}
uint32_t word(zx_handle_t vmo, uint64_t page) {
  uint32_t value = 0;
  require_ok(zx_vmo_read(vmo, &value, page * kPage, sizeof value));
  return value;
}
/// Page n holds n + 1.
Handle tagged(uint64_t pages, uint32_t options = 0) {
  Handle vmo = make_vmo(pages * kPage, options);
  for (uint64_t page = 0; page < pages; ++page) put(vmo, page, static_cast<uint32_t>(page + 1));
  return vmo;
}
Handle child_of(zx_handle_t vmo, uint32_t options, uint64_t first, uint64_t pages) {
  Handle child;
  require_ok(zx_vmo_create_child(vmo, options, first * kPage, pages * kPage, child.out()));
  return child;
}
Handle snapshot(zx_handle_t vmo, uint64_t first, uint64_t pages, uint32_t options = 0) {
  return child_of(vmo, ZX_VMO_CHILD_SNAPSHOT | options, first, pages);
}
zx_status_t op(zx_handle_t vmo, uint32_t what, uint64_t offset, uint64_t size) {
  return zx_vmo_op_range(vmo, what, offset, size, nullptr, 0);
}
/// Whether an access there would do, without making it.
bool readable(uint64_t address) {
  static const Handle scratch = make_vmo(kPage);
  return zx_vmo_write(scratch, reinterpret_cast<const void*>(address), 0, 1) == ZX_OK;
}
bool writable(uint64_t address) {
  static const Handle scratch = make_vmo(kPage);
  return zx_vmo_read(scratch, reinterpret_cast<void*>(address), 0, 1) == ZX_OK;
}

// --- what everybody sees ---

TEST("a page of zeros that is written to is written to for all who show it") {
  Handle vmo = make_vmo(3 * kPage);
  Mapping first(vmo, 3 * kPage), second(vmo, 3 * kPage), third(vmo, 3 * kPage);
  auto at = [](const Mapping& mapping, uint64_t page) { return mapping.as<volatile uint32_t>() + page * kPage / 4; };
  for (uint64_t page = 0; page < 3; ++page) expect_eq(*at(first, page), 0);
  *at(second, 0) = 99;
  expect_eq(*at(third, 0), 99);
  expect_eq(*at(first, 0), 99);
  put(vmo, 1, 100);
  expect_eq(*at(first, 1), 100);
  expect_ok(op(vmo, ZX_VMO_OP_COMMIT, 2 * kPage, kPage));
  put(vmo, 2, 101);
  expect_eq(*at(first, 2), 101);
}

TEST("what is decommitted is gone from every mapping, and nothing else is") {
  Handle vmo = make_vmo(4 * kPage);
  Mapping whole(vmo, 4 * kPage);
  zx_vaddr_t shifted = 0, behind = 0;
  require_ok(zx_vmar_map(zx_vmar_root_self(), kReadWrite, 0, vmo, kPage, 4 * kPage, &shifted));
  require_ok(zx_vmar_map(zx_vmar_root_self(), kReadWrite, 0, vmo, 8 * kPage, kPage, &behind));
  volatile uint32_t* here = whole.as<volatile uint32_t>() + kPage / 4;
  auto* there = reinterpret_cast<volatile uint32_t*>(shifted);
  *here = 99;
  expect_ok(op(vmo, ZX_VMO_OP_DECOMMIT, 0, kPage));
  expect_eq(*here, 99);
  expect_eq(*there, 99);
  expect_ok(op(vmo, ZX_VMO_OP_DECOMMIT, kPage, kPage));
  expect_eq(*here, 0);
  expect_eq(*there, 0);
  // Parts of pages can be committed and not given back.
  expect_ok(op(vmo, ZX_VMO_OP_COMMIT, 0x10, 0x100));
  expect_status(op(vmo, ZX_VMO_OP_DECOMMIT, 0x10, 0x100), ZX_ERR_INVALID_ARGS);
  // What lies behind the VMO is mapped, and not there.
  expect(!readable(behind));
  expect(!readable(shifted + 3 * kPage));
  expect(writable(shifted + 2 * kPage));
  expect_status(zx_vmo_read(vmo, reinterpret_cast<void*>(behind), 0, 1), ZX_ERR_OUT_OF_RANGE);
}

TEST("a VMO that shrinks takes its pages out of every mapping, and gives zeros when it grows") {
  Handle vmo = tagged(2, ZX_VMO_RESIZABLE);
  Mapping mapping(vmo, 2 * kPage);
  expect(writable(mapping.address()));
  expect_ok(zx_vmo_set_size(vmo, 0));
  expect(!readable(mapping.address()));
  expect(!writable(mapping.address() + kPage));
  expect_ok(zx_vmo_set_size(vmo, kPage));
  expect_eq(mapping.as<uint32_t>()[0], 0);
  expect(!readable(mapping.address() + kPage));
}

TEST("a VMO is read into a mapping of itself") {
  Handle vmo = tagged(2);
  Mapping mapping(vmo, kPage);
  expect_ok(zx_vmo_read(vmo, mapping.as(), kPage, kPage));
  expect_eq(word(vmo, 0), 2);
}

// --- who is charged ---

TEST("each of several snapshots is charged for what it wrote, and one for what they share") {
  Handle parent = tagged(2);
  Handle child = snapshot(parent, 0, 2);
  expect_eq(pages_of(parent), 2);
  expect_eq(pages_of(child), 0);
  put(parent, 0, 20);
  expect_eq(pages_of(parent), 2);
  expect_eq(pages_of(child), 1);
  put(child, 1, 30);
  expect_eq(pages_of(parent), 2);
  expect_eq(pages_of(child), 2);
  // What is one's own costs nothing more.
  put(parent, 1, 21);
  put(child, 0, 31);
  expect_eq(pages_of(parent) + pages_of(child), 4);
}

TEST("zeros over a shared page leave it to those who still see it") {
  Handle parent = make_vmo(2 * kPage);
  put(parent, 0, 1);
  Handle child = snapshot(parent, 0, 2);
  expect_ok(op(child, ZX_VMO_OP_ZERO, 0, kPage));
  expect_eq(word(child, 0), 0);
  expect_eq(pages_of(parent), 1);
  expect_eq(pages_of(child), 0);
  expect_ok(op(parent, ZX_VMO_OP_ZERO, 0, kPage));
  expect_eq(pages_of(parent), 0);
  expect_eq(pages_of(child), 0);

  Handle other = make_vmo(2 * kPage);
  put(other, 0, 1);
  Handle heir = snapshot(other, 0, 1);
  expect_ok(op(other, ZX_VMO_OP_ZERO, 0, kPage));
  expect_eq(pages_of(other), 0);
  expect_eq(pages_of(heir), 1);
  heir.reset();
  expect_eq(pages_of(other), 0);
}

TEST("zeros cost nothing where there are zeros, and give whole pages back") {
  Handle vmo = make_vmo(3 * kPage);
  expect_ok(op(vmo, ZX_VMO_OP_ZERO, kPage / 2, kPage));
  expect_eq(pages_of(vmo), 0);
  Mapping mapping(vmo, 3 * kPage);
  for (uint64_t i = 0; i < 3 * kPage; ++i) mapping.as()[i] = 0xff;
  expect_ok(op(vmo, ZX_VMO_OP_ZERO, kPage / 2, 2 * kPage));
  expect_eq(pages_of(vmo), 2);
  expect_eq(mapping.as()[kPage / 2 - 1], 0xff);
  expect_eq(mapping.as()[kPage / 2], 0);
  expect_eq(mapping.as()[kPage], 0);
  expect_eq(mapping.as()[2 * kPage + kPage / 2 - 1], 0);
  expect_eq(mapping.as()[2 * kPage + kPage / 2], 0xff);
  for (uint64_t offset : {uint64_t{0}, uint64_t{10}, 3 * kPage}) expect_ok(op(vmo, ZX_VMO_OP_ZERO, offset, 0));
}

TEST("whichever of a pair shrinks, the other keeps what it sees and nothing is kept for nobody") {
  for (bool shrink_child : {false, true}) {
    Handle parent = tagged(4, ZX_VMO_RESIZABLE);
    Handle child = snapshot(parent, 0, 4, ZX_VMO_CHILD_RESIZABLE);
    put(parent, 1, 50);
    put(child, 2, 50);
    expect_eq(pages_of(parent), 4);
    expect_eq(pages_of(child), 2);
    Handle& shrunk = shrink_child ? child : parent;
    Handle& whole = shrink_child ? parent : child;
    expect_ok(zx_vmo_set_size(shrunk, kPage));
    for (uint64_t page = 0; page < 4; ++page)
      expect_eq(word(whole, page), page == (shrink_child ? 1u : 2u) ? 50 : page + 1);
    expect_eq(pages_of(parent), shrink_child ? 4 : 1);
    expect_eq(pages_of(child), shrink_child ? 0 : 3);
    expect_ok(zx_vmo_set_size(shrunk, 2 * kPage));
    expect_eq(word(shrunk, 1), 0);
    put(whole, 3, 60);
    expect_eq(pages_of(parent) + pages_of(child), 4);
    whole.reset();
    expect_eq(word(shrunk, 0), 1);
    expect_eq(pages_of(shrunk), 1);
  }
}

TEST("a snapshot of a part keeps that part when its parent goes") {
  Handle parent = tagged(3);
  Handle child = snapshot(parent, 1, 3);
  Handle grandchild = snapshot(child, 0, 5);
  put(child, 1, 40);
  parent.reset();
  expect_eq(word(child, 0), 2);
  expect_eq(word(child, 1), 40);
  expect_eq(word(child, 2), 0);
  child.reset();
  expect_eq(word(grandchild, 0), 2);
  expect_eq(word(grandchild, 1), 3);
  expect_eq(word(grandchild, 4), 0);
  expect_eq(pages_of(grandchild), 2);
}

// --- children ---

TEST("a child's handle can what its kind needs") {
  constexpr zx_rights_t kProperties = ZX_RIGHT_GET_PROPERTY | ZX_RIGHT_SET_PROPERTY;
  Handle vmo;
  require_ok(zx_vmo_replace_as_executable(make_vmo(kPage).release(), ZX_HANDLE_INVALID, vmo.out()));
  constexpr zx_rights_t kLeast = ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE;
  for (zx_rights_t given :
       {rights_of(vmo), kLeast, kLeast | ZX_RIGHT_WRITE, kLeast | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP}) {
    Handle source = duplicate(vmo, given);
    expect_eq(rights_of(snapshot(source, 0, 1)), (given | kProperties | ZX_RIGHT_WRITE) & ~ZX_RIGHT_EXECUTE);
    expect_eq(rights_of(snapshot(source, 0, 1, ZX_VMO_CHILD_NO_WRITE)), (given | kProperties) & ~ZX_RIGHT_WRITE);
    expect_eq(rights_of(child_of(source, ZX_VMO_CHILD_SLICE, 0, 1)), given | kProperties);
    expect_eq(rights_of(child_of(source, ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_NO_WRITE, 0, 1)),
              (given | kProperties) & ~ZX_RIGHT_WRITE);
  }
}

TEST("a slice lies within its parent, whose size is fixed") {
  Handle vmo = make_vmo(2 * kPage, ZX_VMO_RESIZABLE), slice;
  auto make = [&](uint64_t offset, uint64_t size, uint32_t options = 0) {
    return zx_vmo_create_child(vmo, ZX_VMO_CHILD_SLICE | options, offset, size, slice.out());
  };
  constexpr uint64_t kLast = 0 - kPage;
  expect_status(make(0, 3 * kPage), ZX_ERR_INVALID_ARGS);
  expect_status(make(kPage, 2 * kPage), ZX_ERR_INVALID_ARGS);
  expect_status(make(2 * kPage, kPage), ZX_ERR_INVALID_ARGS);
  expect_status(make(kLast, kPage), ZX_ERR_INVALID_ARGS);
  expect_status(make(0, kLast), ZX_ERR_OUT_OF_RANGE);
  expect_status(make(0, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
  expect_status(make(kLast, UINT64_MAX), ZX_ERR_OUT_OF_RANGE);
  expect_status(make(0, kPage), ZX_ERR_NOT_SUPPORTED);
  expect_status(make(0, kPage, ZX_VMO_CHILD_RESIZABLE), ZX_ERR_INVALID_ARGS);
  vmo = make_vmo(kPage);
  expect_status(make(0, kPage, ZX_VMO_CHILD_RESIZABLE), ZX_ERR_INVALID_ARGS);
  for (uint64_t offset : {uint64_t{0}, kPage}) {
    expect_ok(make(offset, 0));
    uint8_t byte = 0;
    expect_status(zx_vmo_read(slice, &byte, 0, 1), ZX_ERR_OUT_OF_RANGE);
    expect_status(zx_vmo_write(slice, &byte, 0, 1), ZX_ERR_OUT_OF_RANGE);
  }
}

TEST("a VMO has children until the last of theirs is gone, mappings included") {
  Handle vmo = make_vmo(2 * kPage);
  auto childless = [](zx_handle_t of) { return (signals_of(of) & ZX_VMO_ZERO_CHILDREN) != 0; };
  expect(childless(vmo));
  for (uint32_t kind : {ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SLICE}) {
    Handle child = child_of(vmo, kind, 0, 1);
    expect(!childless(vmo));
    Handle grandchild = child_of(child, kind, 0, 1);
    expect(!childless(child));
    child.reset();
    expect(!childless(vmo));
    expect(childless(grandchild));
    {
      Mapping mapping(grandchild, kPage);
      grandchild.reset();
      expect(!childless(vmo));
    }
    expect(childless(vmo));
  }
}

// --- what a call accepts ---

TEST("a cache policy is set while nothing uses the memory") {
  Handle vmo = make_vmo(kPage);
  for (uint32_t policy : {ZX_CACHE_POLICY_CACHED, ZX_CACHE_POLICY_UNCACHED, ZX_CACHE_POLICY_UNCACHED_DEVICE,
                          ZX_CACHE_POLICY_WRITE_COMBINING})
    expect_ok(zx_vmo_set_cache_policy(vmo, policy));
  expect_status(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_MASK + 1), ZX_ERR_INVALID_ARGS);
  {
    Mapping mapping(vmo, kPage);
    expect_status(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED), ZX_ERR_BAD_STATE);
  }
  expect_ok(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
  {
    Handle child = snapshot(vmo, 0, 1);
    expect_status(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED), ZX_ERR_BAD_STATE);
    expect_status(zx_vmo_set_cache_policy(child, ZX_CACHE_POLICY_CACHED), ZX_ERR_BAD_STATE);
  }
  expect_ok(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED));
  Handle child;
  uint8_t byte = 0;
  expect_status(zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, kPage, child.out()), ZX_ERR_BAD_STATE);
  expect_status(zx_vmo_read(vmo, &byte, 0, 1), ZX_ERR_BAD_STATE);
  expect_status(zx_vmo_write(vmo, &byte, 0, 1), ZX_ERR_BAD_STATE);
  expect_ok(zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
  expect_ok(zx_vmo_write(vmo, &byte, 0, 1));
}

TEST("caches are cleaned over any bytes of a VMO, but some") {
  constexpr uint64_t kSize = 8 * kPage;
  Handle vmo = make_vmo(kSize);
  for (uint32_t what : {ZX_VMO_OP_CACHE_SYNC, ZX_VMO_OP_CACHE_CLEAN, ZX_VMO_OP_CACHE_CLEAN_INVALIDATE}) {
    struct Range {
      uint64_t offset, size;
    };
    for (const Range& range : {Range{0, 1}, Range{1, 1}, Range{0, kSize}, Range{1, kSize - 1}, Range{0x5200, 0x1200}})
      expect_ok(op(vmo, what, range.offset, range.size));
    expect_status(op(vmo, what, 0, 0), ZX_ERR_INVALID_ARGS);
    for (const Range& range : {Range{1, kSize}, Range{kSize, 1}, Range{kSize + 1, 1}, Range{UINT64_MAX - 1, 1},
                               Range{UINT64_MAX, 1}, Range{UINT64_MAX, UINT64_MAX}})
      expect_status(op(vmo, what, range.offset, range.size), ZX_ERR_OUT_OF_RANGE);
  }
  Mapping mapping(vmo, kSize);
  for (uint32_t how : {1u, 2u, 3u, 6u, 7u}) expect_ok(zx_cache_flush(mapping.as(), kSize, how));
  for (uint32_t how : {0u, 4u, 5u, 8u, ~0u})
    expect_status(zx_cache_flush(mapping.as(), kSize, how), ZX_ERR_INVALID_ARGS);
}

TEST("transfers lie within the VMO") {
  constexpr uint64_t kSize = 4 * kPage;
  Handle vmo = make_vmo(kSize);
  static uint8_t buffer[2 * kSize];
  struct Range {
    uint64_t offset, size;
    zx_status_t status;
  };
  for (const Range& range :
       {Range{0, kSize, ZX_OK}, Range{kSize, 0, ZX_OK}, Range{kSize + 1, 0, ZX_ERR_OUT_OF_RANGE},
        Range{0, 2 * kSize, ZX_ERR_OUT_OF_RANGE}, Range{UINT64_MAX - kPage, kSize, ZX_ERR_OUT_OF_RANGE},
        Range{0, UINT64_MAX - kPage, ZX_ERR_OUT_OF_RANGE}}) {
    expect_status(zx_vmo_read(vmo, buffer, range.offset, range.size), range.status);
    expect_status(zx_vmo_write(vmo, buffer, range.offset, range.size), range.status);
  }
}

TEST("what is known of a VMO is the same in every version of its record") {
  Handle vmo = make_vmo(8 * kPage, ZX_VMO_RESIZABLE);
  expect_eq(info_of(vmo).flags, ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_VIA_HANDLE | ZX_INFO_VMO_RESIZABLE);
  put(vmo, 0, 1);
  const zx_info_vmo_t info = info_of(vmo);
  expect(info.metadata_bytes != 0);
  zx_info_vmo_v1_t v1 = {};
  require_ok(zx_object_get_info(vmo, ZX_INFO_VMO_V1, &v1, sizeof v1, nullptr, nullptr));
  expect_eq(memcmp(&v1, &info, sizeof v1), 0);
  expect_eq(info_of(snapshot(vmo, 0, 1)).flags,
            ZX_INFO_VMO_TYPE_PAGED | ZX_INFO_VMO_IS_COW_CLONE | ZX_INFO_VMO_VIA_HANDLE);
}

// --- regions ---

/// A process that never runs, and has nothing mapped.
struct Elsewhere {
  Handle process, root, vmo = tagged(8);
  uint64_t base = 0;
  Elsewhere() {
    require_ok(zx_process_create(zx_job_default(), "elsewhere", 9, 0, process.out(), root.out()));
    zx_info_vmar_t info = {};
    require_ok(zx_object_get_info(root, ZX_INFO_VMAR, &info, sizeof info, nullptr, nullptr));
    base = info.base;
  }
  zx_status_t map(uint64_t first, uint64_t pages, zx_vm_option_t options = ZX_VM_SPECIFIC, zx_handle_t region = 0) {
    zx_vaddr_t address = 0;
    return zx_vmar_map(region != 0 ? region : static_cast<zx_handle_t>(root), kReadWrite | options, first * kPage, vmo,
                       0, pages * kPage, &address);
  }
  Handle region(uint64_t first, uint64_t pages) {
    Handle made;
    zx_vaddr_t address = 0;
    require_ok(zx_vmar_allocate(root,
                                ZX_VM_SPECIFIC | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE,
                                first * kPage, pages * kPage, made.out(), &address));
    return made;
  }
  zx_status_t unmap(uint64_t first, uint64_t pages) { return zx_vmar_unmap(root, base + first * kPage, pages * kPage); }
  zx_status_t protect(uint64_t first, uint64_t pages, zx_vm_option_t options = ZX_VM_PERM_READ) {
    return zx_vmar_protect(root, options, base + first * kPage, pages * kPage);
  }
  /// Bit n tells whether page n is mapped.
  uint32_t mapped(uint64_t pages) {
    uint32_t bits = 0;
    for (uint64_t page = 0; page < pages; ++page) {
      uint8_t byte = 0;
      size_t actual = 0;
      zx_status_t status = zx_process_read_memory(process, base + page * kPage, &byte, 1, &actual);
      if (status == ZX_OK) bits |= 1u << page;
      if (status != ZX_OK) expect_status(status, ZX_ERR_NO_MEMORY);
    }
    return bits;
  }
};

TEST("unmapping takes parts of mappings, and regions as a whole or not at all") {
  Elsewhere there;
  expect_ok(there.map(0, 4));
  expect_ok(there.map(8, 4));
  Handle region = there.region(4, 4);
  expect_ok(there.map(0, 1, ZX_VM_SPECIFIC, region));
  expect_eq(there.mapped(12), 0b1111'0001'1111);
  expect_status(there.unmap(1, 6), ZX_ERR_INVALID_ARGS);
  expect_status(there.unmap(5, 4), ZX_ERR_INVALID_ARGS);
  expect_eq(there.mapped(12), 0b1111'0001'1111);
  expect_ok(there.unmap(1, 8));
  expect_eq(there.mapped(12), 0b1110'0000'0001);
  expect_status(there.map(1, 1, ZX_VM_SPECIFIC, region), ZX_ERR_BAD_STATE);
  // From the middle, and over what was never mapped.
  expect_ok(there.unmap(10, 1));
  expect_eq(there.mapped(12), 0b1010'0000'0001);
  expect_ok(there.unmap(0, 100));
  expect_eq(there.mapped(12), 0);
}

TEST("protecting takes several mappings at once, without a gap or a region between them") {
  Elsewhere there;
  for (uint64_t first : {0, 4, 8}) expect_ok(there.map(first, 4));
  expect_ok(there.protect(1, 10));
  expect_eq(there.mapped(12), 0xfff);
  expect_ok(there.unmap(4, 4));
  expect_status(there.protect(1, 10), ZX_ERR_NOT_FOUND);
  Handle region = there.region(4, 4);
  expect_status(there.protect(1, 10), ZX_ERR_INVALID_ARGS);
  expect_ok(there.map(0, 4, ZX_VM_SPECIFIC, region));
  expect_status(there.protect(1, 10), ZX_ERR_INVALID_ARGS);
  expect_ok(zx_vmar_destroy(region));
  // One of them may never be written to.
  Handle whole = duplicate(there.vmo);
  there.vmo = duplicate(whole, ZX_RIGHT_MAP | ZX_RIGHT_READ);
  zx_vaddr_t address = 0;
  expect_ok(zx_vmar_map(there.root, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 4 * kPage, there.vmo, 0, 4 * kPage, &address));
  expect_status(there.protect(1, 10, kReadWrite), ZX_ERR_ACCESS_DENIED);
  expect_ok(there.protect(0, 4, kReadWrite));
  expect_eq(there.mapped(12), 0xfff);
}

TEST("a mapping overwrites mappings and parts of them, and no region") {
  Elsewhere there;
  expect_ok(there.map(1, 4));
  expect_status(there.map(1, 4), ZX_ERR_ALREADY_EXISTS);
  Handle other = make_vmo(8 * kPage);
  put(other, 0, 77);
  put(other, 1, 78);
  Handle first = duplicate(there.vmo);
  there.vmo = duplicate(other);
  expect_ok(there.map(2, 2, ZX_VM_SPECIFIC_OVERWRITE));
  auto at = [&](uint64_t page) {
    uint32_t value = 0;
    size_t actual = 0;
    expect_ok(zx_process_read_memory(there.process, there.base + page * kPage, &value, sizeof value, &actual));
    return value;
  };
  expect_eq(at(1), 1);
  expect_eq(at(2), 77);
  expect_eq(at(3), 78);
  expect_eq(at(4), 4);
  Handle region = there.region(5, 4);
  expect_status(there.map(1, 8, ZX_VM_SPECIFIC_OVERWRITE), ZX_ERR_INVALID_ARGS);
  expect_eq(at(1), 1);
}

TEST("another process's memory is read up to the end of a mapping") {
  Elsewhere there;
  expect_ok(there.map(0, 2));
  expect_ok(there.unmap(1, 1));
  static uint8_t buffer[2 * kPage];
  size_t actual = 0;
  expect_ok(zx_process_read_memory(there.process, there.base, buffer, 2 * kPage, &actual));
  expect_eq(actual, kPage);
  expect_ok(zx_process_read_memory(there.process, there.base + kPage - 1, buffer, 2, &actual));
  expect_eq(actual, 1);
  expect_status(zx_process_read_memory(there.process, there.base + kPage, buffer, 1, &actual), ZX_ERR_NO_MEMORY);
}

TEST("memory is given back through mappings that could be made writable, without a gap between them") {
  Handle vmo = tagged(5), region;
  zx_vaddr_t base = 0, address = 0;
  require_ok(zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE, 0,
                              5 * kPage, region.out(), &base));
  expect_ok(zx_vmar_map(region, kReadWrite | ZX_VM_SPECIFIC, 0, vmo, 0, 2 * kPage, &address));
  expect_ok(zx_vmar_map(region, kReadWrite | ZX_VM_SPECIFIC, 2 * kPage, vmo, 3 * kPage, kPage, &address));
  expect_ok(zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 4 * kPage, vmo, kPage, kPage, &address));
  auto decommit = [&](uint64_t first, uint64_t pages) {
    return zx_vmar_op_range(region, ZX_VMAR_OP_DECOMMIT, base + first * kPage, pages * kPage, nullptr, 0);
  };
  expect_ok(decommit(1, 2));
  expect_eq(word(vmo, 0), 1);
  expect_eq(word(vmo, 1), 0);
  expect_eq(word(vmo, 3), 0);
  expect_status(decommit(1, 3), ZX_ERR_BAD_STATE);
  put(vmo, 1, 5);
  expect_ok(decommit(4, 1));
  expect_eq(word(vmo, 1), 0);
  Handle fixed = duplicate(vmo, ZX_RIGHT_MAP | ZX_RIGHT_READ);
  expect_ok(zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 3 * kPage, fixed, 0, kPage, &address));
  expect_status(decommit(3, 1), ZX_ERR_ACCESS_DENIED);
  expect_ok(zx_vmar_destroy(region));
}

TEST("much that nobody touched is protected and unmapped at once") {
  constexpr uint64_t kSize = 1 << 30;
  for (bool unmaps : {false, true}) {
    Handle vmo = make_vmo(kSize);
    zx_vaddr_t address = 0;
    require_ok(zx_vmar_map(zx_vmar_root_self(), kReadWrite, 0, vmo, 0, kSize, &address));
    for (uint64_t offset : {uint64_t{0}, kSize / 2, kSize - 1})
      *reinterpret_cast<volatile uint8_t*>(address + offset) = 5;
    // Begins in the middle of what a table page covers.
    const uint64_t from = (address + (kPage << 9)) / (kPage << 9) * (kPage << 9) + kPage;
    const uint64_t size = address + kSize - from;
    if (unmaps) {
      expect_ok(zx_vmar_unmap(zx_vmar_root_self(), from, size));
    } else {
      expect_ok(zx_vmar_protect(zx_vmar_root_self(), ZX_VM_PERM_READ, from, size));
    }
    expect(writable(address));
    expect(writable(from - 1));
    for (uint64_t at : {from, address + kSize / 4, address + kSize / 2, address + kSize - 1}) {
      expect(!writable(at));
      expect_eq(readable(at), !unmaps);
    }
    expect_ok(zx_vmar_unmap(zx_vmar_root_self(), address, kSize));
  }
}

}  // namespace
