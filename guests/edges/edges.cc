// Both ends of the address space: what lies below the first page that a program can have, behind its last one, and in
// the kernel's half, is guarded against accesses, jumps, buffers of calls and mappings alike.
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>

#include "guests/lib/guest.h"

using namespace guest;

namespace {

constexpr uint64_t kPage = 4096;
constexpr zx_vm_option_t kReadWrite = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;

/// All that a program can ever map.
struct Space {
  uint64_t base = 0, end = 0;
  Space() {
    zx_info_vmar_t info = {};
    require_ok(zx_object_get_info(zx_vmar_root_self(), ZX_INFO_VMAR, &info, sizeof info, nullptr, nullptr));
    base = info.base;
    end = info.base + info.len;
  }
  uint64_t size() const { return end - base; }
};

enum class Access { kRead, kWrite, kRun };

__attribute__((noinline)) void read_from(uintptr_t at, uintptr_t) {
  static_cast<void>(*reinterpret_cast<volatile uint8_t*>(at));
  zx_thread_exit();
}
__attribute__((noinline)) void write_to(uintptr_t at, uintptr_t) {
  *reinterpret_cast<volatile uint8_t*>(at) = 1;
  zx_thread_exit();
}
__attribute__((noinline)) void call_to(uintptr_t at, uintptr_t) {
  reinterpret_cast<void (*)()>(at)();
  zx_thread_exit();
}
__attribute__((noinline)) void read_word_from(uintptr_t at, uintptr_t) {
  typedef uint64_t __attribute__((aligned(1))) Word;
  static_cast<void>(*reinterpret_cast<volatile Word*>(at));
  zx_thread_exit();
}

/// What a thread of its own dies of that begins there.
struct Death {
  zx_excp_type_t type = 0;
  uint64_t address = 0;  ///< What the fault was about.
  bool user = false, write = false, fetch = false;
  uint64_t code = 0;

  Death(uintptr_t entry, uint64_t argument) {
    alignas(16) static uint8_t stack[kPage];
    Handle thread, channel, exception;
    require_ok(zx_thread_create(zx_process_self(), "edge", 4, 0, thread.out()));
    require_ok(zx_task_create_exception_channel(thread, 0, channel.out()));
    // A call has just pushed its way back, as far as the compiler knows.
    uintptr_t sp = reinterpret_cast<uintptr_t>(stack + sizeof stack) - (sizeof stack / 2);
#if defined(__x86_64__)
    sp -= 8;
#endif
    require_ok(zx_thread_start(thread, entry, sp, argument, 0));
    require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    zx_exception_info_t info;
    require_ok(zx_channel_read(channel, 0, &info, exception.out(), sizeof info, 1, nullptr, nullptr));
    zx_exception_report_t report = {};
    require_ok(zx_object_get_info(thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof report, nullptr, nullptr));
    type = report.header.type;
#if defined(__aarch64__)
    address = report.context.arch.u.arm_64.far;
    code = report.context.arch.u.arm_64.esr;
    constexpr uint64_t kFetchAbort = 0x20, kDataAbort = 0x24, kWrite = 1 << 6;
    user = code >> 26 == kFetchAbort || code >> 26 == kDataAbort;  // From a lower exception level, both.
    fetch = code >> 26 == kFetchAbort;
    write = !fetch && (code & kWrite) != 0;
#else
    address = report.context.arch.u.x86_64.cr2;
    code = report.context.arch.u.x86_64.err_code;
    user = (code & 4) != 0;
    write = (code & 2) != 0;
    fetch = (code & 16) != 0;
#endif
    const uint32_t state = ZX_EXCEPTION_STATE_THREAD_EXIT;
    require_ok(zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof state));
    exception.reset();
    require_ok(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, nullptr));
  }
};

Death die(uint64_t address, Access how) {
  switch (how) {
    case Access::kRead: return Death(reinterpret_cast<uintptr_t>(read_from), address);
    case Access::kWrite: return Death(reinterpret_cast<uintptr_t>(write_to), address);
    default: return Death(reinterpret_cast<uintptr_t>(call_to), address);
  }
}

/// A page fault that tells where and how.
void expect_page_fault(uint64_t address, Access how) {
  const Death death = die(address, how);
  expect_eq(death.type, ZX_EXCP_FATAL_PAGE_FAULT);
  expect_eq(death.address, address);
  expect(death.user);
  expect_eq(death.write, how == Access::kWrite);
  expect_eq(death.fetch, how == Access::kRun);
}
void expect_page_faults(uint64_t address) {
  expect_page_fault(address, Access::kRead);
  expect_page_fault(address, Access::kWrite);
}

/// Where no program has anything, ever: one of each kind.
const uint64_t kNowhere[] = {
    1,
    kPage,
    Space().end,
#if defined(__aarch64__)
    0x0000'ffff'ffff'f000,
    0x0001'0000'0000'0000,  // Bits that are neither all zeros nor all ones.
    0xab00'0000'0000'1000,  // A tag.
#else
    0x0000'7fff'ffff'fff8,
    0x0000'8000'0000'0000,  // Not canonical: the first such address,
    0xffff'7fff'ffff'fff8,  // and the last.
#endif
    0xffff'8000'0000'0000,
    0xffff'ffff'ffff'f000,
};

TEST("the first addresses are nobody's") {
  const Space space;
  expect(space.base >= kPage);
  expect_page_faults(0);
  expect_page_faults(kPage - 1);
  expect_page_faults(space.base - 1);
  expect_page_fault(0, Access::kRun);
  expect_page_fault(space.base - kPage, Access::kRun);
}

TEST("behind the last address is a guard") {
  const Space space;
  expect_page_faults(space.end);
  expect_page_faults(space.end + kPage - 1);
  expect_page_fault(space.end, Access::kRun);
}

TEST("the kernel's half is out of reach") {
  constexpr uint64_t kKernel[] = {0xffff'8000'0000'0000, 0xffff'ffff'8000'0000, 0xffff'ffff'ffff'ffff};
  for (uint64_t address : kKernel) {
    expect_page_faults(address);
  }
  expect_page_fault(0xffff'ffff'ffff'f000, Access::kRun);
}

#if defined(__aarch64__)
TEST("an address with a tag, or between the halves, is no address") {
  constexpr uint64_t kBetween[] = {0x0001'0000'0000'0000, 0x7fff'ffff'ffff'ffff, 0x8000'0000'0000'0000,
                                   0xfffe'ffff'ffff'f000};
  for (uint64_t address : kBetween) expect_page_faults(address);
  static uint8_t byte;
  const uint64_t tagged = reinterpret_cast<uintptr_t>(&byte) | uint64_t{0xab} << 56;
  expect_page_faults(tagged);
  uint32_t features = 99;
  expect_ok(zx_system_get_features(ZX_FEATURE_KIND_CPU, &features));
}
#else
TEST("an address that is not canonical is no page fault") {
  constexpr uint64_t kNone[] = {0x0000'8000'0000'0000, 0x1234'5678'9abc'def0, 0xffff'7fff'ffff'ffff};
  for (uint64_t address : kNone) {
    for (Access how : {Access::kRead, Access::kWrite}) {
      const Death death = die(address, how);
      expect_eq(death.type, ZX_EXCP_GENERAL);
      expect_eq(death.code, 0);
    }
  }
}
#endif

TEST("no thread begins outside of what programs can have") {
  static uint8_t stack[kPage];
  const uint64_t sp = reinterpret_cast<uintptr_t>(stack + sizeof stack);
  for (uint64_t pc : {uint64_t{0xffff'8000'0000'0000}, uint64_t{0xffff'ffff'ffff'fff0}, uint64_t{1} << 60}) {
    Handle thread;
    require_ok(zx_thread_create(zx_process_self(), "edge", 4, 0, thread.out()));
    expect_status(zx_thread_start(thread, pc, sp, 0, 0), ZX_ERR_INVALID_ARGS);
  }
}

TEST("the first page and the last can be had, and no byte more") {
  const Space space;
  Handle vmo = make_vmo(kPage);
  for (uint64_t offset : {uint64_t{0}, space.size() - kPage}) {
    zx_vaddr_t address = 0;
    const zx_status_t status =
        zx_vmar_map(zx_vmar_root_self(), kReadWrite | ZX_VM_SPECIFIC, offset, vmo, 0, kPage, &address);
    require_ok(status);
    expect_eq(address, space.base + offset);
    auto* bytes = reinterpret_cast<volatile uint8_t*>(address);
    bytes[0] = 1;
    bytes[kPage - 1] = 2;
    expect_eq(bytes[0] + bytes[kPage - 1], 3);
    if (offset == 0) {
      expect_page_faults(space.base - 1);
    } else {
      expect_page_faults(space.end);
      // A word of which a part is still there: the fault is about the rest.
      const Death death(reinterpret_cast<uintptr_t>(read_word_from), space.end - 4);
      expect_eq(death.type, ZX_EXCP_FATAL_PAGE_FAULT);
      expect_eq(death.address, space.end);
    }
    // A call moves what is there, and fails for the rest.
    expect_ok(zx_vmo_write(vmo, const_cast<const uint8_t*>(bytes), 0, kPage));
    expect_status(zx_vmo_write(vmo, const_cast<const uint8_t*>(bytes) + kPage - 4, 0, 8), ZX_ERR_NOT_FOUND);
    expect_ok(zx_vmar_unmap(zx_vmar_root_self(), address, kPage));
  }
}

TEST("no mapping and no region sticks out of the address space") {
  const Space space;
  const zx_handle_t root = zx_vmar_root_self();
  Handle vmo = make_vmo(4 * kPage);
  auto map = [&](uint64_t offset, uint64_t size, zx_vm_option_t options = ZX_VM_SPECIFIC, uint64_t vmo_offset = 0) {
    zx_vaddr_t address = 0;
    return zx_vmar_map(root, kReadWrite | options, offset, vmo, vmo_offset, size, &address);
  };
  for (zx_vm_option_t how : {ZX_VM_SPECIFIC, ZX_VM_SPECIFIC_OVERWRITE}) {
    expect_status(map(space.size() - kPage, 2 * kPage, how), ZX_ERR_INVALID_ARGS);
    expect_status(map(space.size(), kPage, how), ZX_ERR_INVALID_ARGS);
    expect_status(map(space.size() + kPage, kPage, how), ZX_ERR_INVALID_ARGS);
    // Downwards, and all the way round.
    expect_status(map(0 - kPage, kPage, how), ZX_ERR_INVALID_ARGS);
    expect_status(map(0 - kPage, 2 * kPage, how), ZX_ERR_INVALID_ARGS);
    expect_status(map(0 - space.base, kPage, how), ZX_ERR_INVALID_ARGS);
    expect_status(map(kPage, 0 - kPage, how), ZX_ERR_INVALID_ARGS);
  }
  expect_status(map(0, 0, 0), ZX_ERR_INVALID_ARGS);
  expect_status(map(0, ~uint64_t{0}, 0), ZX_ERR_INVALID_ARGS);
  expect_status(map(0, space.size() + kPage, 0), ZX_ERR_INVALID_ARGS);
  expect_status(map(0, 2 * kPage, 0, 0 - kPage), ZX_ERR_OUT_OF_RANGE);
  expect_status(map(space.size() + kPage, kPage, ZX_VM_OFFSET_IS_UPPER_LIMIT), ZX_ERR_INVALID_ARGS);

  Handle region;
  zx_vaddr_t address = 0;
  auto allocate = [&](uint64_t offset, uint64_t size, zx_vm_option_t options) {
    return zx_vmar_allocate(root, options, offset, size, region.out(), &address);
  };
  expect_status(allocate(space.size() - kPage, 2 * kPage, ZX_VM_SPECIFIC), ZX_ERR_INVALID_ARGS);
  expect_status(allocate(0 - kPage, 2 * kPage, ZX_VM_SPECIFIC), ZX_ERR_INVALID_ARGS);
  expect_status(allocate(0, 0 - kPage, 0), ZX_ERR_INVALID_ARGS);
  expect_ok(allocate(space.size() - kPage, kPage, ZX_VM_SPECIFIC));
  expect_eq(address, space.end - kPage);
  expect_ok(zx_vmar_destroy(region));
}

TEST("ranges that leave the address space are refused") {
  const Space space;
  const zx_handle_t root = zx_vmar_root_self();
  struct Range {
    uint64_t address, size;
  };
  for (const Range& range : {
           Range{0, kPage},
           Range{space.base - kPage, 2 * kPage},
           Range{space.end - kPage, 2 * kPage},
           Range{space.end, kPage},
           Range{space.end - kPage, 0 - kPage},
           Range{space.base, 0 - space.base},
           Range{0 - kPage, kPage},
           Range{0 - kPage, 2 * kPage},
       }) {
    expect_status(zx_vmar_unmap(root, range.address, range.size), ZX_ERR_INVALID_ARGS);
    expect_status(zx_vmar_protect(root, ZX_VM_PERM_READ, range.address, range.size), ZX_ERR_INVALID_ARGS);
    expect_status(zx_vmar_op_range(root, ZX_VMAR_OP_DECOMMIT, range.address, range.size, nullptr, 0),
                  ZX_ERR_OUT_OF_RANGE);
  }
  expect_status(zx_vmar_unmap(root, space.base, ~uint64_t{0}), ZX_ERR_INVALID_ARGS);
  expect_status(zx_vmar_unmap(root, space.base, 0), ZX_ERR_INVALID_ARGS);
}

TEST("a call refuses buffers where no program has anything") {
  Channel channel;
  Handle vmo = make_vmo(kPage), socket, other;
  require_ok(zx_socket_create(0, socket.out(), other.out()));
  expect_ok(zx_channel_write(channel.a, 0, "text", 4, nullptr, 0));
  for (uint64_t address : kNowhere) {
    void* buffer = reinterpret_cast<void*>(address);
    uint32_t bytes = 0;
    expect_status(zx_channel_write(channel.a, 0, buffer, 4, nullptr, 0), ZX_ERR_INVALID_ARGS);
    expect_status(zx_channel_write(channel.a, 0, nullptr, 0, static_cast<zx_handle_t*>(buffer), 1),
                  ZX_ERR_INVALID_ARGS);
    expect_status(zx_socket_write(socket, 0, buffer, 4, nullptr), ZX_ERR_INVALID_ARGS);
    expect_status(zx_object_get_info(vmo, ZX_INFO_VMO, buffer, sizeof(zx_info_vmo_t), nullptr, nullptr),
                  ZX_ERR_INVALID_ARGS);
    expect_status(zx_object_set_property(vmo, ZX_PROP_NAME, buffer, 4), ZX_ERR_INVALID_ARGS);
    expect_status(zx_event_create(0, static_cast<zx_handle_t*>(buffer)), ZX_ERR_INVALID_ARGS);
    expect_status(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, kPage, static_cast<zx_vaddr_t*>(buffer)),
                  ZX_ERR_INVALID_ARGS);
    // These tell what a fault there would be.
    expect_status(zx_vmo_read(vmo, buffer, 0, 4), ZX_ERR_NOT_FOUND);
    expect_status(zx_vmo_write(vmo, buffer, 0, 4), ZX_ERR_NOT_FOUND);
    size_t actual = 0;
    expect_status(zx_process_read_memory(zx_process_self(), address, &bytes, 4, &actual), ZX_ERR_NO_MEMORY);
  }
  // A buffer that begins where there is something and goes on round the end.
  uint8_t here = 0;
  expect_status(zx_vmo_read(vmo, &here, 0, kPage + 1), ZX_ERR_OUT_OF_RANGE);
  expect_status(zx_channel_write(channel.a, 0, &here, UINT32_MAX, nullptr, 0), ZX_ERR_OUT_OF_RANGE);
  char text[4];
  uint32_t bytes = 0, handles = 0;
  expect_ok(zx_channel_read(channel.b, 0, text, nullptr, sizeof text, 0, &bytes, &handles));
  expect_eq(bytes, 4);
  expect_status(zx_channel_read(channel.b, 0, text, nullptr, sizeof text, 0, &bytes, &handles), ZX_ERR_SHOULD_WAIT);
}

TEST("a futex lives where a program can have memory") {
  for (uint64_t address : kNowhere) {
    const auto* futex = reinterpret_cast<const zx_futex_t*>(address & ~uint64_t{3});
    if (futex == nullptr) continue;
    expect_status(zx_futex_wait(futex, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE), ZX_ERR_INVALID_ARGS);
  }
}

}  // namespace
