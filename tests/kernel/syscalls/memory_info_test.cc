// What object_get_info tells of memory and time (kernel/syscalls/memory_info.cc).
#include "kernel/abi/info_memory.h"
#include "kernel/abi/info_task.h"
#include "kernel/abi/vmo.h"
#include "kernel/vm/vmo.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

using abi::InfoTopic;

struct Rig : IpcRig {
  using IpcRig::IpcRig;
  Handle vmo(uint64_t pages, abi::VmoOptions options = abi::VmoOptions::kNone) {
    return make("vmo_create", pages * kPageSize, options);
  }
  Handle self() { return handle(process()); }
  Status ask(Handle handle, InfoTopic topic, GuestAddr to, size_t size) {
    counts = room(16);
    poke<uint64_t>(counts, 77);
    poke<uint64_t>(counts + 8, 77);
    return call("object_get_info", handle, topic, to, size, counts, counts + 8);
  }
  uint64_t actual() { return peek<uint64_t>(counts); }
  uint64_t avail() { return peek<uint64_t>(counts, 1); }
  template <class T>
  T one(Handle handle, InfoTopic topic) {
    GuestAddr at = room(sizeof(T));
    REQUIRE(ask(handle, topic, at, sizeof(T)) == Status::kOk);
    REQUIRE(actual() == 1);
    REQUIRE(avail() == 1);
    return peek<T>(at);
  }
  template <class T>
  std::vector<T> list(Handle handle, InfoTopic topic) {
    constexpr size_t kMost = 64;
    GuestAddr at = room(kMost * sizeof(T));
    REQUIRE(ask(handle, topic, at, kMost * sizeof(T)) == Status::kOk);
    REQUIRE(actual() == avail());
    std::vector<T> records;
    for (size_t i = 0; i < actual(); ++i) records.push_back(peek<T>(at, i));
    return records;
  }
  GuestAddr counts;
};

TEST_CASE("ZX_INFO_VMO needs no right and tells the handle's", "[zx_object_get_info]") {
  Rig k;
  Handle vmo = k.vmo(4, abi::VmoOptions::kResizable);
  REQUIRE(k.object<Object>(vmo)->set_name("some memory") == Status::kOk);
  REQUIRE(k.call("vmo_op_range", vmo, abi::VmoOp::kCommit, 0, 2 * kPageSize, nullptr, 0) == Status::kOk);
  auto info = k.one<abi::InfoVmo>(vmo, InfoTopic::kVmo);
  REQUIRE(info.koid == k.basic(vmo).koid);
  REQUIRE(std::string_view(info.name.data()) == "some memory");
  REQUIRE(info.size_bytes == 4 * kPageSize);
  REQUIRE(info.committed_bytes == 2 * kPageSize);
  REQUIRE(info.flags ==
          (abi::InfoVmoFlags::kTypePaged | abi::InfoVmoFlags::kResizable | abi::InfoVmoFlags::kViaHandle));
  REQUIRE(info.handle_rights == k.basic(vmo).rights);

  Handle bare = k.handle(k.object<Object>(vmo), Rights::kNone);
  REQUIRE(k.one<abi::InfoVmo>(bare, InfoTopic::kVmo).handle_rights == Rights::kNone);
  REQUIRE(k.ask(k.event(), InfoTopic::kVmo, k.room(128), 128) == Status::kWrongType);
  REQUIRE(k.ask(IpcRig::kBad, InfoTopic::kVmo, k.room(128), 128) == Status::kBadHandle);
}

TEST_CASE("the record of 2020 is the beginning of ZX_INFO_VMO", "[zx_object_get_info]") {
  Rig k;
  Handle vmo = k.vmo(4);
  auto now = k.one<abi::InfoVmo>(vmo, InfoTopic::kVmo);
  auto then = k.one<abi::InfoVmoV1>(vmo, InfoTopic::kVmoV1);
  REQUIRE(std::memcmp(&now, &then, sizeof then) == 0);
  GuestAddr at = k.room(sizeof(abi::InfoVmo));
  REQUIRE(k.ask(vmo, InfoTopic::kVmo, at, sizeof then) == Status::kBufferTooSmall);
  REQUIRE(k.actual() == 0);
  REQUIRE(k.avail() == 1);
}

TEST_CASE("ZX_INFO_PROCESS_VMOS lists handles, then mappings", "[zx_object_get_info]") {
  Rig k;
  Handle self = k.self();
  size_t mapped = 0;
  k.process()->memory().for_each_mapping([&mapped](const Mapping&) { ++mapped; });
  Handle vmo = k.vmo(1);
  Handle again = k.duplicate(vmo, Rights::kRead);
  auto vmos = k.list<abi::InfoVmo>(self, InfoTopic::kProcessVmos);
  REQUIRE(vmos.size() == 2 + mapped);
  REQUIRE(vmos[0].koid == k.basic(again).koid);
  REQUIRE(vmos[0].handle_rights == Rights::kRead);
  REQUIRE(vmos[1].handle_rights == k.basic(vmo).rights);
  for (size_t i = 0; i < vmos.size(); ++i) {
    REQUIRE(contains(vmos[i].flags, abi::InfoVmoFlags::kViaHandle) == (i < 2));
    REQUIRE(contains(vmos[i].flags, abi::InfoVmoFlags::kViaMapping) == (i >= 2));
  }
  auto v1 = k.list<abi::InfoVmoV1>(self, InfoTopic::kProcessVmosV1);
  REQUIRE(v1.size() == vmos.size());
  for (size_t i = 0; i < v1.size(); ++i) REQUIRE(v1[i].koid == vmos[i].koid);

  // Fewer fit.
  GuestAddr at = k.room(sizeof(abi::InfoVmo));
  REQUIRE(k.ask(self, InfoTopic::kProcessVmos, at, sizeof(abi::InfoVmo) * 2 - 1) == Status::kOk);
  REQUIRE(k.actual() == 1);
  REQUIRE(k.avail() == vmos.size());
}

TEST_CASE("ZX_INFO_PROCESS_MAPS lists the tree of regions, parents first", "[zx_object_get_info]") {
  Rig k;
  auto maps = k.list<abi::InfoMaps>(k.self(), InfoTopic::kProcessMaps);
  REQUIRE(maps.size() >= 3);
  REQUIRE(maps[0].type == abi::InfoMapsType::kAspace);
  REQUIRE(maps[0].depth == 0);
  REQUIRE(maps[1].type == abi::InfoMapsType::kVmar);
  REQUIRE(maps[1].depth == 1);
  for (size_t i = 2; i < maps.size(); ++i) {
    REQUIRE(maps[i].depth >= 2);
    REQUIRE(maps[i].base >= maps[1].base);
    REQUIRE(maps[i].base + maps[i].size <= maps[1].base + maps[1].size);
  }
  // The null buffer asks how many there are.
  REQUIRE(k.ask(k.self(), InfoTopic::kProcessMaps, GuestAddr(), 0) == Status::kOk);
  REQUIRE(k.actual() == 0);
  REQUIRE(k.avail() == maps.size());
}

TEST_CASE("lists of a process count nothing when they cannot be written", "[zx_object_get_info]") {
  Rig k;
  for (InfoTopic topic : {InfoTopic::kProcessMaps, InfoTopic::kProcessVmos, InfoTopic::kProcessVmosV1}) {
    REQUIRE(k.ask(k.self(), topic, IpcRig::kNowhere, 4096) == Status::kInvalidArgs);
    REQUIRE(k.actual() == 0);
    REQUIRE(k.avail() == 0);
    REQUIRE(k.ask(k.without(k.self(), Rights::kInspect), topic, k.room(4096), 4096) == Status::kAccessDenied);
    REQUIRE(k.actual() == 77);
    REQUIRE(k.ask(k.event(), topic, k.room(4096), 4096) == Status::kWrongType);
  }
}

TEST_CASE("a process that does not run has no memory to tell of", "[zx_object_get_info]") {
  Rig k;
  Ref<Process> child = k.make_unstarted(k.job());
  Handle handle = k.handle(child);
  GuestAddr at = k.room(4096);
  REQUIRE(k.ask(handle, InfoTopic::kProcessMaps, at, 4096) == Status::kOk);        // Before it starts there are maps,
  REQUIRE(k.ask(handle, InfoTopic::kProcessVmos, at, 4096) == Status::kBadState);  // but no VMOs.
  REQUIRE(k.avail() == 0);
  REQUIRE(k.ask(handle, InfoTopic::kTaskStats, at, 4096) == Status::kOk);
  child->kill(1);
  k.kernel().settle();
  for (InfoTopic topic : {InfoTopic::kProcessMaps, InfoTopic::kProcessVmos, InfoTopic::kTaskStats}) {
    REQUIRE(k.ask(handle, topic, at, 4096) == Status::kBadState);
  }
}

TEST_CASE("ZX_INFO_TASK_STATS tells shared memory from private", "[zx_object_get_info]") {
  Rig k;
  Ref<Process> other = k.make_process();
  auto stats = k.one<abi::InfoTaskStats>(k.self(), InfoTopic::kTaskStats);
  REQUIRE(stats.mem_mapped_bytes >= KernelRig::kMemorySize);
  REQUIRE(stats.mem_private_bytes > 0);
  REQUIRE(stats.mem_scaled_shared_bytes <= stats.mem_shared_bytes);
  REQUIRE(k.ask(k.handle(k.job()), InfoTopic::kTaskStats, k.room(64), 64) == Status::kWrongType);
  REQUIRE(k.ask(k.without(k.self(), Rights::kInspect), InfoTopic::kTaskStats, k.room(64), 64) == Status::kAccessDenied);
}

TEST_CASE("ZX_INFO_TASK_RUNTIME adds up threads, dead ones included", "[zx_object_get_info]") {
  Rig k;
  Handle job = k.handle(k.job());
  Handle self = k.self();
  Handle thread = k.handle(Ref<Object>(&k.main_thread()));
  k.advance_to(Time{1000});
  auto of_thread = k.one<abi::InfoTaskRuntime>(thread, InfoTopic::kTaskRuntime);
  auto of_process = k.one<abi::InfoTaskRuntime>(self, InfoTopic::kTaskRuntime);
  auto of_job = k.one<abi::InfoTaskRuntime>(job, InfoTopic::kTaskRuntime);
  REQUIRE(of_process.cpu_time >= of_thread.cpu_time);
  REQUIRE(of_job.cpu_time >= of_process.cpu_time);
  REQUIRE(of_process.page_fault_time.ns == 0);
  auto v1 = k.one<abi::InfoTaskRuntimeV1>(self, InfoTopic::kTaskRuntimeV1);
  REQUIRE(v1.cpu_time == of_process.cpu_time);
  REQUIRE(v1.queue_time == of_process.queue_time);

  // What a process had stays with its job.
  Ref<Process> child = k.make_process("child");
  k.advance_to(Time{5000});
  auto before = k.one<abi::InfoTaskRuntime>(job, InfoTopic::kTaskRuntime);
  auto childs = k.one<abi::InfoTaskRuntime>(k.handle(child), InfoTopic::kTaskRuntime);
  child->kill(0);
  k.kernel().settle();
  auto after = k.one<abi::InfoTaskRuntime>(job, InfoTopic::kTaskRuntime);
  REQUIRE(after.cpu_time == before.cpu_time);
  REQUIRE(after.queue_time == before.queue_time);
  REQUIRE(after.cpu_time.ns + after.queue_time.ns >= childs.cpu_time.ns + childs.queue_time.ns);

  REQUIRE(k.ask(k.event(), InfoTopic::kTaskRuntime, k.room(64), 64) == Status::kWrongType);
  REQUIRE(k.ask(k.without(self, Rights::kInspect), InfoTopic::kTaskRuntime, k.room(64), 64) == Status::kAccessDenied);
}

TEST_CASE("ZX_INFO_HANDLE_TABLE lists the newest handle first", "[zx_object_get_info]") {
  Rig k;
  Handle self = k.self();
  Handle event = k.event();
  GuestAddr at = k.room(64 * sizeof(abi::InfoHandleExtended));
  REQUIRE(k.ask(self, InfoTopic::kHandleTable, at, 64 * sizeof(abi::InfoHandleExtended)) == Status::kOk);
  REQUIRE(k.actual() == k.process()->handles().size());
  REQUIRE(k.peek<abi::InfoHandleExtended>(at).handle_value == event);
  REQUIRE(k.peek<abi::InfoHandleExtended>(at, 1).handle_value == self);
  // For who asks for the number alone: of its own handles.
  GuestAddr count = k.room(8);
  REQUIRE(k.call("object_get_info", self, InfoTopic::kHandleTable, nullptr, 0, count, nullptr) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(count) == k.process()->handles().size());
  REQUIRE(k.ask(k.without(self, Rights::kManageThread), InfoTopic::kHandleTable, at, 64) == Status::kAccessDenied);
}

TEST_CASE("topics of objects that no board has are of another type", "[zx_object_get_info]") {
  Rig k;
  for (InfoTopic topic : {InfoTopic::kBti, InfoTopic::kMsi, InfoTopic::kVcpu}) {
    REQUIRE(k.ask(k.event(), topic, k.room(64), 64) == Status::kWrongType);
    REQUIRE(k.ask(IpcRig::kBad, topic, k.room(64), 64) == Status::kBadHandle);
  }
  REQUIRE(k.ask(k.self(), InfoTopic::kMemoryAttribution, k.room(64), 64) == Status::kNotSupported);
  REQUIRE(k.ask(k.self(), InfoTopic{999}, k.room(64), 64) == Status::kNotSupported);
}

TEST_CASE("single records refuse every bad pointer", "[zx_object_get_info]") {
  Rig k;
  Handle vmo = k.vmo(1);
  GuestAddr at = k.room(128);
  GuestAddr counts = k.room(16);
  auto ask = [&](GuestAddr buffer, GuestAddr actual, GuestAddr avail) {
    return k.call("object_get_info", vmo, InfoTopic::kVmo, buffer, 128, actual, avail);
  };
  REQUIRE(ask(at, GuestAddr(), GuestAddr()) == Status::kOk);
  REQUIRE(ask(IpcRig::kNowhere, counts, counts + 8) == Status::kInvalidArgs);
  REQUIRE(ask(at, IpcRig::kNowhere, counts + 8) == Status::kInvalidArgs);
  REQUIRE(ask(at, counts, IpcRig::kNowhere) == Status::kInvalidArgs);
}

}  // namespace
}  // namespace jacinth::kernel
