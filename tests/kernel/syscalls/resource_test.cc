// zx_resource_create and what resources open (kernel/syscalls/resource.cc, system_info.cc).
#include "kernel/abi/resource.h"

#include "kernel/abi/info_system.h"
#include "kernel/hw/resource.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

using abi::ResourceKind;

constexpr uint32_t kExclusive = 0x10000;

struct Rig : IpcRig {
  using IpcRig::IpcRig;
  Handle root() {
    return handle(*Resource::create(core(), ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"));
  }
  Handle ranged(ResourceKind kind) { return handle(Resource::create_ranged_root(core(), kind, "all")); }
  Status create(Handle parent, ResourceKind kind, uint64_t base, uint64_t size, uint32_t flags = 0,
                std::string_view name = "child") {
    out = room(sizeof(Handle));
    return call("resource_create", parent, static_cast<uint32_t>(kind) | flags, base, size, user_text(name),
                name.size(), out);
  }
  Handle created() { return peek<Handle>(out); }
  abi::InfoResource info(Handle resource) {
    GuestAddr at = room(sizeof(abi::InfoResource));
    REQUIRE(call("object_get_info", resource, abi::InfoTopic::kResource, at, sizeof(abi::InfoResource), nullptr,
                 nullptr) == Status::kOk);
    return peek<abi::InfoResource>(at);
  }
  GuestAddr out;
};

TEST_CASE("resource_create makes a part of what the parent covers", "[zx_resource_create]") {
  Rig k;
  Handle root = k.root();
  REQUIRE(k.create(root, ResourceKind::kMmio, 0x10000, 0x4000) == Status::kOk);
  Handle part = k.created();
  REQUIRE(k.basic(part).rights == abi::default_rights(ObjectType::kResource));
  REQUIRE(k.basic(part).type == ObjectType::kResource);
  abi::InfoResource info = k.info(part);
  REQUIRE(info.kind == 0);
  REQUIRE(info.base == 0x10000);
  REQUIRE(info.size == 0x4000);
  REQUIRE(std::string_view(info.name.data()) == "child");

  REQUIRE(k.create(part, ResourceKind::kMmio, 0x11000, 0x1000) == Status::kOk);
  REQUIRE(k.create(part, ResourceKind::kMmio, 0x13000, 0x1001) == Status::kAccessDenied);
  REQUIRE(k.create(part, ResourceKind::kIrq, 40, 1) == Status::kAccessDenied);
  REQUIRE(k.create(part, ResourceKind::kRoot, 0, 0) == Status::kAccessDenied);
  REQUIRE(k.create(k.ranged(ResourceKind::kIrq), ResourceKind::kIrq, 40, 1) == Status::kOk);
}

TEST_CASE("the root resource makes one of every kind", "[zx_resource_create]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Rig k(arch);
    Handle root = k.root();
    // Ports are x86-64's, secure monitor calls arm64's.
    ResourceKind own = arch == Arch::kArm64 ? ResourceKind::kSmc : ResourceKind::kIoport;
    ResourceKind foreign = arch == Arch::kArm64 ? ResourceKind::kIoport : ResourceKind::kSmc;
    for (ResourceKind kind : {ResourceKind::kMmio, ResourceKind::kIrq, ResourceKind::kSystem, own}) {
      INFO(static_cast<uint32_t>(kind));
      uint64_t number = kind == ResourceKind::kIrq ? 40 : 1;
      REQUIRE(k.create(root, kind, number, 1) == Status::kOk);
      REQUIRE(k.info(k.created()).kind == static_cast<uint32_t>(kind));
    }
    REQUIRE(k.create(root, foreign, 1, 1) == Status::kBadState);
    INFO("root");
    REQUIRE(k.create(root, ResourceKind::kRoot, 0, 0) == Status::kOk);
  }
}

TEST_CASE("resource_create keeps exclusive ranges apart", "[zx_resource_create]") {
  Rig k;
  Handle root = k.root();
  REQUIRE(k.create(root, ResourceKind::kMmio, 0x10000, 0x1000, kExclusive) == Status::kOk);
  Handle exclusive = k.created();
  REQUIRE(k.info(exclusive).flags == kExclusive);
  REQUIRE(k.create(root, ResourceKind::kMmio, 0x10000, 0x1000) == Status::kNotFound);
  REQUIRE(k.create(root, ResourceKind::kMmio, 0x10fff, 0x10, kExclusive) == Status::kNotFound);
  // Neither a part of an exclusive one nor an exclusive part of a shared one.
  REQUIRE(k.create(exclusive, ResourceKind::kMmio, 0x10000, 0x100) == Status::kInvalidArgs);
  REQUIRE(k.create(root, ResourceKind::kMmio, 0x20000, 0x1000) == Status::kOk);
  REQUIRE(k.create(k.created(), ResourceKind::kMmio, 0x20000, 0x100, kExclusive) == Status::kInvalidArgs);
  // From all of a kind it may be.
  REQUIRE(k.create(k.ranged(ResourceKind::kMmio), ResourceKind::kMmio, 0x30000, 0x100, kExclusive) == Status::kOk);
}

TEST_CASE("resource_create checks handle, right, options, range and pointers", "[zx_resource_create]") {
  Rig k;
  Handle root = k.root();
  REQUIRE(k.create(IpcRig::kBad, ResourceKind::kMmio, 0, 0x1000) == Status::kBadHandle);
  REQUIRE(k.create(k.event(), ResourceKind::kMmio, 0, 0x1000) == Status::kWrongType);
  REQUIRE(k.create(k.handle(k.object<Object>(root), Rights::kInspect), ResourceKind::kMmio, 0, 0x1000) ==
          Status::kAccessDenied);
  REQUIRE(k.create(root, ResourceKind{6}, 0, 0x1000) == Status::kInvalidArgs);
  REQUIRE(k.create(root, ResourceKind::kMmio, 0, 0x1000, 0x20000) == Status::kInvalidArgs);
  REQUIRE(k.create(root, ResourceKind::kMmio, 0, 0) == Status::kInvalidArgs);
  REQUIRE(k.create(root, ResourceKind::kMmio, 0x400, ~uint64_t{0}) == Status::kInvalidArgs);  // It wraps around.
  REQUIRE(k.create(root, ResourceKind::kRoot, 0, 1) == Status::kInvalidArgs);
  REQUIRE(k.create(root, ResourceKind::kIoport, 0x60, 1) == Status::kBadState);

  GuestAddr out = k.room(4);
  auto create = [&](GuestAddr name, size_t size, GuestAddr to) {
    return k.call("resource_create", root, 0, 0, 0x1000, name, size, to);
  };
  REQUIRE(create(IpcRig::kNowhere, 4, out) == Status::kInvalidArgs);
  REQUIRE(create(IpcRig::kNowhere, 0, out) == Status::kOk);
  uint32_t before = k.core().handles().live();
  REQUIRE(create(k.user_text("x"), 1, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.core().handles().live() == before);
  // A longer name is cut.
  REQUIRE(create(k.user_text(std::string(40, 'x')), 40, out) == Status::kOk);
  REQUIRE(std::string_view(k.info(k.peek<Handle>(out)).name.data()).size() == 31);
}

TEST_CASE("the machine's statistics need a resource for them", "[zx_object_get_info]") {
  Rig k;
  GuestAddr buffer = k.room(4096);
  using abi::InfoTopic;
  auto ask = [&](Handle handle, InfoTopic topic) {
    return k.call("object_get_info", handle, topic, buffer, 4096, nullptr, nullptr);
  };
  Handle root = k.root();
  REQUIRE(k.create(root, ResourceKind::kSystem, 3, 1) == Status::kOk);
  Handle right = k.created();
  REQUIRE(k.create(root, ResourceKind::kSystem, 2, 1) == Status::kOk);
  Handle wrong = k.created();
  for (InfoTopic topic :
       {InfoTopic::kCpuStats, InfoTopic::kGuestStats, InfoTopic::kKmemStats, InfoTopic::kKmemStatsExtended}) {
    REQUIRE(ask(IpcRig::kBad, topic) == Status::kBadHandle);
    REQUIRE(ask(k.event(), topic) == Status::kWrongType);
    REQUIRE(ask(k.ranged(ResourceKind::kMmio), topic) == Status::kWrongType);
    REQUIRE(ask(wrong, topic) == Status::kOutOfRange);
    REQUIRE(ask(right, topic) == Status::kOk);
    REQUIRE(ask(k.ranged(ResourceKind::kSystem), topic) == Status::kOk);
    REQUIRE(ask(root, topic) == Status::kOk);
  }
}

TEST_CASE("ZX_INFO_KMEM_STATS adds up to the machine's memory", "[zx_object_get_info]") {
  Rig k;
  Handle root = k.root();
  GuestAddr buffer = k.room(sizeof(abi::InfoKmemStats));
  auto ask = [&] {
    REQUIRE(k.call("object_get_info", root, abi::InfoTopic::kKmemStats, buffer, sizeof(abi::InfoKmemStats), nullptr,
                   nullptr) == Status::kOk);
    return k.peek<abi::InfoKmemStats>(buffer);
  };
  abi::InfoKmemStats before = ask();
  REQUIRE(before.total_bytes == KernelRig::kRamSize);
  REQUIRE(before.free_bytes + before.wired_bytes + before.total_heap_bytes + before.vmo_bytes +
              before.mmu_overhead_bytes + before.ipc_bytes + before.other_bytes ==
          before.total_bytes);

  // Packets lie in pages of the kernel's, VMOs in pages of theirs.
  Handle port = k.port();
  for (uint64_t key = 0; key < 100; ++key) REQUIRE(k.queue(port, key) == Status::kOk);
  Handle vmo = k.make("vmo_create", 5 * kPageSize, 0);
  REQUIRE(k.call("vmo_op_range", vmo, abi::VmoOp::kCommit, 0, 5 * kPageSize, nullptr, 0) == Status::kOk);
  abi::InfoKmemStats after = ask();
  REQUIRE(after.other_bytes == before.other_bytes + 3 * kPageSize);
  REQUIRE(after.vmo_bytes >= before.vmo_bytes + 5 * kPageSize);
  REQUIRE(after.free_bytes < before.free_bytes);
}

TEST_CASE("ZX_INFO_CPU_STATS has a record for each CPU", "[zx_object_get_info]") {
  Rig k;
  Handle root = k.root();
  unsigned cpus = k.platform().cpu_count();
  GuestAddr buffer = k.room(cpus * sizeof(abi::InfoCpuStats));
  GuestAddr counts = k.room(16);
  auto ask = [&](size_t size) {
    return k.call("object_get_info", root, abi::InfoTopic::kCpuStats, buffer, size, counts, counts + 8);
  };
  REQUIRE(ask(cpus * sizeof(abi::InfoCpuStats)) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(counts) == cpus);
  uint64_t calls = 0;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    auto record = k.peek<abi::InfoCpuStats>(buffer, cpu);
    REQUIRE(record.cpu_number == cpu);
    REQUIRE(record.flags == abi::InfoCpuFlags::kOnline);
    calls += record.syscalls;
  }
  REQUIRE(ask(cpus * sizeof(abi::InfoCpuStats)) == Status::kOk);
  uint64_t later = 0;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) later += k.peek<abi::InfoCpuStats>(buffer, cpu).syscalls;
  REQUIRE(later == calls + 1);
  // Short buffers take what fits.
  REQUIRE(ask(0) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(counts) == 0);
  REQUIRE(k.peek<uint64_t>(counts, 1) == cpus);
}

TEST_CASE("debuglog_create takes the root resource or none", "[zx_debuglog_create]") {
  Rig k;
  GuestAddr out = k.room(4);
  REQUIRE(k.call("debuglog_create", k.root(), 0, out) == Status::kOk);
  REQUIRE(k.call("debuglog_create", k.ranged(ResourceKind::kMmio), 0, out) == Status::kWrongType);
  REQUIRE(k.call("debuglog_create", k.event(), 0, out) == Status::kWrongType);
  REQUIRE(k.call("debuglog_create", Handle{0}, 0, IpcRig::kNowhere) == Status::kInvalidArgs);
}

}  // namespace
}  // namespace jacinth::kernel
