// The calls on address regions: rights, policies, user memory. What regions do is in tests/kernel/vm.

#include "kernel/abi/policy.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vmo.h"
#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmOptions;
using enum abi::VmOptions;

constexpr uint64_t kPage = kPageSize;
constexpr Rights kAllRights = abi::default_rights(ObjectType::kVmar) | Rights::kReadWrite | Rights::kExecute;

struct VmarRig : KernelRig {
  using KernelRig::KernelRig;
  GuestAddr out = room(16);

  Handle root(Rights rights = kAllRights) { return handle(process()->memory().root(), rights); }
  Handle vmo(Rights more = Rights::kNone, Rights less = Rights::kNone) {
    Ref<Vmo> made = *Vmo::create(core(), 4 * kPage);
    uint32_t value = 77;
    REQUIRE(made->write(0, std::as_bytes(std::span(&value, 1))) == Status::kOk);
    return handle(made, (abi::default_rights(ObjectType::kVmo) | more) & ~less);
  }
  Status map(Handle vmar, Handle vmo, VmOptions options, uint64_t length = kPage) {
    return call("vmar_map", vmar, options, 0, vmo, 0, length, out);
  }
  GuestAddr mapped(Handle vmar, Handle vmo, VmOptions options, uint64_t length = kPage) {
    REQUIRE(map(vmar, vmo, options, length) == Status::kOk);
    return peek<GuestAddr>(out);
  }
};

TEST_CASE("vmar_map shows the VMO at the address it tells", "[zx_vmar_map]") {
  VmarRig k;
  GuestAddr base = k.mapped(k.root(), k.vmo(), kPermRead | kPermWrite);
  REQUIRE(k.peek<uint32_t>(base) == 77);
}

TEST_CASE("vmar_map needs MAP, and each permission on both handles", "[zx_vmar_map]") {
  VmarRig k;
  REQUIRE(k.map(k.root(), k.vmo({}, Rights::kMap), kPermRead) == Status::kAccessDenied);
  REQUIRE(k.map(k.root(), k.vmo({}, Rights::kWrite), kPermRead | kPermWrite) == Status::kAccessDenied);
  REQUIRE(k.map(k.root(), k.vmo(), kPermRead | kPermExecute) == Status::kAccessDenied);
  REQUIRE(k.map(k.root(kAllRights & ~Rights::kWrite), k.vmo(), kPermRead | kPermWrite) == Status::kAccessDenied);
  REQUIRE(k.map(k.root(), k.vmo(Rights::kExecute), kPermRead | kPermExecute) == Status::kOk);
  REQUIRE(k.map(k.root(Rights::kNone), k.vmo({}, Rights::kReadWrite), kNone) == Status::kOk);
}

TEST_CASE("vmar_map refuses options that mean nothing there", "[zx_vmar_map]") {
  VmarRig k;
  for (VmOptions options : {kPermWrite, kPermExecute, kPermRead | kCanMapRead, kPermRead | kCanMapSpecific,
                            kPermRead | kCompact, kPermRead | kMapRange | kSpecificOverwrite,
                            kPermRead | VmOptions{1u << 20}, kPermRead | VmOptions{9u << abi::kVmAlignShift}})
    REQUIRE(k.map(k.root(), k.vmo(), options) == Status::kInvalidArgs);
  REQUIRE(k.map(k.root(), k.vmo(), kPermRead, 0) == Status::kInvalidArgs);
  REQUIRE(k.map(k.root(), k.vmo(Rights::kExecute), kPermExecute | kPermReadIfXomUnsupported) == Status::kOk);
  REQUIRE(k.map(k.vmo(), k.vmo(), kPermRead) == Status::kWrongType);
  REQUIRE(k.map(k.root(), k.root(), kPermRead) == Status::kWrongType);
}

TEST_CASE("vmar_map leaves nothing mapped when the caller cannot be told where", "[zx_vmar_map]") {
  VmarRig k;
  Handle vmo = k.vmo();
  REQUIRE(k.call("vmar_map", k.root(), kPermRead, 0, vmo, 0, kPage, GuestAddr(8)) == Status::kInvalidArgs);
  REQUIRE(k.object<Vmo>(vmo)->info().num_mappings == 0);
}

TEST_CASE("A policy can forbid memory that is writable and executable", "[zx_vmar_map][zx_vmar_protect]") {
  VmarRig k;
  Ref<Job> strict = *Job::create(k.job());
  abi::PolicyBasicV2 deny{.condition = abi::PolicyCondition::kVmarWx,
                          .action = abi::PolicyAction::kDeny,
                          .flags = abi::PolicyOverride::kDeny};
  REQUIRE(strict->set_basic_policy(abi::PolicyOption::kAbsolute, std::span(&deny, 1)) == Status::kOk);
  Ref<Process> process = k.make_unstarted(strict, "strict");
  auto thread = make_object<Thread>(process, "main");
  REQUIRE(thread->start({.pc = GuestAddr(0x1000), .sp = GuestAddr(0x2000)}, true) == Status::kOk);
  Handle vmar = k.handle(process, process->memory().root(), kAllRights);
  Handle vmo =
      k.handle(process, *Vmo::create(k.core(), kPage), abi::default_rights(ObjectType::kVmo) | Rights::kExecute);
  VmOptions everything = kPermRead | kPermWrite | kPermExecute;
  REQUIRE(k.call_as(*thread, "vmar_map", vmar, everything, 0, vmo, 0, kPage, GuestAddr(8)) == Status::kAccessDenied);
  REQUIRE(k.map(k.root(), k.vmo(Rights::kExecute), everything) == Status::kOk);
}

TEST_CASE("vmar_protect asks the handle for the permissions, and the mapping for what it was made with",
          "[zx_vmar_protect]") {
  VmarRig k;
  GuestAddr base = k.mapped(k.root(), k.vmo(), kPermRead);
  auto protect = [&](Handle vmar, VmOptions options) { return k.call("vmar_protect", vmar, options, base, kPage); };

  REQUIRE(protect(k.root(kAllRights & ~Rights::kWrite), kPermRead | kPermWrite) == Status::kAccessDenied);
  // The VMO's handle allowed writing when it was mapped, though it was not asked for.
  REQUIRE(protect(k.root(), kPermRead | kPermWrite) == Status::kOk);
  k.poke(base, uint32_t{5});
  REQUIRE(protect(k.root(), kPermRead | kPermExecute) == Status::kAccessDenied);
  REQUIRE(protect(k.root(), kPermWrite) == Status::kInvalidArgs);
  REQUIRE(protect(k.root(), kPermRead | kMapRange) == Status::kInvalidArgs);
  REQUIRE(protect(k.root(Rights::kNone), kNone) == Status::kOk);
  REQUIRE(k.call("vmar_protect", k.root(), kPermRead, base + 1, kPage) == Status::kInvalidArgs);
  REQUIRE(k.call("vmar_protect", k.root(), kPermRead, base, 0) == Status::kInvalidArgs);
}

TEST_CASE("vmar_unmap and vmar_destroy need no right", "[zx_vmar_unmap][zx_vmar_destroy]") {
  VmarRig k;
  GuestAddr base = k.mapped(k.root(), k.vmo(), kPermRead);
  REQUIRE(k.call("vmar_unmap", k.root(Rights::kNone), base, kPage) == Status::kOk);
  REQUIRE(k.call("vmar_unmap", k.root(Rights::kNone), base, 0) == Status::kInvalidArgs);
  REQUIRE(k.call("vmar_destroy", k.root(Rights::kNone)) == Status::kNotSupported);
}

TEST_CASE("vmar_allocate gives a region with the rights of what may be mapped in it",
          "[zx_vmar_allocate][zx_vmar_destroy]") {
  VmarRig k;
  GuestAddr address = k.room(8);
  auto allocate = [&](Handle vmar, VmOptions options) {
    return k.call("vmar_allocate", vmar, options, 0, 4 * kPage, k.out, address);
  };
  REQUIRE(allocate(k.root(Rights::kRead), kCanMapRead | kCanMapWrite) == Status::kAccessDenied);
  REQUIRE(allocate(k.root(), kPermRead) == Status::kInvalidArgs);
  REQUIRE(allocate(k.root(), kCanMapRead | kCanMapExecute) == Status::kOk);
  Handle region = k.peek<Handle>(k.out);
  REQUIRE(k.object<AddressRegion>(region)->base() == k.peek<GuestAddr>(address));
  REQUIRE(k.process()->handles().find(region)->rights ==
          (abi::default_rights(ObjectType::kVmar) | Rights::kRead | Rights::kExecute));

  REQUIRE(k.map(region, k.vmo(), kPermRead | kPermWrite) == Status::kAccessDenied);
  REQUIRE(k.map(region, k.vmo(), kPermRead) == Status::kOk);
  REQUIRE(k.call("vmar_destroy", region) == Status::kOk);
  REQUIRE(k.call("vmar_destroy", region) == Status::kBadState);
  REQUIRE(k.map(region, k.vmo(), kPermRead) == Status::kBadState);
}

TEST_CASE("vmar_allocate leaves no region behind when the caller cannot be told", "[zx_vmar_allocate]") {
  VmarRig k;
  size_t regions = k.process()->memory().maps().size();
  GuestAddr bad(8);
  REQUIRE(k.call("vmar_allocate", k.root(), kCanMapRead, 0, kPage, k.out, bad) == Status::kInvalidArgs);
  REQUIRE(k.call("vmar_allocate", k.root(), kCanMapRead, 0, kPage, bad, k.out) == Status::kInvalidArgs);
  REQUIRE(k.process()->memory().maps().size() == regions);
}

TEST_CASE("vmar_op_range works on what is mapped, without a buffer", "[zx_vmar_op_range]") {
  VmarRig k;
  Handle vmo = k.vmo();
  GuestAddr base = k.mapped(k.root(), vmo, kPermRead | kPermWrite, 4 * kPage);
  auto range_op = [&](abi::VmarOp op, GuestAddr buffer = {}, uint64_t buffer_size = 0) {
    return k.call("vmar_op_range", k.root(), op, base, 4 * kPage, buffer, buffer_size);
  };
  REQUIRE(range_op(abi::VmarOp::kCommit) == Status::kOk);
  REQUIRE(k.object<Vmo>(vmo)->attributed_bytes() == 4 * kPage);
  REQUIRE(range_op(abi::VmarOp::kDecommit) == Status::kOk);
  REQUIRE(k.object<Vmo>(vmo)->attributed_bytes() == 0);
  REQUIRE(range_op(abi::VmarOp::kCommit, k.out) == Status::kInvalidArgs);
  REQUIRE(range_op(abi::VmarOp::kCommit, {}, 8) == Status::kInvalidArgs);
  REQUIRE(range_op(abi::VmarOp{77}) == Status::kInvalidArgs);
}

TEST_CASE("process_read_memory reads up to the end of one mapping", "[zx_process_read_memory]") {
  VmarRig k;
  Ref<Process> other = k.make_process();
  Ref<Vmo> vmo = *Vmo::create(k.core(), 2 * kPage);
  uint32_t value = 99;
  REQUIRE(vmo->write(2 * kPage - 4, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  // Not even readable for the process itself.
  GuestAddr base = *other->memory().root()->map({.vmo = vmo, .length = 2 * kPage});
  Handle handle = k.handle(other);
  GuestAddr buffer = k.room(64);

  REQUIRE(k.call("process_read_memory", handle, base + 2 * kPage - 4, buffer, 64, k.out) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(k.out) == 4);
  REQUIRE(k.peek<uint32_t>(buffer) == 99);

  auto read = [&](Handle process, GuestAddr from, GuestAddr to, uint64_t size) {
    return k.call("process_read_memory", process, from, to, size, k.out);
  };
  REQUIRE(read(handle, GuestAddr(8), buffer, 4) == Status::kNoMemory);
  REQUIRE(read(handle, base, GuestAddr(0), 4) == Status::kInvalidArgs);
  REQUIRE(read(handle, base, buffer, 0) == Status::kInvalidArgs);
  REQUIRE(read(handle, base, buffer, (64 << 20) + 1) == Status::kInvalidArgs);
  REQUIRE(read(k.handle(other, Rights::kRead), base, buffer, 4) == Status::kAccessDenied);
}

TEST_CASE("process_write_memory is for debuggers, where the kernel was told so", "[zx_process_write_memory]") {
  for (bool enabled : {false, true}) {
    VmarRig k(Arch::kArm64, {{"kernel.enable-debugging-syscalls", enabled ? "true" : "false"}});
    Ref<Process> other = k.make_process();
    Ref<Vmo> vmo = *Vmo::create(k.core(), kPage);
    GuestAddr base = *other->memory().root()->map({.vmo = vmo, .length = kPage});
    GuestAddr from = k.user(uint32_t{31});
    Status status = k.call("process_write_memory", k.handle(other), base + 8, from, 4, k.out);
    REQUIRE(status == (enabled ? Status::kOk : Status::kNotSupported));
    uint32_t value = 0;
    REQUIRE(vmo->read(8, std::as_writable_bytes(std::span(&value, 1))) == Status::kOk);
    REQUIRE(value == (enabled ? 31 : 0));
  }
}

}  // namespace
}  // namespace jacinth::kernel
