// The kernel's own trace as a program makes it: starts it, does things, stops it, and finds them in what it reads. With
// `jacinth run --root` and the calls of debuggers.
#include <zircon/syscalls/resource.h>

#include "guests/lib/guest.h"

using namespace guest;

namespace {

enum Action : uint32_t { kStart = 1, kStop = 2, kRewind = 3, kNewProbe = 4 };
constexpr uint32_t kLifecycle = 0x002, kScheduler = 0x004, kTasks = 0x008, kIpc = 0x010, kIrq = 0x020;
constexpr uint32_t kProbe = 0x040, kVm = 0x200;

zx_handle_t resource() {
  static zx_handle_t handle = zx_take_startup_handle(PA_HND(PA_SYSTEM_RESOURCE, 0));
  return handle;
}

uint32_t koid(zx_handle_t handle) {
  zx_info_handle_basic_t info = {};
  require_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, nullptr, nullptr));
  return static_cast<uint32_t>(info.koid);
}

struct Record {
  uint32_t tag, tid;
  uint64_t time;
  uint32_t words[4];
  uint32_t event() const { return tag >> 8 & 0xfff; }
  uint32_t group() const { return tag >> 20; }
};

/// A trace from the moment it is made until it is stopped.
class Trace {
 public:
  explicit Trace(uint32_t groups) {
    require_ok(zx_ktrace_control(resource(), kRewind, 0, nullptr));
    require_ok(zx_ktrace_control(resource(), kStart, groups, nullptr));
  }
  void stop() {
    require_ok(zx_ktrace_control(resource(), kStop, 0, nullptr));
    require_ok(zx_ktrace_read(resource(), nullptr, 0, 0, &size_));
    vmo_ = make_vmo(size_ + 4096);
    require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo_, 0, size_ + 4096, &at_));
    size_t done = 0;
    while (done < size_) {
      size_t got = 0;
      require_ok(
          zx_ktrace_read(resource(), reinterpret_cast<void*>(at_ + done), static_cast<uint32_t>(done), 1000, &got));
      require(got > 0);
      done += got;
    }
    expect_eq(done, size_);
  }
  ~Trace() { zx_vmar_unmap(zx_vmar_root_self(), at_, size_ + 4096); }

  template <class F>
  void for_each(F visit) const {
    size_t offset = 0;
    while (offset < size_) {
      const auto* record = reinterpret_cast<const Record*>(at_ + offset);
      const size_t size = (record->tag & 0xf) * 8;
      require(size >= 16);
      visit(*record);
      offset += size;
    }
    expect_eq(offset, size_);
  }
  /// Records of an event, with this in one of their words.
  int count(uint32_t event, size_t word, uint32_t value) const {
    int found = 0;
    for_each([&](const Record& record) { found += record.event() == event && record.words[word] == value; });
    return found;
  }
  int count(uint32_t event) const {
    int found = 0;
    for_each([&](const Record& record) { found += record.event() == event; });
    return found;
  }

 private:
  Handle vmo_;
  zx_vaddr_t at_ = 0;
  size_t size_ = 0;
};

TEST("a trace shows messages with the koids of their channels, and nothing of other groups") {
  Channel channel;
  char bytes[40] = {};
  uint32_t size = 0, count = 0;
  Trace trace(kIpc);
  expect_ok(zx_channel_write(channel.a, 0, bytes, 40, nullptr, 0));
  expect_ok(zx_object_wait_one(channel.b, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
  expect_ok(zx_channel_read(channel.b, 0, bytes, nullptr, 40, 0, &size, &count));
  trace.stop();
  expect_eq(trace.count(0x131, 0, koid(channel.a)), 1);
  expect_eq(trace.count(0x132, 0, koid(channel.b)), 1);
  expect_eq(trace.count(0x150, 0, koid(channel.b)), 1);
  expect_eq(trace.count(0x151, 0, koid(channel.b)), 1);
  trace.for_each([&](const Record& record) {
    if (record.event() == 0x131) expect_eq(record.words[1], 40);
    expect(record.group() == 0x001 || record.group() == kIpc);
  });
}

TEST("a trace shows a thread that waits on a futex, whoever wakes it, and the switches between them") {
  zx_futex_t word = 0;
  Trace trace(kScheduler);
  uint32_t tid = 0;
  {
    Running sleeper("sleeper", [&] { expect_ok(zx_futex_wait(&word, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE)); });
    tid = koid(sleeper.handle());
    zx_nanosleep(zx_deadline_after(kMillisecond));
    expect_ok(zx_futex_wake(&word, 1));
  }
  trace.stop();
  const auto address = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&word));
  expect_eq(trace.count(0x043, 0, address), 1);
  expect_eq(trace.count(0x045, 0, address), 1);
  expect_eq(trace.count(0x044, 0, address), 1);
  expect(trace.count(0x040, 0, tid) >= 2);
  trace.for_each([&](const Record& record) {
    if (record.event() == 0x043 || record.event() == 0x044) expect_eq(record.tid, tid);
  });
}

TEST("a trace shows threads from their making to their end, and objects that end") {
  Trace trace(kTasks | kLifecycle);
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  const uint32_t deleted = koid(event);
  event.reset();
  uint32_t tid = 0;
  {
    Running thread("short", [] {});
    tid = koid(thread.handle());
  }
  trace.stop();
  expect_eq(trace.count(0x100, 0, deleted), 1);
  expect_eq(trace.count(0x110, 0, tid), 1);
  expect_eq(trace.count(0x111, 0, tid), 1);
  expect_eq(trace.count(0x100, 0, tid), 1);
  int ended = 0;
  trace.for_each([&](const Record& record) { ended += record.event() == 0x112 && record.tid == tid; });
  expect_eq(ended, 1);
}

TEST("a trace shows page faults from beginning to end, and the timer's interrupts") {
  Handle vmo = make_vmo(4096);
  Mapping mapping(vmo, 4096);
  Trace trace(kVm | kIrq);
  *mapping.as<volatile uint8_t>() = 1;
  zx_nanosleep(zx_deadline_after(kMillisecond));
  trace.stop();
  const auto low = static_cast<uint32_t>(mapping.address());
  expect_eq(trace.count(0x034, 1, low), 1);
  expect_eq(trace.count(0x035, 1, low), 1);
  expect(trace.count(0x030) >= 1);
  expect_eq(trace.count(0x030), trace.count(0x031));
}

TEST("a trace of everything shows each system call twice, in the order of time") {
  Trace trace(0);
  for (int i = 0; i < 10; ++i) zx_thread_legacy_yield(0);
  trace.stop();
  expect(trace.count(0x032) >= 10);
  uint64_t last = 0;
  int backwards = 0;
  trace.for_each([&](const Record& record) {
    const uint32_t event = record.event();
    if (event >= 0x020 && event < 0x030) return;  // Names have no time.
    if (event < 0x002) return;
    backwards += record.time < last;
    last = record.time;
  });
  expect_eq(backwards, 0);
}

TEST("a program's own records stand under the probe that it named") {
  const zx_status_t probe = zx_ktrace_control(resource(), kNewProbe, 0, const_cast<char*>("guest probe"));
  require(probe > 0);
  Trace trace(kProbe);
  expect_ok(zx_ktrace_write(resource(), static_cast<uint32_t>(probe), 7, 8));
  trace.stop();
  expect_eq(trace.count(0x800u | static_cast<uint32_t>(probe), 0, 7), 1);
}

}  // namespace
