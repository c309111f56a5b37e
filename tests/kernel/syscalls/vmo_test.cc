// The calls on VMOs: rights, policies, user memory. What VMOs do is in tests/kernel/vm.

#include "kernel/vm/vmo.h"

#include "kernel/abi/policy.h"
#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmoChildOptions;
using abi::VmoOp;
using abi::VmoOptions;

constexpr uint64_t kPage = kPageSize;

Handle make_vmo(KernelRig& k, uint64_t size, VmoOptions options = VmoOptions::kNone) {
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("vmo_create", size, options, out) == Status::kOk);
  return k.peek<Handle>(out);
}

Rights rights_of(KernelRig& k, Handle handle) { return k.process()->handles().find(handle)->rights; }

/// The same VMO under a handle without some rights.
Handle without(KernelRig& k, Handle vmo, Rights rights) {
  return k.handle(k.object<Vmo>(vmo), abi::default_rights(ObjectType::kVmo) & ~rights);
}

Status op(KernelRig& k, Handle vmo, VmoOp op, uint64_t offset, uint64_t size, GuestAddr buffer = {},
          uint64_t buffer_size = 0) {
  return k.call("vmo_op_range", vmo, op, offset, size, buffer, buffer_size);
}

TEST_CASE("vmo_create gives a VMO of whole pages with all its rights", "[zx_vmo_create]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage + 1);

  REQUIRE(k.object<Vmo>(vmo)->size() == 2 * kPage);
  REQUIRE(rights_of(k, vmo) == abi::default_rights(ObjectType::kVmo));
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("vmo_create", kPage, 1u << 9, out) == Status::kInvalidArgs);
  REQUIRE(k.call("vmo_create", ~uint64_t{0}, 0, out) == Status::kOutOfRange);
  size_t handles = k.process()->handles().size();
  REQUIRE(k.call("vmo_create", kPage, 0, GuestAddr(8)) == Status::kInvalidArgs);
  REQUIRE(k.process()->handles().size() == handles);
}

TEST_CASE("vmo_create is subject to the job's policy", "[zx_vmo_create]") {
  KernelRig k;
  Ref<Job> strict = *Job::create(k.job());
  abi::PolicyBasicV2 deny{.condition = abi::PolicyCondition::kNewVmo,
                          .action = abi::PolicyAction::kDeny,
                          .flags = abi::PolicyOverride::kDeny};
  REQUIRE(strict->set_basic_policy(abi::PolicyOption::kAbsolute, std::span(&deny, 1)) == Status::kOk);
  Ref<Process> process = k.make_unstarted(strict, "strict");
  auto thread = make_object<Thread>(process, "main");
  REQUIRE(thread->start({.pc = GuestAddr(0x1000), .sp = GuestAddr(0x2000)}, true) == Status::kOk);
  REQUIRE(k.call_as(*thread, "vmo_create", kPage, 0, GuestAddr(8)) == Status::kAccessDenied);
}

TEST_CASE("vmo_write and vmo_read move bytes between a VMO and the caller's memory", "[zx_vmo_write][zx_vmo_read]") {
  KernelRig k;
  Handle vmo = make_vmo(k, 2 * kPage);
  GuestAddr from = k.user_text("across the border");
  GuestAddr to = k.room(32);

  REQUIRE(k.call("vmo_write", vmo, from, kPage - 5, 17) == Status::kOk);
  REQUIRE(k.call("vmo_read", vmo, to, kPage - 5, 17) == Status::kOk);

  std::array<char, 17> text = k.peek<std::array<char, 17>>(to);
  REQUIRE(std::string_view(text.data(), text.size()) == "across the border");
}

TEST_CASE("vmo_read and vmo_write need their rights, a range inside, and memory to reach",
          "[zx_vmo_write][zx_vmo_read]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage);
  GuestAddr buffer = k.room(16);

  REQUIRE(k.call("vmo_read", without(k, vmo, Rights::kRead), buffer, 0, 1) == Status::kAccessDenied);
  REQUIRE(k.call("vmo_write", without(k, vmo, Rights::kWrite), buffer, 0, 1) == Status::kAccessDenied);
  REQUIRE(k.call("vmo_read", vmo, buffer, kPage - 1, 2) == Status::kOutOfRange);
  REQUIRE(k.call("vmo_write", vmo, buffer, kPage, 1) == Status::kOutOfRange);
  REQUIRE(k.call("vmo_read", vmo, GuestAddr(8), 0, 1) == Status::kNotFound);
  REQUIRE(k.call("vmo_write", vmo, GuestAddr(8), 0, 1) == Status::kNotFound);
  REQUIRE(k.call("vmo_read", vmo, GuestAddr(8), 0, 0) == Status::kOk);
  REQUIRE(k.call("vmo_read", Handle{0}, buffer, 0, 1) == Status::kBadHandle);
  REQUIRE(k.call("vmo_read", k.handle(k.job()), buffer, 0, 1) == Status::kWrongType);
}

TEST_CASE("vmo_read into a mapping of the same page is harmless", "[zx_vmo_read]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage);
  Result<GuestAddr> base = k.process()->memory().root()->map(
      {.vmo = k.object<Vmo>(vmo), .length = kPage, .options = abi::VmOptions::kPermRead | abi::VmOptions::kPermWrite});
  k.poke(*base, uint64_t{0x1122334455667788});

  REQUIRE(k.call("vmo_read", vmo, *base + 2, 0, 8) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(*base + 2) == 0x1122334455667788);
}

TEST_CASE("vmo_get_size needs no right, vmo_set_size WRITE and a resizable VMO", "[zx_vmo_get_size][zx_vmo_set_size]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage, VmoOptions::kResizable);
  GuestAddr size = k.room(8);

  REQUIRE(k.call("vmo_set_size", vmo, 2 * kPage + 3) == Status::kOk);
  REQUIRE(k.call("vmo_get_size", k.handle(k.object<Vmo>(vmo), Rights::kNone), size) == Status::kOk);
  REQUIRE(k.peek<uint64_t>(size) == 3 * kPage);
  REQUIRE(k.call("vmo_get_size", vmo, GuestAddr(8)) == Status::kInvalidArgs);
  REQUIRE(k.call("vmo_set_size", without(k, vmo, Rights::kWrite), kPage) == Status::kAccessDenied);
  REQUIRE(k.call("vmo_set_size", make_vmo(k, kPage), kPage) == Status::kUnavailable);
}

TEST_CASE("locking a VMO needs READ or WRITE, and room to tell what was lost", "[zx_vmo_op_range]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage, VmoOptions::kDiscardable);
  Handle neither = k.handle(k.object<Vmo>(vmo), Rights::kMap);
  GuestAddr state = k.room(sizeof(abi::VmoLockState));
  for (VmoOp lock : {VmoOp::kLock, VmoOp::kTryLock, VmoOp::kUnlock})
    REQUIRE(op(k, neither, lock, 0, kPage, state, sizeof(abi::VmoLockState)) == Status::kAccessDenied);
  for (Rights missing : {Rights::kRead, Rights::kWrite}) {
    REQUIRE(op(k, without(k, vmo, missing), VmoOp::kTryLock, 0, kPage) == Status::kOk);
    REQUIRE(op(k, without(k, vmo, missing), VmoOp::kUnlock, 0, kPage) == Status::kOk);
  }
  // The lock is undone when it cannot be told, and the range is looked at first.
  REQUIRE(op(k, vmo, VmoOp::kLock, 0, kPage, state, sizeof(abi::VmoLockState) - 1) == Status::kInvalidArgs);
  REQUIRE(op(k, vmo, VmoOp::kLock, 0, kPage, GuestAddr(8), sizeof(abi::VmoLockState)) == Status::kInvalidArgs);
  REQUIRE(op(k, vmo, VmoOp::kLock, 0, 2 * kPage, state, 0) == Status::kOutOfRange);
  REQUIRE(op(k, vmo, VmoOp::kUnlock, 0, kPage) == Status::kBadState);
}

TEST_CASE("vmo_op_range asks for the right that the operation needs", "[zx_vmo_op_range]") {
  KernelRig k;
  Handle vmo = make_vmo(k, 4 * kPage);
  Handle read_only = without(k, vmo, Rights::kWrite);
  Handle write_only = without(k, vmo, Rights::kRead);

  for (VmoOp write : {VmoOp::kCommit, VmoOp::kDecommit, VmoOp::kZero})
    REQUIRE(op(k, read_only, write, 0, kPage) == Status::kAccessDenied);
  for (VmoOp read : {VmoOp::kCacheSync, VmoOp::kCacheClean, VmoOp::kCacheCleanInvalidate}) {
    REQUIRE(op(k, write_only, read, 0, kPage) == Status::kAccessDenied);
    REQUIRE(op(k, read_only, read, 0, kPage) == Status::kOk);
    REQUIRE(op(k, read_only, read, 0, 0) == Status::kInvalidArgs);
    REQUIRE(op(k, read_only, read, 0, 5 * kPage) == Status::kOutOfRange);
  }
  for (VmoOp hint : {VmoOp::kDontNeed, VmoOp::kAlwaysNeed}) {
    REQUIRE(op(k, k.handle(k.object<Vmo>(vmo), Rights::kNone), hint, 0, kPage) == Status::kOk);
    // Nobody pages here, so nobody looks at the range.
    REQUIRE(op(k, vmo, hint, 0, 5 * kPage) == Status::kOk);
  }
  // Not even looked at, while debugging calls are off.
  REQUIRE(op(k, read_only, VmoOp::kCacheInvalidate, 0, kPage) == Status::kNotSupported);
  REQUIRE(op(k, Handle{0}, VmoOp::kCacheInvalidate, 0, kPage) == Status::kBadHandle);
  REQUIRE(op(k, vmo, VmoOp{5}, 0, kPage) == Status::kInvalidArgs);
  REQUIRE(op(k, vmo, VmoOp{99}, 0, kPage) == Status::kInvalidArgs);

  REQUIRE(op(k, vmo, VmoOp::kCommit, 0, 2 * kPage) == Status::kOk);
  REQUIRE(k.object<Vmo>(vmo)->attributed_bytes() == 2 * kPage);
  REQUIRE(op(k, vmo, VmoOp::kDecommit, 0, kPage) == Status::kOk);
  REQUIRE(op(k, vmo, VmoOp::kZero, kPage, kPage) == Status::kOk);
  REQUIRE(k.object<Vmo>(vmo)->attributed_bytes() == 0);
}

TEST_CASE("CACHE_INVALIDATE works once debugging syscalls are enabled", "[zx_vmo_op_range]") {
  KernelRig k(Arch::kArm64, {{"kernel.enable-debugging-syscalls", "true"}});
  REQUIRE(op(k, make_vmo(k, kPage), VmoOp::kCacheInvalidate, 0, kPage) == Status::kOk);
}

TEST_CASE("LOCK tells what was discarded, or does not lock", "[zx_vmo_op_range]") {
  KernelRig k;
  Handle vmo = make_vmo(k, 2 * kPage, VmoOptions::kDiscardable);
  GuestAddr buffer = k.room(sizeof(abi::VmoLockState));

  REQUIRE(op(k, vmo, VmoOp::kLock, 0, 2 * kPage, buffer, 31) == Status::kInvalidArgs);
  REQUIRE(op(k, vmo, VmoOp::kLock, 0, 2 * kPage, GuestAddr(8), 32) == Status::kInvalidArgs);
  REQUIRE(op(k, vmo, VmoOp::kUnlock, 0, 2 * kPage) == Status::kBadState);
  REQUIRE(op(k, vmo, VmoOp::kLock, 0, 2 * kPage, buffer, 32) == Status::kOk);
  REQUIRE(k.peek<abi::VmoLockState>(buffer).size == 2 * kPage);
  REQUIRE(op(k, vmo, VmoOp::kTryLock, 0, 2 * kPage) == Status::kOk);
  REQUIRE(op(k, vmo, VmoOp::kUnlock, 0, 2 * kPage) == Status::kOk);
  REQUIRE(op(k, vmo, VmoOp::kUnlock, 0, 2 * kPage) == Status::kOk);
  REQUIRE(op(k, make_vmo(k, kPage), VmoOp::kTryLock, 0, kPage) == Status::kNotSupported);
}

TEST_CASE("The rights of a child follow from the parent's and from what kind it is", "[zx_vmo_create_child]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage);
  auto child = [&](Rights parent, VmoChildOptions options) -> Result<Rights> {
    Handle source = k.handle(k.object<Vmo>(vmo), parent);
    GuestAddr out = k.room(sizeof(Handle));
    Status status = k.call("vmo_create_child", source, options, 0, kPage, out);
    if (status != Status::kOk) return status;
    return rights_of(k, k.peek<Handle>(out));
  };
  constexpr Rights kLeast = Rights::kDuplicate | Rights::kRead;
  constexpr Rights kNamed = Rights::kGetProperty | Rights::kSetProperty;

  REQUIRE(child(Rights::kRead, VmoChildOptions::kSnapshot).status() == Status::kAccessDenied);
  REQUIRE(child(Rights::kDuplicate, VmoChildOptions::kSnapshot).status() == Status::kAccessDenied);
  REQUIRE(child(kLeast, VmoChildOptions::kSlice) == (kLeast | kNamed));
  REQUIRE(child(kLeast | Rights::kExecute, VmoChildOptions::kSnapshot) == (kLeast | kNamed | Rights::kWrite));
  REQUIRE(child(kLeast | Rights::kExecute, VmoChildOptions::kSnapshotAtLeastOnWrite) ==
          (kLeast | kNamed | Rights::kWrite));
  REQUIRE(child(kLeast | Rights::kExecute | Rights::kWrite, VmoChildOptions::kSnapshot | VmoChildOptions::kNoWrite) ==
          (kLeast | kNamed | Rights::kExecute));
  REQUIRE(child(kLeast | Rights::kWrite, VmoChildOptions::kSlice | VmoChildOptions::kNoWrite) == (kLeast | kNamed));
}

TEST_CASE("A child has its parent's name if the handle may read it", "[zx_vmo_create_child]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage);
  REQUIRE(k.object<Vmo>(vmo)->set_name("file") == Status::kOk);
  GuestAddr out = k.room(sizeof(Handle));
  REQUIRE(k.call("vmo_create_child", vmo, VmoChildOptions::kSnapshot, 0, kPage, out) == Status::kOk);
  REQUIRE(k.object<Vmo>(k.peek<Handle>(out))->name() == "file");
  Handle blind = without(k, vmo, Rights::kGetProperty);
  REQUIRE(k.call("vmo_create_child", blind, VmoChildOptions::kSnapshot, 0, kPage, out) == Status::kOk);
  REQUIRE(k.object<Vmo>(k.peek<Handle>(out))->name().empty());
}

TEST_CASE("Marking a VMO executable consumes the handle, whatever comes of it", "[zx_vmo_replace_as_executable]") {
  KernelRig k;
  GuestAddr out = k.room(sizeof(Handle));
  Handle vmo = make_vmo(k, kPage);
  REQUIRE(k.call("vmo_replace_as_executable", vmo, Handle{0}, out) == Status::kOk);
  REQUIRE(k.process()->handles().find(vmo) == nullptr);
  REQUIRE(rights_of(k, k.peek<Handle>(out)) == (abi::default_rights(ObjectType::kVmo) | Rights::kExecute));

  Handle job = k.handle(k.job());
  REQUIRE(k.call("vmo_replace_as_executable", job, Handle{0}, out) == Status::kBadHandle);
  REQUIRE(k.process()->handles().find(job) == nullptr);
  Handle other = make_vmo(k, kPage);
  REQUIRE(k.call("vmo_replace_as_executable", other, k.handle(k.job()), out) == Status::kWrongType);
  REQUIRE(k.process()->handles().find(other) == nullptr);
  REQUIRE(k.call("vmo_replace_as_executable", Handle{3}, Handle{0}, out) == Status::kBadHandle);
}

TEST_CASE("Setting a cache policy needs MAP and a policy that exists", "[zx_vmo_set_cache_policy]") {
  KernelRig k;
  Handle vmo = make_vmo(k, kPage);
  REQUIRE(k.call("vmo_set_cache_policy", vmo, 4) == Status::kInvalidArgs);
  REQUIRE(k.call("vmo_set_cache_policy", without(k, vmo, Rights::kMap), abi::CachePolicy::kUncached) ==
          Status::kAccessDenied);
  REQUIRE(k.call("vmo_set_cache_policy", vmo, abi::CachePolicy::kUncachedDevice) == Status::kOk);
  REQUIRE(k.object<Vmo>(vmo)->cache_policy() == abi::CachePolicy::kUncachedDevice);
}

}  // namespace
}  // namespace jacinth::kernel
