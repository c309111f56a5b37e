// How the calls on VMOs and address regions fail where the thing itself says no (tests/kernel/vm has what it does when
// it says yes).
#include "kernel/abi/vmar.h"
#include "kernel/abi/vmo.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vmo.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

using abi::VmarOp;
using enum abi::VmOptions;

constexpr uint64_t kPage = kPageSize;

struct Rig : IpcRig {
  using IpcRig::IpcRig;
  Handle root = handle(process()->memory().root(),
                       abi::default_rights(ObjectType::kVmar) | Rights::kReadWrite | Rights::kExecute);

  Handle vmo(uint64_t pages = 4, abi::VmoOptions options = abi::VmoOptions::kNone) {
    return make("vmo_create", pages * kPage, options);
  }
  struct Region {
    Handle handle{};
    GuestAddr at;
  };
  Region region(uint64_t pages, abi::VmOptions options = kNone) {
    GuestAddr out = room(16);
    REQUIRE(call("vmar_allocate", root, options | kCanMapRead | kCanMapWrite | kCanMapSpecific, 0, pages * kPage, out,
                 out + 8) == Status::kOk);
    return {peek<Handle>(out), peek<GuestAddr>(out + 8)};
  }
  Status map(Handle region, abi::VmOptions options, uint64_t offset, Handle vmo, uint64_t vmo_offset, uint64_t length) {
    mapped_ = room(8);
    return call("vmar_map", region, options, offset, vmo, vmo_offset, length, mapped_);
  }
  GuestAddr mapped() { return peek<GuestAddr>(mapped_); }
  Status allocate(Handle region, abi::VmOptions options, uint64_t offset, uint64_t size) {
    GuestAddr out = room(16);
    return call("vmar_allocate", region, options, offset, size, out, out + 8);
  }
  Status op(Handle region, VmarOp what, GuestAddr at, uint64_t size) {
    return call("vmar_op_range", region, what, at, size, nullptr, 0);
  }

 private:
  GuestAddr mapped_;
};

TEST_CASE("a place that is taken, or not to be found, is no place", "[zx_vmar_map][zx_vmar_allocate]") {
  Rig k;
  Rig::Region region = k.region(4);
  Handle vmo = k.vmo();
  REQUIRE(k.map(region.handle, kPermRead | kSpecific, kPage, vmo, 0, kPage) == Status::kOk);
  REQUIRE(k.map(region.handle, kPermRead | kSpecific, 0, vmo, 0, 2 * kPage) == Status::kAlreadyExists);
  REQUIRE(k.allocate(region.handle, kSpecific, kPage, kPage) == Status::kAlreadyExists);
  // Three pages are free, and not in a row.
  REQUIRE(k.map(region.handle, kPermRead, 0, vmo, 0, 3 * kPage) == Status::kNoMemory);
  REQUIRE(k.allocate(region.handle, kNone, 0, 3 * kPage) == Status::kNoMemory);
}

TEST_CASE("vmar_map refuses what cannot be kept up", "[zx_vmar_map]") {
  Rig k;
  Handle resizable = k.vmo(4, abi::VmoOptions::kResizable);
  REQUIRE(k.map(k.root, kPermRead | kRequireNonResizable, 0, resizable, 0, kPage) == Status::kNotSupported);
  REQUIRE(k.map(k.root, kPermRead, 0, resizable, ~uint64_t{0} - kPage + 1, 2 * kPage) == Status::kOutOfRange);
}

TEST_CASE("a destroyed region takes nothing more",
          "[zx_vmar_map][zx_vmar_allocate][zx_vmar_protect][zx_vmar_unmap][zx_vmar_op_range][zx_vmar_destroy]") {
  Rig k;
  Rig::Region region = k.region(4);
  REQUIRE(k.call("vmar_destroy", region.handle) == Status::kOk);
  REQUIRE(k.map(region.handle, kPermRead, 0, k.vmo(), 0, kPage) == Status::kBadState);
  REQUIRE(k.allocate(region.handle, kNone, 0, kPage) == Status::kBadState);
  REQUIRE(k.call("vmar_protect", region.handle, kPermRead, region.at, kPage) == Status::kBadState);
  REQUIRE(k.call("vmar_unmap", region.handle, region.at, kPage) == Status::kBadState);
  REQUIRE(k.op(region.handle, VmarOp::kCommit, region.at, kPage) == Status::kBadState);
  REQUIRE(k.call("vmar_destroy", region.handle) == Status::kBadState);
}

TEST_CASE("vmar_protect wants all of the range mapped", "[zx_vmar_protect]") {
  Rig k;
  Rig::Region region = k.region(4);
  REQUIRE(k.map(region.handle, kPermRead | kSpecific, 0, k.vmo(), 0, kPage) == Status::kOk);
  REQUIRE(k.call("vmar_protect", region.handle, kNone, region.at, 2 * kPage) == Status::kNotFound);
  REQUIRE(k.call("vmar_protect", region.handle, kNone, region.at, kPage) == Status::kOk);
}

TEST_CASE("vmar_op_range reaches as far as its mappings", "[zx_vmar_op_range]") {
  Rig k;
  Rig::Region region = k.region(4);
  Handle vmo = k.vmo();
  REQUIRE(k.map(region.handle, kPermRead | kPermWrite | kSpecific, 0, vmo, 0, 2 * kPage) == Status::kOk);
  REQUIRE(k.op(region.handle, VmarOp::kCommit, region.at, 2 * kPage) == Status::kOk);
  REQUIRE(k.op(region.handle, VmarOp::kMapRange, region.at, 2 * kPage) == Status::kOk);
  REQUIRE(k.op(region.handle, VmarOp::kAlwaysNeed, region.at, 2 * kPage) == Status::kOk);
  REQUIRE(k.op(region.handle, VmarOp::kDontNeed, region.at, 2 * kPage) == Status::kOk);
  REQUIRE(k.op(region.handle, VmarOp::kDecommit, region.at, 2 * kPage) == Status::kOk);
  REQUIRE(k.op(region.handle, VmarOp::kCommit, region.at, 3 * kPage) == Status::kBadState);
  REQUIRE(k.op(region.handle, VmarOp::kCommit, region.at, 5 * kPage) == Status::kOutOfRange);
  REQUIRE(k.op(region.handle, VmarOp::kCommit, region.at + 1, kPage) == Status::kInvalidArgs);

  Handle fixed = k.without(k.vmo(), Rights::kWrite);
  REQUIRE(k.map(region.handle, kPermRead | kSpecific, 3 * kPage, fixed, 0, kPage) == Status::kOk);
  REQUIRE(k.op(region.handle, VmarOp::kCommit, region.at + 3 * kPage, kPage) == Status::kAccessDenied);
  // A page that a snapshot shares is not there to be given back.
  k.make("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshot, 0, 4 * kPage);
  REQUIRE(k.op(region.handle, VmarOp::kDecommit, region.at, kPage) == Status::kNotSupported);
}

TEST_CASE("a VMO is not larger than the largest", "[zx_vmo_set_size][zx_vmo_create]") {
  Rig k;
  Handle vmo = k.vmo(1, abi::VmoOptions::kResizable);
  REQUIRE(k.call("vmo_set_size", vmo, ~uint64_t{0}) == Status::kOutOfRange);
  REQUIRE(k.call("vmo_create", ~uint64_t{0}, 0, k.room(4)) == Status::kOutOfRange);
}

TEST_CASE("only memory that is cached is copied", "[zx_vmo_read][zx_vmo_write][zx_vmo_set_cache_policy]") {
  Rig k;
  Handle vmo = k.vmo();
  REQUIRE(k.call("vmo_set_cache_policy", vmo, abi::CachePolicy::kUncachedDevice) == Status::kOk);
  REQUIRE(k.call("vmo_read", vmo, k.room(8), 0, 8) == Status::kBadState);
  REQUIRE(k.call("vmo_write", vmo, k.room(8), 0, 8) == Status::kBadState);
}

TEST_CASE("a debugger writes where something is mapped, while there is memory",
          "[zx_process_read_memory][zx_process_write_memory]") {
  Rig k(Arch::kArm64, {{"kernel.enable-debugging-syscalls", "true"}});
  Ref<Process> other = k.make_process("other");
  Handle process = k.handle(other);
  GuestAddr buffer = k.room(16);
  auto read = [&](GuestAddr at) { return k.call("process_read_memory", process, at, buffer, 16, k.room(8)); };
  auto write = [&](GuestAddr at) { return k.call("process_write_memory", process, at, buffer, 16, k.room(8)); };
  REQUIRE(write(Rig::kMemory) == Status::kOk);
  REQUIRE(read(Rig::kMemory) == Status::kOk);
  REQUIRE(read(Rig::kNowhere) == Status::kNoMemory);
  REQUIRE(write(Rig::kNowhere) == Status::kNoMemory);
  other->kill(0);
  k.run();
  REQUIRE(read(Rig::kMemory) == Status::kBadState);
  REQUIRE(write(Rig::kMemory) == Status::kBadState);
}

}  // namespace
}  // namespace jacinth::kernel
