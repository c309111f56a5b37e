// Processes that share half of their memory, their handles and their futexes, and who of them takes what along.
#include "kernel/abi/info_memory.h"
#include "kernel/event/eventpair.h"
#include "tests/kernel/syscalls/exception_rig.h"

namespace jacinth::kernel {
namespace {

struct Member {
  Handle process{};
  Handle vmar{};
};

struct SharedRig : IpcRig {
  explicit SharedRig(Arch arch = Arch::kArm64) : IpcRig(arch) {}

  Member create(uint32_t options = 1, Handle in = Handle{}) {
    if (in == Handle{}) in = handle(job());
    auto [process, vmar] = make_pair("process_create", in, user_text("prototype"), 9, options);
    return {process, vmar};
  }
  Member share(Handle other) {
    auto [process, vmar] = make_pair("process_create_shared", other, 0, user_text("member"), 6);
    return {process, vmar};
  }
  Status share_status(Handle other, uint32_t options = 0) {
    GuestAddr out = room(2 * sizeof(Handle));
    return call("process_create_shared", other, options, user_text("m"), 1, out, out + sizeof(Handle));
  }
  Process& of(const Member& made) { return *object<Process>(made.process); }
  Thread& begin(const Member& made) {
    auto thread = make_object<Thread>(object<Process>(made.process), "t");
    REQUIRE(thread->start({.pc = GuestAddr(0x1000), .sp = GuestAddr(0x2000)}, true) == Status::kOk);
    run();
    return *thread;
  }

  /// A page of its own in a region, and where it is.
  GuestAddr map(Handle vmar) {
    Handle vmo = make("vmo_create", kPageSize, 0);
    return map(vmar, vmo);
  }
  GuestAddr map(Handle vmar, Handle vmo) {
    GuestAddr out = room(8);
    REQUIRE(call("vmo_write", vmo, user(uint64_t{0x1234}), 0, 8) == Status::kOk);
    REQUIRE(call("vmar_map", vmar, abi::VmOptions::kPermRead, 0, vmo, 0, kPageSize, out) == Status::kOk);
    return GuestAddr(peek<uint64_t>(out));
  }
  Status read(const Member& made, GuestAddr at, uint64_t* value) {
    GuestAddr out = room(16);
    Status status = call("process_read_memory", made.process, at, out, 8, out + 8);
    if (status == Status::kOk) *value = peek<uint64_t>(out);
    return status;
  }
  std::pair<uint64_t, uint64_t> range(Handle vmar) {
    const AddressRegion& region = *object<AddressRegion>(vmar);
    return {region.base().value, region.size()};
  }
  abi::InfoTaskStats stats(const Member& made) {
    GuestAddr out = room(sizeof(abi::InfoTaskStats));
    REQUIRE(call("object_get_info", made.process, abi::InfoTopic::kTaskStats, out, sizeof(abi::InfoTaskStats), nullptr,
                 nullptr) == Status::kOk);
    return peek<abi::InfoTaskStats>(out);
  }
};

}  // namespace

TEST_CASE("a shared process has the lower half for itself and the upper one in common",
          "[zx_process_create][zx_process_create_shared]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    SharedRig k(arch);
    Member prototype = k.create();
    Member member = k.share(prototype.process);
    auto [low, low_size] = k.range(member.vmar);
    auto [high, high_size] = k.range(prototype.vmar);
    REQUIRE(low == AddressSpace::user_base().value);
    REQUIRE(high == low + low_size);
    REQUIRE(low_size + high_size == AddressSpace::user_size(arch));
    REQUIRE(low_size - high_size < 2 * kPageSize);  // Halves, as far as pages go.
    REQUIRE(k.of(member).memory().root() == k.object<AddressRegion>(prototype.vmar));
    REQUIRE(k.of(member).name() == "member");
    REQUIRE(&k.of(member).job() == k.job().get());
  }
}

TEST_CASE("what is mapped in the common half is there for all, and in one's own half for nobody else",
          "[zx_process_create_shared][zx_process_read_memory]") {
  SharedRig k;
  Member prototype = k.create();
  Member one = k.share(prototype.process);
  Member two = k.share(one.process);  // By way of any of them.
  GuestAddr common = k.map(prototype.vmar);
  GuestAddr own = k.map(one.vmar);
  uint64_t value = 0;
  for (const Member& each : {prototype, one, two}) {
    REQUIRE(k.read(each, common, &value) == Status::kOk);
    REQUIRE(value == 0x1234);
  }
  value = 0;
  REQUIRE(k.read(one, own, &value) == Status::kOk);
  REQUIRE(value == 0x1234);
  REQUIRE(k.read(two, own, &value) == Status::kNoMemory);
  REQUIRE(k.read(prototype, own, &value) == Status::kNoMemory);
}

TEST_CASE("process_create_shared says what is wrong", "[zx_process_create_shared]") {
  SharedRig k;
  Member prototype = k.create();
  Member ordinary = k.create(0);
  REQUIRE(k.share_status(prototype.process, 1) == Status::kInvalidArgs);
  REQUIRE(k.share_status(ordinary.process) == Status::kInvalidArgs);
  REQUIRE(k.share_status(k.handle(k.job())) == Status::kWrongType);
  REQUIRE(k.share_status(SharedRig::kBad) == Status::kBadHandle);
  REQUIRE(k.share_status(k.without(k.duplicate(prototype.process), Rights::kManageProcess)) == Status::kAccessDenied);
  GuestAddr out = k.room(8);
  REQUIRE(k.call("process_create_shared", prototype.process, 0, nullptr, 0, out, out + 4) == Status::kInvalidArgs);
  REQUIRE(k.call_denied(abi::PolicyCondition::kNewProcess, "process_create_shared", prototype.process, 0,
                        k.user_text("m"), 1, out, out + 4) == Status::kAccessDenied);
  REQUIRE(k.call("task_kill", prototype.process) == Status::kOk);
  REQUIRE(k.share_status(prototype.process) == Status::kBadState);
}

TEST_CASE("a dead process still tells others what to share while somebody has it", "[zx_process_create_shared]") {
  SharedRig k;
  Member prototype = k.create();
  Member member = k.share(prototype.process);
  GuestAddr common = k.map(prototype.vmar);
  REQUIRE(k.call("task_kill", prototype.process) == Status::kOk);
  REQUIRE(k.of(prototype).dead());
  Member later = k.share(prototype.process);
  uint64_t value = 0;
  REQUIRE(k.read(later, common, &value) == Status::kOk);
  REQUIRE(k.read(prototype, common, &value) == Status::kBadState);
  // The last two take it along.
  REQUIRE(k.call("task_kill", member.process) == Status::kOk);
  REQUIRE(k.call("vmar_unmap", prototype.vmar, common, kPageSize) == Status::kOk);
  REQUIRE(k.call("task_kill", later.process) == Status::kOk);
  REQUIRE(k.share_status(member.process) == Status::kBadState);
  REQUIRE(k.call("vmar_unmap", prototype.vmar, common, kPageSize) == Status::kBadState);
}

TEST_CASE("a job that dies takes no members", "[zx_process_create_shared]") {
  SharedRig k;
  Handle job = k.make("job_create", k.handle(k.job()), 0);
  Member elsewhere = k.create(1, job);
  REQUIRE(k.call("task_kill", job) == Status::kOk);
  REQUIRE(k.share_status(elsewhere.process) == Status::kBadState);
}

TEST_CASE("shared processes have one table of handles, which the last of them closes", "[zx_process_create_shared]") {
  SharedRig k;
  Member prototype = k.create();
  Member member = k.share(prototype.process);
  Thread& first = k.begin(prototype);
  Thread& second = k.begin(member);
  auto [near, far] = k.eventpair();
  Result<HandleOwner> moved = k.process()->handles().remove(far);
  Handle theirs = k.of(prototype).handles().add(std::move(*moved));
  REQUIRE(k.of(member).handles().find(theirs) == k.of(prototype).handles().find(theirs));
  REQUIRE(k.call_as(second, "object_signal", theirs, 0, Signals::kUser0) == Status::kOk);

  auto closed = [&] { return contains(k.object<EventPair>(near)->signals(), Signals::kEventpairPeerClosed); };
  REQUIRE(k.call_as(first, "process_exit", 0) == Status::kParked);
  k.run();
  REQUIRE(k.of(prototype).dead());
  REQUIRE_FALSE(closed());
  REQUIRE(k.call_as(second, "object_signal", theirs, 0, Signals::kUser1) == Status::kOk);
  REQUIRE(k.call("task_kill", member.process) == Status::kOk);
  k.run();
  REQUIRE(closed());
}

TEST_CASE("a futex in the common half wakes the threads of all", "[zx_process_create_shared][zx_futex_wake]") {
  SharedRig k;
  Member prototype = k.create();
  Member member = k.share(prototype.process);
  GuestAddr word = k.map(prototype.vmar);
  Thread& sleeper = k.begin(prototype);
  Thread& waker = k.begin(member);
  auto& wait = k.start(sleeper, "futex_wait", word, 0x1234, 0, Time::never());
  REQUIRE(wait.status() == Status::kParked);
  REQUIRE(k.call_as(waker, "futex_wake", word, 1) == Status::kOk);
  k.run();
  REQUIRE(wait.status() == Status::kOk);
}

TEST_CASE("a page in the common half is charged to all who share it, in parts", "[zx_process_create_shared]") {
  SharedRig k;
  Member prototype = k.create();
  Member one = k.share(prototype.process);
  Member two = k.share(prototype.process);
  REQUIRE(k.call("task_kill", prototype.process) == Status::kOk);
  k.map(prototype.vmar);
  Handle both = k.make("vmo_create", kPageSize, 0);
  k.map(prototype.vmar, both);
  k.map(one.vmar);
  abi::InfoTaskStats first = k.stats(one);
  REQUIRE(first.mem_mapped_bytes == 3 * kPageSize);
  REQUIRE(first.mem_private_bytes == kPageSize);
  REQUIRE(first.mem_shared_bytes == 2 * kPageSize);
  REQUIRE(first.mem_scaled_shared_bytes == kPageSize);
  abi::InfoTaskStats second = k.stats(two);
  REQUIRE(second.mem_mapped_bytes == 2 * kPageSize);
  REQUIRE(second.mem_private_bytes == 0);
  REQUIRE(second.mem_scaled_shared_bytes == kPageSize);
  // A third process, which shares nothing else, takes another part of one page.
  Member stranger = k.create(0);
  k.map(stranger.vmar, both);
  REQUIRE(k.stats(one).mem_scaled_shared_bytes == kPageSize / 2 + kPageSize / 3);
  REQUIRE(k.call("task_kill", two.process) == Status::kOk);
  REQUIRE(k.stats(one).mem_private_bytes == 2 * kPageSize);
  REQUIRE(k.stats(one).mem_scaled_shared_bytes == kPageSize / 2);
}

TEST_CASE("maps and VMOs of a shared process are those of both halves, the lower ones first",
          "[zx_process_create_shared][zx_object_get_info]") {
  SharedRig k;
  Member prototype = k.create();
  Member member = k.share(prototype.process);
  k.begin(member);
  k.begin(prototype);
  k.map(prototype.vmar);
  k.map(member.vmar);
  GuestAddr out = k.room(8 * sizeof(abi::InfoMaps));
  GuestAddr counts = k.room(16);
  auto maps = [&](const Member& made) {
    REQUIRE(k.call("object_get_info", made.process, abi::InfoTopic::kProcessMaps, out, 8 * sizeof(abi::InfoMaps),
                   counts, counts + 8) == Status::kOk);
    return k.peek<uint64_t>(counts);
  };
  REQUIRE(maps(prototype) == 3);
  REQUIRE(maps(member) == 6);
  uint64_t base = 0;
  for (size_t i = 0; i < 6; ++i) {
    REQUIRE(k.peek<abi::InfoMaps>(out, i).base >= base);
    base = k.peek<abi::InfoMaps>(out, i).base;
  }
  auto vmos = [&](const Member& made) {
    REQUIRE(k.call("object_get_info", made.process, abi::InfoTopic::kProcessVmos, out, 8 * sizeof(abi::InfoVmo), counts,
                   counts + 8) == Status::kOk);
    return k.peek<uint64_t>(counts);
  };
  REQUIRE(vmos(prototype) == 1);
  REQUIRE(vmos(member) == 2);
}

TEST_CASE("shared processes are the same after saving and loading", "[zx_process_create_shared]") {
  SharedRig k;
  Member prototype = k.create();
  Member one = k.share(prototype.process);
  Member two = k.share(prototype.process);
  GuestAddr common = k.map(prototype.vmar);
  GuestAddr own = k.map(two.vmar);
  k.begin(one);
  k.reload();
  uint64_t value = 0;
  REQUIRE(&k.of(one).handles() == &k.of(two).handles());
  REQUIRE(&k.of(one).futexes() == &k.of(prototype).futexes());
  REQUIRE(k.read(two, own, &value) == Status::kOk);
  // Also when the oldest is gone for good.
  REQUIRE(k.call("task_kill", prototype.process) == Status::kOk);
  k.close(prototype.process);
  k.reload();
  REQUIRE(&k.of(one).handles() == &k.of(two).handles());
  REQUIRE(k.read(one, common, &value) == Status::kOk);
  REQUIRE(k.call("task_kill", one.process) == Status::kOk);
  REQUIRE(k.read(two, common, &value) == Status::kOk);
  Member three = k.share(two.process);
  REQUIRE(k.read(three, common, &value) == Status::kOk);
}

}  // namespace jacinth::kernel
