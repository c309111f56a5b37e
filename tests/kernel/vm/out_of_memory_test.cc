// Running out of frames at every single point where one is asked for: the documented error, nothing lost, nothing kept.

#include <optional>
#include <vector>

#include "kernel/vm/address_space.h"
#include "kernel/vm/vm.h"
#include "kernel/vm/vmo.h"
#include "tests/kernel/vm/table_platform.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmoChildOptions;
using enum abi::VmOptions;

constexpr uint64_t kPage = kPageSize;

/// A little of everything that takes frames. Stops at the first failure and returns it.
Status scenario(Core& core) {
  auto word = [](uint32_t& value) { return std::as_writable_bytes(std::span(&value, 1)); };
  uint32_t value = 7;
  Ref<AddressSpace> space = TRY(AddressSpace::create(core, "hungry"));
  Ref<Vmo> parent = TRY(Vmo::create(core, 8 * kPage));
  TRY_STATUS(parent->write(kPage - 2, word(value)));
  TRY_STATUS(parent->commit(4 * kPage, 3 * kPage));
  Ref<Vmo> child = TRY(parent->create_child(VmoChildOptions::kSnapshot, 0, 8 * kPage, false));
  TRY_STATUS(child->write(kPage, word(value)));
  TRY_STATUS(parent->zero(4 * kPage + 8, 16));
  Ref<AddressRegion> region = TRY(space->root()->allocate(0, 64 * kPage, kCanMapMask | kCanMapSpecific));
  GuestAddr low = TRY(region->map({.vmo = parent, .length = 8 * kPage, .options = kPermRead | kPermWrite}));
  TRY_STATUS(space->fault(low, AccessKind::kRead));
  TRY_STATUS(space->fault(low + 4 * kPage, AccessKind::kWrite));
  GuestAddr high =
      TRY(space->root()->map({.vmo = child, .length = 8 * kPage, .options = kPermRead | kPermWrite | kMapRange}));
  // A copy that cannot get its page reports a bad pointer, as the real one does.
  if (space->write(high + 5 * kPage, word(value)) != Status::kOk) return Status::kNoMemory;
  TRY_STATUS(region->op_range(abi::VmarOp::kCommit, low, 8 * kPage));
  Ref<Vmo> run = TRY(Vmo::create_contiguous(core, 4 * kPage, kPage));
  TRY_STATUS(run->write(0, word(value)));
  return Status::kOk;
}

TEST_CASE("When frames run out, whichever one it is, the call says so and everything can be given back") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    TablePlatform platform(arch, 4 << 20);
    Vm vm(platform);
    Core core(platform, {});
    vm.attach(core);
    uint64_t free_before = vm.pmm().free_count();

    uint64_t allowed = 0;
    for (Status status = Status::kNoMemory; status != Status::kOk; ++allowed) {
      vm.pmm().fail_after(allowed);
      status = scenario(core);
      vm.pmm().never_fail();
      core.objects().drain();
      INFO(fmt::format("after {} allocations", allowed));
      REQUIRE((status == Status::kOk || status == Status::kNoMemory));
      REQUIRE(vm.pmm().free_count() == free_before);
      REQUIRE(vm.pages_count() == 0);
    }
    // The scenario is worth its name: it has many points at which it could fail.
    REQUIRE(allowed > 20);
  }
}

TEST_CASE("A fault that could not be resolved for want of memory works when there is some") {
  TablePlatform platform(Arch::kArm64, 4 << 20);
  Vm vm(platform);
  Core core(platform, {});
  vm.attach(core);
  {
    Ref<AddressSpace> space = *AddressSpace::create(core, "patient");
    Ref<Vmo> vmo = *Vmo::create(core, kPage);
    GuestAddr base = *space->root()->map({.vmo = vmo, .length = kPage, .options = kPermRead | kPermWrite});
    uint64_t allowed = 0;
    for (Status status = Status::kNoMemory; status != Status::kOk; ++allowed) {
      vm.pmm().fail_after(allowed);
      status = space->fault(base, AccessKind::kWrite);
      REQUIRE((status == Status::kOk || status == Status::kNoMemory));
    }
    vm.pmm().never_fail();
    // The page stays once it is had; the tables come together or not at all.
    REQUIRE(allowed > 2);
    REQUIRE(vmo->attributed_bytes() == kPage);
  }
  core.objects().drain();
}

}  // namespace
}  // namespace jacinth::kernel
