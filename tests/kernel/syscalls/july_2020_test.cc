// The rules of July 2020 that programs of that time find where the kernel's own are newer (Vm::july_2020). Their source
// is that kernel's: object.cc, vm_address_region.cc, vm_object_paged.cc, vm_object_dispatcher.cc,
// resource_dispatcher.cc.
#include <tuple>

#include "kernel/abi/info_memory.h"
#include "kernel/abi/vmar.h"
#include "kernel/abi/vmo.h"
#include "kernel/hw/resource.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vm.h"
#include "tests/kernel/syscalls/stream_rig.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kPage = kPageSize;

struct Rig : StreamRig {
  Rig() { core().vm().set_july_2020(); }

  Handle root() {
    return handle(process()->memory().root(), abi::default_rights(ObjectType::kVmar) | Rights::kReadWrite);
  }
  Handle region() {
    using enum abi::VmOptions;
    return make_pair("vmar_allocate", root(), kCanMapRead | kCanMapWrite | kCanMapSpecific, 0, 8 * kPage).first;
  }
  Status map(Handle region, abi::VmOptions options, uint64_t offset, Handle vmo, uint64_t vmo_offset) {
    return call("vmar_map", region, options | abi::VmOptions::kPermRead, offset, vmo, vmo_offset, kPage, room(8));
  }
  Status op(Handle vmo, abi::VmoOp what, uint64_t offset, uint64_t size) {
    return call("vmo_op_range", vmo, what, offset, size, nullptr, 0);
  }
  uint64_t committed(Handle vmo) { return info<abi::InfoVmo>(vmo, abi::InfoTopic::kVmo).committed_bytes / kPage; }
};

TEST_CASE("in July 2020 a record says whether the object can be waited for", "[zx_object_get_info]") {
  Rig k;
  REQUIRE(k.basic(k.event()).reserved == 1);
  REQUIRE(k.basic(k.channel().first).reserved == 1);
  REQUIRE(k.basic(k.handle(k.process())).reserved == 1);
  REQUIRE(k.basic(k.port()).reserved == 0);
  REQUIRE(k.basic(k.root()).reserved == 0);

  GuestAddr table = k.room(sizeof(abi::InfoHandleExtended));
  Handle event = k.event();
  REQUIRE(k.call("object_get_info", k.handle(k.process()), abi::InfoTopic::kHandleTable, table,
                 2 * sizeof(abi::InfoHandleExtended), nullptr, nullptr) == Status::kOk);
  bool first = k.peek<abi::InfoHandleExtended>(table).handle_value == event;
  REQUIRE(k.peek<abi::InfoHandleExtended>(table, first ? 0 : 1).reserved == 1);

  IpcRig of_2022;
  REQUIRE(of_2022.basic(of_2022.event()).reserved == 0);
}

TEST_CASE("in July 2020 there was no memory for a place that is taken", "[zx_vmar_map][zx_vmar_allocate]") {
  Rig k;
  Handle region = k.region();
  Handle vmo = k.make("vmo_create", kPage, 0);
  using enum abi::VmOptions;
  REQUIRE(k.map(region, kSpecific, kPage, vmo, 0) == Status::kOk);
  REQUIRE(k.map(region, kSpecific, kPage, vmo, 0) == Status::kNoMemory);
  REQUIRE(k.call("vmar_allocate", region, kCanMapRead | kSpecific, kPage, kPage, k.room(8), k.room(8)) ==
          Status::kNoMemory);
  REQUIRE(k.map(region, kSpecificOverwrite, kPage, vmo, 0) == Status::kOk);
}

TEST_CASE("in July 2020 an offset that overflows was a wrong argument", "[zx_vmar_map]") {
  Rig k;
  Handle vmo = k.make("vmo_create", kPage, 0);
  REQUIRE(k.map(k.root(), abi::VmOptions::kNone, 0, vmo, ~(kPage - 1)) == Status::kInvalidArgs);
  REQUIRE(k.map(k.root(), abi::VmOptions::kNone, 0, vmo, ~(kPage - 1) - kPage) == Status::kOk);
}

TEST_CASE("in July 2020 a region's unknown operation was not supported", "[zx_vmar_op_range]") {
  Rig k;
  Handle vmo = k.make("vmo_create", kPage, 0);
  GuestAddr at = k.room(8);
  REQUIRE(k.call("vmar_map", k.root(), abi::VmOptions::kPermRead, 0, vmo, 0, kPage, at) == Status::kOk);
  REQUIRE(k.call("vmar_op_range", k.root(), 99, k.peek<GuestAddr>(at), kPage, nullptr, 0) == Status::kNotSupported);
}

TEST_CASE("in July 2020 a range was cut where the VMO ends", "[zx_vmo_op_range]") {
  Rig k;
  Handle vmo = k.make("vmo_create", 2 * kPage, 0);
  REQUIRE(k.op(vmo, abi::VmoOp::kCommit, kPage, 5 * kPage) == Status::kOk);
  REQUIRE(k.committed(vmo) == 1);
  REQUIRE(k.op(vmo, abi::VmoOp::kCommit, 0, ~uint64_t{0}) == Status::kOk);
  REQUIRE(k.committed(vmo) == 2);
  k.write_vmo(vmo, 2 * kPage - 3, "abc");
  REQUIRE(k.op(vmo, abi::VmoOp::kZero, 2 * kPage - 2, kPage) == Status::kOk);
  REQUIRE(k.read_vmo(vmo, 2 * kPage - 3, 3) == std::string("a\0\0", 3));
  REQUIRE(k.op(vmo, abi::VmoOp::kDecommit, kPage, 7 * kPage) == Status::kOk);
  REQUIRE(k.committed(vmo) == 1);
  REQUIRE(k.op(vmo, abi::VmoOp::kDecommit, 0, 7 * kPage + 1) == Status::kInvalidArgs);
  for (auto what : {abi::VmoOp::kCommit, abi::VmoOp::kDecommit, abi::VmoOp::kZero}) {
    REQUIRE(k.op(vmo, what, 2 * kPage, kPage) == Status::kOk);
    REQUIRE(k.op(vmo, what, 3 * kPage, kPage) == Status::kOutOfRange);
  }
  REQUIRE(k.committed(vmo) == 1);
}

TEST_CASE("in July 2020 the content size was but a number", "[zx_object_set_property][zx_vmo_set_size]") {
  Rig k;
  Handle vmo = k.make("vmo_create", 2 * kPage, abi::VmoOptions::kResizable);
  k.write_vmo(vmo, 0, "abcdef");
  REQUIRE(k.set_content_size(vmo, 2) == Status::kOk);
  REQUIRE(k.data(vmo) == "abcdef");
  REQUIRE(k.call("vmo_set_size", vmo, 3) == Status::kOk);
  REQUIRE(k.vmo_size(vmo) == kPage);
  REQUIRE(k.data(vmo) == "abcdef");

  // What a stream leaves out on its way is zero all the same.
  REQUIRE(k.set_content_size(vmo, 2) == Status::kOk);
  Handle stream = k.stream(vmo, Rig::kWrite, 4);
  REQUIRE(k.call("stream_writev", stream, 0, k.put({k.buffer("X")}), 1, nullptr) == Status::kOk);
  REQUIRE(k.data(vmo) == std::string("ab\0\0Xf", 6));
  REQUIRE(k.appendv(stream, {Rig::buffer(k.room(8), ~uint64_t{0})}) == Rig::failed(Status::kFileBig));
}

TEST_CASE("in July 2020 resources had other kinds", "[zx_resource_create][zx_object_get_info]") {
  Rig k;
  Handle root =
      k.handle(*Resource::create(k.core(), abi::ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"));
  auto create = [&](uint32_t kind, uint64_t base, uint64_t size) {
    return k.call("resource_create", root, kind, base, size, nullptr, 0, k.room(4));
  };
  for (auto [kind, base, size] :
       {std::tuple{0, 0x1000, 0x1000}, {1, 40, 1}, {3, 0, 0}, {4, 0, 0}, {5, 0, 0}, {6, 1, 1}}) {
    Handle made = k.make("resource_create", root, kind, base, size, nullptr, 0);
    auto info = k.info<abi::InfoResource>(made, abi::InfoTopic::kResource);
    REQUIRE(info.kind == static_cast<uint32_t>(kind));
    REQUIRE(info.base == static_cast<uint64_t>(base));
    REQUIRE(info.size == static_cast<uint64_t>(size));
  }
  REQUIRE(create(7, 0, 0) == Status::kInvalidArgs);
  REQUIRE(create(5, 1, 1) == Status::kInvalidArgs);
  REQUIRE(create(4, 0, 1) == Status::kInvalidArgs);

  // Nothing but the right kind will do.
  Handle vmex = k.make("resource_create", root, 5, 0, 0, nullptr, 0);
  Handle hypervisor = k.make("resource_create", root, 3, 0, 0, nullptr, 0);
  REQUIRE(k.call("vmo_replace_as_executable", k.make("vmo_create", kPage, 0), vmex, k.room(4)) == Status::kOk);
  REQUIRE(k.call("vmo_replace_as_executable", k.make("vmo_create", kPage, 0), hypervisor, k.room(4)) != Status::kOk);
}

}  // namespace
}  // namespace jacinth::kernel
