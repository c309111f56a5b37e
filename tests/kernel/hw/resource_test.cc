// Resources without a kernel around them (kernel/hw/resource.h).
#include "kernel/hw/resource.h"

#include "tests/support/object_rig.h"

namespace jacinth::kernel {
namespace {

using abi::ResourceFlags;
using abi::ResourceKind;

struct Rig : ObjectRig {
  Rig() { knows<Resource>(); }
  /// kOk keeps it alive by a handle.
  Status make(ResourceKind kind, uint64_t base, uint64_t size, ResourceFlags flags = ResourceFlags::kNone) {
    Result<Ref<Resource>> made = Resource::create(core(), kind, base, size, flags, "test");
    if (!made) return made.status();
    last = handle(*made);
    return Status::kOk;
  }
  Handle last{};
};

TEST_CASE("a resource covers what lies in its range, and nothing of another kind") {
  Rig k;
  REQUIRE(k.make(ResourceKind::kIrq, 40, 10) == Status::kOk);
  auto validate = [&](ResourceKind kind, uint64_t base, uint64_t size) {
    return k.object<Resource>(k.last).validate(kind, base, size);
  };
  REQUIRE(validate(ResourceKind::kIrq, 40, 10) == Status::kOk);
  REQUIRE(validate(ResourceKind::kIrq, 49, 1) == Status::kOk);
  REQUIRE(validate(ResourceKind::kIrq, 39, 2) == Status::kOutOfRange);
  REQUIRE(validate(ResourceKind::kIrq, 49, 2) == Status::kOutOfRange);
  REQUIRE(validate(ResourceKind::kIrq, 50, 1) == Status::kOutOfRange);
  REQUIRE(validate(ResourceKind::kIrq, 45, 0) == Status::kOutOfRange);
  REQUIRE(validate(ResourceKind::kIrq, 45, ~uint64_t{0}) == Status::kOutOfRange);
  REQUIRE(validate(ResourceKind::kMmio, 40, 1) == Status::kWrongType);
}

TEST_CASE("a range of addresses covers the pages that it touches") {
  Rig k;
  REQUIRE(k.make(ResourceKind::kMmio, 0x1010, 0x20) == Status::kOk);
  Resource& resource = k.object<Resource>(k.last);
  REQUIRE(resource.validate(ResourceKind::kMmio, 0x1000, 0x1000) == Status::kOk);
  REQUIRE(resource.validate(ResourceKind::kMmio, 0xfff, 2) == Status::kOutOfRange);
  REQUIRE(resource.validate(ResourceKind::kMmio, 0x1fff, 2) == Status::kOutOfRange);
}

TEST_CASE("the root covers everything, a ranged root everything of its kind") {
  Rig k;
  REQUIRE(k.make(ResourceKind::kRoot, 0, 0) == Status::kOk);
  REQUIRE(k.object<Resource>(k.last).validate(ResourceKind::kSmc, 3, 99) == Status::kOk);
  Handle ranged = k.handle(Resource::create_ranged_root(k.core(), ResourceKind::kSystem, "system"));
  REQUIRE(k.object<Resource>(ranged).validate(ResourceKind::kSystem, 5, 1) == Status::kOk);
  REQUIRE(k.object<Resource>(ranged).validate(ResourceKind::kRoot, 0, 0) == Status::kWrongType);
}

TEST_CASE("a new resource must be a range that the machine has") {
  Rig k;
  REQUIRE(k.make(ResourceKind::kRoot, 0, 1) == Status::kInvalidArgs);
  REQUIRE(k.make(ResourceKind::kRoot, 1, 0) == Status::kInvalidArgs);
  REQUIRE(k.make(ResourceKind::kMmio, 0x1000, 0) == Status::kInvalidArgs);
  REQUIRE(k.make(ResourceKind::kMmio, ~uint64_t{0}, 2) == Status::kInvalidArgs);
  REQUIRE(k.make(ResourceKind::kSystem, 6, 1) == Status::kOk);
  REQUIRE(k.make(ResourceKind::kSystem, 7, 1) == Status::kNotFound);
  REQUIRE(k.make(ResourceKind::kIrq, 31, 1) == Status::kNotFound);
  REQUIRE(k.make(ResourceKind::kIoport, 0x60, 1) == Status::kBadState);  // On x86-64 alone.
}

TEST_CASE("exclusive ranges overlap nothing, shared ones each other") {
  Rig k;
  REQUIRE(k.make(ResourceKind::kMmio, 0x1000, 0x2000) == Status::kOk);
  REQUIRE(k.make(ResourceKind::kMmio, 0x2000, 0x1000) == Status::kOk);
  REQUIRE(k.make(ResourceKind::kMmio, 0x2fff, 1, ResourceFlags::kExclusive) == Status::kNotFound);
  REQUIRE(k.make(ResourceKind::kMmio, 0x3000, 0x1000, ResourceFlags::kExclusive) == Status::kOk);
  Handle exclusive = k.last;
  REQUIRE(k.make(ResourceKind::kMmio, 0x3fff, 2) == Status::kNotFound);
  REQUIRE(k.make(ResourceKind::kMmio, 0x3000, 1, ResourceFlags::kExclusive) == Status::kNotFound);
  REQUIRE(k.make(ResourceKind::kIrq, 0x300, 1, ResourceFlags::kExclusive) == Status::kOk);

  k.close(exclusive);
  REQUIRE(k.make(ResourceKind::kMmio, 0x3fff, 2) == Status::kOk);
}

TEST_CASE("a resource tells its kind, range, flags and name, also after loading") {
  Rig k;
  REQUIRE(k.make(ResourceKind::kIrq, 40, 10, ResourceFlags::kExclusive) == Status::kOk);
  k.reload();
  abi::InfoResource info = k.object<Resource>(k.last).info();
  REQUIRE(info.kind == 1);
  REQUIRE(info.flags == 0x10000);
  REQUIRE(info.base == 40);
  REQUIRE(info.size == 10);
  REQUIRE(std::string_view(info.name.data()) == "test");
  REQUIRE(k.core().counters().at("resource.irq.created") == 1);
}

}  // namespace
}  // namespace jacinth::kernel
