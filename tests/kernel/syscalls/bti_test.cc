// IOMMUs, initiators and pinned memory as drivers use them (kernel/syscalls/bti.cc, kernel/hw/bti.cc).
#include "kernel/hw/bti.h"

#include "kernel/abi/info_memory.h"
#include "kernel/abi/vmo.h"
#include "kernel/hw/resource.h"
#include "kernel/vm/vm.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

using abi::BtiPinOptions;
using enum abi::BtiPinOptions;
using abi::VmoOp;

constexpr uint64_t kPage = kPageSize;

struct BtiRig : IpcRig {
  Handle root{};
  Handle iommu{};
  Handle bti{};
  GuestAddr pmt;  ///< Where the token of the last pin is told,
  GuestAddr at;   ///< and the addresses.

  explicit BtiRig(Options options = {}, Arch arch = Arch::kArm64) : IpcRig(arch, std::move(options)) {
    root = handle(*Resource::create(core(), abi::ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"));
    iommu = make("iommu_create", root, abi::IommuType::kDummy, room(1), 1);
    bti = make("bti_create", iommu, 0, 0xdead);
    pmt = room(4);
    at = room(64 * 8);
  }
  Handle plain(uint64_t pages, uint64_t options = 0) { return make("vmo_create", pages * kPage, options); }
  Handle contiguous(uint64_t pages, uint32_t alignment_log2 = 0) {
    return make("vmo_create_contiguous", bti, pages * kPage, alignment_log2);
  }
  Handle physical(uint64_t base, uint64_t size) { return make("vmo_create_physical", root, base, size); }
  Status pin(Handle vmo, uint64_t first, uint64_t pages, BtiPinOptions options, uint64_t count) {
    return call("bti_pin", bti, options, vmo, first * kPage, pages * kPage, at, count, pmt);
  }
  Handle pinned(Handle vmo, uint64_t first, uint64_t pages, BtiPinOptions options = kPermRead) {
    REQUIRE(pin(vmo, first, pages, options, pages) == Status::kOk);
    return peek<Handle>(pmt);
  }
  uint64_t address(uint64_t index) { return peek<uint64_t>(at, index); }
  abi::InfoBti bti_info() { return info<abi::InfoBti>(bti, abi::InfoTopic::kBti); }
  Vmo& vmo(Handle handle) { return *object<Vmo>(handle); }
  Pmm& pmm() { return kernel().vm().pmm(); }
  uint64_t pins(Handle handle) { return vmo(handle).pages()->pinned_pages(); }
  Status op(Handle vmo, VmoOp what, uint64_t first, uint64_t pages) {
    return call("vmo_op_range", vmo, what, first * kPage, pages * kPage, nullptr, 0);
  }
};

TEST_CASE("an IOMMU is made by who has the root resource", "[zx_iommu_create]") {
  BtiRig k;
  REQUIRE(k.basic(k.iommu).type == ObjectType::kIommu);
  REQUIRE(k.basic(k.iommu).rights == abi::default_rights(ObjectType::kIommu));
  GuestAddr out = k.room(4);
  GuestAddr desc = k.room(5000);
  auto create = [&](Handle resource, abi::IommuType type, uint64_t size, GuestAddr from) {
    return k.call("iommu_create", resource, type, from, size, out);
  };
  Handle mmio = k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kMmio, "mmio"));
  REQUIRE(create(IpcRig::kBad, abi::IommuType::kDummy, 1, desc) == Status::kBadHandle);
  REQUIRE(create(mmio, abi::IommuType::kDummy, 1, desc) == Status::kWrongType);
  REQUIRE(create(k.event(), abi::IommuType::kDummy, 1, desc) == Status::kWrongType);
  REQUIRE(create(k.root, abi::IommuType::kDummy, 4097, desc) == Status::kInvalidArgs);
  REQUIRE(create(k.root, abi::IommuType::kDummy, 1, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(create(k.root, abi::IommuType::kDummy, 0, desc) == Status::kInvalidArgs);
  REQUIRE(create(k.root, abi::IommuType::kDummy, 2, desc) == Status::kInvalidArgs);
  REQUIRE(create(k.root, abi::IommuType::kIntel, 16, desc) == Status::kNotSupported);
  REQUIRE(create(k.root, abi::IommuType{9}, 1, desc) == Status::kNotSupported);
  REQUIRE(k.kernel().unsupported().uses().empty());
}

TEST_CASE("an Intel IOMMU is named as lacking where there could be one", "[zx_iommu_create]") {
  BtiRig k({}, Arch::kX86_64);
  REQUIRE(k.call("iommu_create", k.root, abi::IommuType::kIntel, k.room(16), 16, k.room(4)) == Status::kNotSupported);
  REQUIRE_FALSE(k.kernel().unsupported().uses().empty());
}

TEST_CASE("an initiator is made of an IOMMU, with a name and a record", "[zx_bti_create]") {
  BtiRig k;
  REQUIRE(k.basic(k.bti).type == ObjectType::kBti);
  REQUIRE(k.basic(k.bti).rights == abi::default_rights(ObjectType::kBti));
  REQUIRE(k.bti_info().minimum_contiguity == kPage);
  REQUIRE(k.bti_info().aspace_size == ~uint64_t{0});
  REQUIRE(k.bti_info().pmo_count == 0);
  REQUIRE(k.bti_info().quarantine_count == 0);
  std::array<char, 32> name = {'u', 's', 'b'};
  REQUIRE(k.set_property(k.bti, abi::Property::kName, name) == Status::kOk);
  REQUIRE(k.property<std::array<char, 32>>(k.bti, abi::Property::kName) == name);

  GuestAddr out = k.room(4);
  REQUIRE(k.call("bti_create", k.iommu, 1, 0, out) == Status::kInvalidArgs);
  REQUIRE(k.call("bti_create", k.bti, 0, 0, out) == Status::kWrongType);
  REQUIRE(k.call("bti_create", IpcRig::kBad, 0, 0, out) == Status::kBadHandle);
  REQUIRE(k.call("bti_create", k.iommu, 0, 0, IpcRig::kNowhere) == Status::kInvalidArgs);
  GuestAddr info = k.room(32);
  auto ask = [&](Handle handle) {
    return k.call("object_get_info", handle, abi::InfoTopic::kBti, info, 32, nullptr, nullptr);
  };
  REQUIRE(ask(k.iommu) == Status::kWrongType);
  REQUIRE(ask(k.handle(k.object<Object>(k.bti), Rights::kMap)) == Status::kAccessDenied);
  // Nobody waits for any of them.
  REQUIRE(k.wait_async(k.handle(k.object<Object>(k.bti), Rights::kWait), k.port(), 0, Signals::kNone) ==
          Status::kNotSupported);
}

TEST_CASE("pinning commits pages, holds them and tells where they are", "[zx_bti_pin][zx_pmt_unpin]") {
  BtiRig k;
  Handle vmo = k.plain(4, 2);
  Handle pmt = k.pinned(vmo, 1, 2);
  REQUIRE(k.basic(pmt).type == ObjectType::kPmt);
  REQUIRE(k.basic(pmt).rights == Rights::kInspect);
  REQUIRE(k.vmo(vmo).attributed_bytes() == 2 * kPage);
  for (uint64_t i : {0u, 1u}) REQUIRE(PhysAddr(k.address(i)) == k.vmo(vmo).pages()->peek(1 + i)->address);
  REQUIRE(k.bti_info().pmo_count == 1);

  // What is pinned stays: not decommitted, not cut off, not shared with a snapshot.
  REQUIRE(k.op(vmo, VmoOp::kDecommit, 0, 4) == Status::kBadState);
  REQUIRE(k.call("vmo_set_size", vmo, kPage) == Status::kBadState);
  REQUIRE(k.call("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshot, 0, kPage, k.room(4)) == Status::kBadState);
  REQUIRE(k.call("vmo_set_cache_policy", vmo, abi::CachePolicy::kUncached) == Status::kBadState);

  REQUIRE(k.call("pmt_unpin", pmt) == Status::kOk);
  REQUIRE_FALSE(k.valid(pmt));
  REQUIRE(k.bti_info().pmo_count == 0);
  REQUIRE(k.bti_info().quarantine_count == 0);
  REQUIRE(k.op(vmo, VmoOp::kDecommit, 0, 4) == Status::kOk);
  REQUIRE(k.call("vmo_set_size", vmo, kPage) == Status::kOk);
}

TEST_CASE("pins are counted, and one page bears 31", "[zx_bti_pin]") {
  BtiRig k;
  Handle vmo = k.plain(2);
  std::vector<Handle> tokens;
  for (int i = 0; i < 31; ++i) tokens.push_back(k.pinned(vmo, 0, 2));
  REQUIRE(k.pins(vmo) == 62);
  REQUIRE(k.pin(vmo, 0, 1, kPermRead, 1) == Status::kUnavailable);
  for (Handle token : tokens) REQUIRE(k.call("pmt_unpin", token) == Status::kOk);
  REQUIRE(k.pins(vmo) == 0);
}

TEST_CASE("bti_pin checks handles, rights, range, options and the number of addresses", "[zx_bti_pin]") {
  BtiRig k;
  Handle vmo = k.plain(4);
  auto pin = [&](Handle bti, Handle what, BtiPinOptions options, uint64_t offset, uint64_t size, uint64_t count) {
    return k.call("bti_pin", bti, options, what, offset, size, k.at, count, k.pmt);
  };
  auto with = [&](Rights rights) { return k.handle(k.object<Object>(vmo), rights); };
  REQUIRE(pin(IpcRig::kBad, vmo, kPermRead, 0, kPage, 1) == Status::kBadHandle);
  REQUIRE(pin(k.iommu, vmo, kPermRead, 0, kPage, 1) == Status::kWrongType);
  REQUIRE(pin(k.handle(k.object<Object>(k.bti), Rights::kRead), vmo, kPermRead, 0, kPage, 1) == Status::kAccessDenied);
  REQUIRE(pin(k.bti, vmo, kPermRead, 5, kPage, 1) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kPermRead, 0, 5, 1) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, IpcRig::kBad, kPermRead, 0, kPage, 1) == Status::kBadHandle);
  REQUIRE(pin(k.bti, k.event(), kPermRead, 0, kPage, 1) == Status::kWrongType);
  REQUIRE(pin(k.bti, with(Rights::kRead | Rights::kWrite), kPermRead, 0, kPage, 1) == Status::kAccessDenied);
  REQUIRE(pin(k.bti, with(Rights::kMap | Rights::kWrite), kPermRead, 0, kPage, 1) == Status::kAccessDenied);
  REQUIRE(pin(k.bti, with(Rights::kMap | Rights::kWrite), kPermExecute, 0, kPage, 1) == Status::kAccessDenied);
  REQUIRE(pin(k.bti, with(Rights::kMap | Rights::kRead), kPermWrite, 0, kPage, 1) == Status::kAccessDenied);
  REQUIRE(pin(k.bti, with(Rights::kMap | Rights::kRead), kPermExecute, 0, kPage, 1) == Status::kOk);
  REQUIRE(k.call("pmt_unpin", k.peek<Handle>(k.pmt)) == Status::kOk);

  REQUIRE(pin(k.bti, vmo, BtiPinOptions{1u << 5} | kPermRead, 0, kPage, 1) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kPermRead | kCompress | kContiguous, 0, kPage, 1) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kPermRead | kContiguous, 0, kPage, 1) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kNone, 0, kPage, 1) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kPermRead, 0, 0, 0) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kPermRead, kPage, 4 * kPage, 4) == Status::kOutOfRange);
  REQUIRE(pin(k.bti, vmo, kPermRead, 0, 2 * kPage, 1) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kPermRead, 0, 2 * kPage, 3) == Status::kInvalidArgs);
  REQUIRE(pin(k.bti, vmo, kPermRead, 0, kPage, uint64_t{1} << 40) == Status::kNoMemory);
  REQUIRE(k.call("bti_pin", k.bti, kPermRead, vmo, 0, kPage, IpcRig::kNowhere, 1, k.pmt) == Status::kInvalidArgs);
  REQUIRE(k.call("bti_pin", k.bti, kPermRead, vmo, 0, kPage, k.at, 1, IpcRig::kNowhere) == Status::kInvalidArgs);
  // None of them left anything pinned, or in quarantine.
  REQUIRE(k.pins(vmo) == 0);
  REQUIRE(k.bti_info().pmo_count == 0);
  REQUIRE(k.bti_info().quarantine_count == 0);
  REQUIRE(pin(k.bti, vmo, kPermRead | kCompress, 0, 4 * kPage, 4) == Status::kOk);
}

TEST_CASE("contiguous memory has one address, or one for each page", "[zx_bti_pin][zx_vmo_create_contiguous]") {
  BtiRig k;
  Handle run = k.contiguous(4);
  k.pinned(run, 0, 4);
  uint64_t base = k.address(0);
  for (uint64_t i = 0; i < 4; ++i) REQUIRE(k.address(i) == base + i * kPage);
  REQUIRE(k.pin(run, 1, 3, kPermRead | kContiguous, 1) == Status::kOk);
  REQUIRE(k.address(0) == base + kPage);
  REQUIRE(k.pin(run, 1, 3, kPermRead | kContiguous, 3) == Status::kInvalidArgs);
  REQUIRE(k.pin(run, 0, 4, kPermRead | kCompress, 1) == Status::kInvalidArgs);
  // A slice of it is in one piece, too.
  Handle slice = k.make("vmo_create_child", run, abi::VmoChildOptions::kSlice, 2 * kPage, 2 * kPage);
  REQUIRE(k.pin(slice, 0, 2, kPermRead | kContiguous, 1) == Status::kOk);
  REQUIRE(k.address(0) == base + 2 * kPage);
}

TEST_CASE("a token that is closed without unpinning keeps its pages until the quarantine is released",
          "[zx_bti_release_quarantine][zx_handle_close]") {
  BtiRig k;
  uint64_t free = k.pmm().free_count();
  Handle vmo = k.plain(3);
  k.close(k.pinned(vmo, 0, 3));
  k.close(k.pinned(vmo, 0, 1));
  REQUIRE(k.bti_info().pmo_count == 2);
  REQUIRE(k.bti_info().quarantine_count == 2);
  REQUIRE(k.op(vmo, VmoOp::kDecommit, 0, 1) == Status::kBadState);
  k.close(vmo);
  REQUIRE(k.pmm().free_count() == free - 3);
  k.reload();
  REQUIRE(k.bti_info().quarantine_count == 2);
  REQUIRE(k.pmm().free_count() == free - 3);

  REQUIRE(k.call("bti_release_quarantine", k.handle(k.object<Object>(k.bti), Rights::kRead)) == Status::kAccessDenied);
  REQUIRE(k.call("bti_release_quarantine", k.iommu) == Status::kWrongType);
  REQUIRE(k.call("bti_release_quarantine", k.bti) == Status::kOk);
  k.kernel().settle();
  REQUIRE(k.bti_info().pmo_count == 0);
  REQUIRE(k.bti_info().quarantine_count == 0);
  REQUIRE(k.pmm().free_count() == free);
}

TEST_CASE("a process that dies leaves what it pinned in quarantine", "[zx_bti_pin]") {
  BtiRig k;
  Ref<Process> driver = k.make_process("driver");
  Handle vmo = k.plain(2);
  k.pinned(vmo, 0, 2);
  Result<HandleOwner> token = k.process()->handles().remove(k.peek<Handle>(k.pmt));
  driver->handles().add(std::move(*token));
  driver->kill(0);
  driver = nullptr;
  k.kernel().settle();
  REQUIRE(k.bti_info().quarantine_count == 1);
  REQUIRE(k.pins(vmo) == 2);
}

TEST_CASE("an initiator that goes before its quarantine is released loses the pages and says so", "[zx_handle_close]") {
  BtiRig k;
  Handle vmo = k.plain(2);
  Handle late = k.pinned(vmo, 0, 1);
  k.close(k.pinned(vmo, 0, 2));
  uint64_t free = k.pmm().free_count();
  k.close(vmo);
  k.close(k.bti);
  REQUIRE(k.platform().console().find("BTI 0xdead is gone: 2 pages of 1 VMOs") != std::string::npos);
  REQUIRE(k.pmm().free_count() == free);
  // What is closed afterwards is lost with them.
  k.close(late);
  REQUIRE(k.platform().console().find("3 pages of 2 VMOs") != std::string::npos);
  REQUIRE(k.pmm().free_count() == free);
  k.reload();
  REQUIRE(k.pmm().free_count() == free);
}

TEST_CASE("an initiator lives on while something is pinned, and then goes", "[zx_pmt_unpin]") {
  BtiRig k;
  uint64_t objects = k.core().objects().size();
  Handle other = k.make("bti_create", k.iommu, 0, 7);
  Handle vmo = k.plain(1);
  REQUIRE(k.call("bti_pin", other, kPermRead, vmo, 0, kPage, k.at, 1, k.pmt) == Status::kOk);
  k.close(other);
  k.close(vmo);
  REQUIRE(k.core().objects().size() == objects + 3);
  REQUIRE(k.call("pmt_unpin", k.peek<Handle>(k.pmt)) == Status::kOk);
  k.kernel().settle();
  REQUIRE(k.core().objects().size() == objects);
}

TEST_CASE("a clone that is pinned stays a child when its handle goes", "[zx_bti_pin]") {
  BtiRig k;
  Handle vmo = k.plain(1);
  Handle clone = k.make("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshot, 0, kPage);
  Handle pmt = k.pinned(clone, 0, 1);
  k.close(clone);
  REQUIRE_FALSE(contains(k.signals(vmo), Signals::kVmoZeroChildren));
  REQUIRE(k.call("pmt_unpin", pmt) == Status::kOk);
  k.kernel().settle();
  REQUIRE(contains(k.signals(vmo), Signals::kVmoZeroChildren));
}

TEST_CASE("pmt_unpin closes the handle whatever it names", "[zx_pmt_unpin]") {
  BtiRig k;
  Handle event = k.event();
  REQUIRE(k.call("pmt_unpin", event) == Status::kWrongType);
  REQUIRE_FALSE(k.valid(event));
  REQUIRE(k.call("pmt_unpin", event) == Status::kBadHandle);
}

TEST_CASE("pins survive a snapshot, and are let go of by who holds them", "[zx_pmt_unpin]") {
  BtiRig k;
  Handle vmo = k.plain(3);
  Handle first = k.pinned(vmo, 0, 2);
  Handle second = k.pinned(vmo, 1, 2, kPermRead | kPermWrite);
  k.reload();
  REQUIRE(k.bti_info().pmo_count == 2);
  REQUIRE(k.pins(vmo) == 4);
  REQUIRE(k.call("pmt_unpin", first) == Status::kOk);
  REQUIRE(k.pins(vmo) == 2);
  REQUIRE(k.op(vmo, VmoOp::kDecommit, 0, 1) == Status::kOk);
  REQUIRE(k.op(vmo, VmoOp::kDecommit, 1, 1) == Status::kBadState);
  REQUIRE(k.call("pmt_unpin", second) == Status::kOk);
  REQUIRE(k.op(vmo, VmoOp::kDecommit, 0, 3) == Status::kOk);
}

// What a damaged snapshot says of tokens must not make one let go of another's pins.
TEST_CASE("a pin that is loaded belongs to one token") {
  BtiRig k;
  Handle vmo = k.plain(3);
  k.pinned(vmo, 0, 2);
  Vmo& pages = k.vmo(vmo);
  REQUIRE(pages.claim_pins(0, 2 * kPage));
  REQUIRE_FALSE(pages.claim_pins(kPage, kPage));
  k.kernel().vm().settle_loaded();
  REQUIRE(pages.claim_pins(kPage, kPage));
  for (auto [offset, size] : {std::pair(kPage, 2 * kPage), std::pair(uint64_t{5}, kPage), std::pair(kPage, uint64_t{0}),
                              std::pair(3 * kPage, kPage)})
    REQUIRE_FALSE(pages.claim_pins(offset, size));
  k.kernel().vm().settle_loaded();
}

TEST_CASE("device registers are pinned by their addresses", "[zx_bti_pin][zx_vmo_create_physical]") {
  BtiRig k;
  Handle registers = k.physical(0x1000'0000, 3 * kPage);
  REQUIRE(k.pin(registers, 1, 2, kPermRead | kContiguous, 1) == Status::kOk);
  REQUIRE(k.address(0) == 0x1000'0000 + kPage);
  REQUIRE(k.pin(registers, 2, 2, kPermRead, 2) == Status::kOutOfRange);
  k.reload();
  REQUIRE(k.call("pmt_unpin", k.peek<Handle>(k.pmt)) == Status::kOk);
}

// --- vmo_create_contiguous ---

TEST_CASE("a contiguous VMO has all its pages, in one run, where it was asked for", "[zx_vmo_create_contiguous]") {
  BtiRig k;
  Handle run = k.make("vmo_create_contiguous", k.bti, 3 * kPage - 5, 16);
  REQUIRE(k.basic(run).rights == abi::default_rights(ObjectType::kVmo));
  auto info = k.info<abi::InfoVmo>(run, abi::InfoTopic::kVmo);
  REQUIRE(info.size_bytes == 3 * kPage);
  REQUIRE(info.committed_bytes == 3 * kPage);
  REQUIRE(info.flags ==
          (abi::InfoVmoFlags::kTypePaged | abi::InfoVmoFlags::kContiguous | abi::InfoVmoFlags::kViaHandle));
  REQUIRE(info.cache_policy == abi::CachePolicy::kCached);
  auto old = k.info<abi::InfoVmoV1>(run, abi::InfoTopic::kVmoV1);
  REQUIRE((old.flags == info.flags && old.committed_bytes == info.committed_bytes));
  REQUIRE(k.property<uint64_t>(run, abi::Property::kVmoContentSize) == 3 * kPage - 5);
  PhysAddr base = k.vmo(run).pages()->peek(0)->address;
  REQUIRE(base.value % 0x1'0000 == 0);
  for (uint64_t i = 0; i < 3; ++i) REQUIRE(k.vmo(run).pages()->peek(i)->address == base + i * kPage);

  REQUIRE(k.call("vmo_set_size", run, kPage) == Status::kUnavailable);
  REQUIRE(k.call("vmo_create_child", run, abi::VmoChildOptions::kSnapshot, 0, kPage, k.room(4)) ==
          Status::kNotSupported);
  GuestAddr word = k.user(uint32_t{5});
  REQUIRE(k.call("vmo_write", run, word, kPage, 4) == Status::kOk);
  REQUIRE(k.op(run, VmoOp::kDecommit, 0, 3) == Status::kNotSupported);
  REQUIRE(k.op(run, VmoOp::kZero, 0, 3) == Status::kOk);
  REQUIRE(k.vmo(run).attributed_bytes() == 3 * kPage);
  REQUIRE(k.call("vmo_read", run, word, kPage, 4) == Status::kOk);
  REQUIRE(k.peek<uint32_t>(word) == 0);
  REQUIRE(k.call("pager_create", 0, k.room(4)) == Status::kOk);
}

TEST_CASE("contiguous memory is uncached before it is used otherwise, and stays so", "[zx_vmo_set_cache_policy]") {
  BtiRig k;
  Handle run = k.contiguous(1);
  REQUIRE(k.call("vmo_set_cache_policy", run, abi::CachePolicy::kWriteCombining) == Status::kOk);
  REQUIRE(k.call("vmo_set_cache_policy", run, abi::CachePolicy::kWriteCombining) == Status::kBadState);
  REQUIRE(k.call("vmo_set_cache_policy", run, abi::CachePolicy::kCached) == Status::kBadState);
  REQUIRE(k.info<abi::InfoVmo>(run, abi::InfoTopic::kVmo).cache_policy == abi::CachePolicy::kWriteCombining);
  REQUIRE(k.call("vmo_read", run, k.room(4), 0, 4) == Status::kBadState);
  // Slices of it are as uncached as it is.
  Handle slice = k.make("vmo_create_child", run, abi::VmoChildOptions::kSlice, 0, kPage);
  REQUIRE(k.info<abi::InfoVmo>(slice, abi::InfoTopic::kVmo).cache_policy == abi::CachePolicy::kWriteCombining);
}

TEST_CASE("vmo_create_contiguous checks size, alignment, policy and initiator", "[zx_vmo_create_contiguous]") {
  BtiRig k;
  GuestAddr out = k.room(4);
  auto create = [&](Handle bti, uint64_t size, uint32_t alignment) {
    return k.call("vmo_create_contiguous", bti, size, alignment, out);
  };
  REQUIRE(create(k.bti, 0, 0) == Status::kInvalidArgs);
  REQUIRE(create(k.bti, kPage, 11) == Status::kInvalidArgs);
  REQUIRE(create(k.bti, kPage, 64) == Status::kInvalidArgs);
  REQUIRE(create(IpcRig::kBad, kPage, 0) == Status::kBadHandle);
  REQUIRE(create(k.iommu, kPage, 0) == Status::kWrongType);
  REQUIRE(create(k.handle(k.object<Object>(k.bti), Rights::kRead), kPage, 0) == Status::kAccessDenied);
  REQUIRE(create(k.bti, ~uint64_t{0}, 0) == Status::kOutOfRange);
  REQUIRE(create(k.bti, KernelRig::kRamSize, 0) == Status::kNoMemory);
  REQUIRE(create(k.bti, kPage, 63) == Status::kNoMemory);
  REQUIRE(create(k.bti, kPage, 12) == Status::kOk);
  REQUIRE(k.call("vmo_create_contiguous", k.bti, kPage, 0, IpcRig::kNowhere) == Status::kInvalidArgs);
  REQUIRE(k.call_denied(abi::PolicyCondition::kNewVmo, "vmo_create_contiguous", k.bti, kPage, 0, out) ==
          Status::kAccessDenied);
}

// --- vmo_create_physical ---

TEST_CASE("a physical VMO shows addresses that are not memory", "[zx_vmo_create_physical]") {
  BtiRig k;
  uint64_t free = k.pmm().free_count();
  Handle registers = k.physical(0x9000'0000, kPage + 1);
  REQUIRE(k.basic(registers).rights == abi::default_rights(ObjectType::kVmo));
  REQUIRE(k.pmm().free_count() == free);
  auto info = k.info<abi::InfoVmo>(registers, abi::InfoTopic::kVmo);
  REQUIRE(info.size_bytes == 2 * kPage);
  REQUIRE(info.committed_bytes == 0);
  REQUIRE(info.flags == (abi::InfoVmoFlags::kContiguous | abi::InfoVmoFlags::kViaHandle));
  REQUIRE(info.cache_policy == abi::CachePolicy::kUncached);
  REQUIRE(k.property<uint64_t>(registers, abi::Property::kVmoContentSize) == 2 * kPage);

  for (VmoOp what : {VmoOp::kCommit, VmoOp::kDecommit, VmoOp::kZero, VmoOp::kTryLock, VmoOp::kUnlock})
    REQUIRE(k.op(registers, what, 0, 1) == Status::kNotSupported);
  for (VmoOp what :
       {VmoOp::kCacheSync, VmoOp::kCacheClean, VmoOp::kCacheCleanInvalidate, VmoOp::kDontNeed, VmoOp::kAlwaysNeed})
    REQUIRE(k.op(registers, what, 0, 1) == Status::kOk);
  REQUIRE(k.call("vmo_read", registers, k.room(4), 0, 4) == Status::kNotSupported);
  REQUIRE(k.call("vmo_write", registers, k.room(4), 0, 4) == Status::kNotSupported);
  REQUIRE(k.call("vmo_set_size", registers, kPage) == Status::kUnavailable);
  REQUIRE(k.call("vmo_create_child", registers, abi::VmoChildOptions::kSnapshot, 0, kPage, k.room(4)) ==
          Status::kNotSupported);

  // Its policy may be anything while nobody uses it.
  for (auto policy : {abi::CachePolicy::kCached, abi::CachePolicy::kUncachedDevice, abi::CachePolicy::kUncached})
    REQUIRE(k.call("vmo_set_cache_policy", registers, policy) == Status::kOk);
  Handle slice = k.make("vmo_create_child", registers, abi::VmoChildOptions::kSlice, kPage, kPage);
  REQUIRE(k.call("vmo_set_cache_policy", registers, abi::CachePolicy::kCached) == Status::kBadState);
  REQUIRE(k.call("vmo_set_cache_policy", slice, abi::CachePolicy::kCached) == Status::kBadState);
  REQUIRE(k.vmo(slice).pinned_address(0) == PhysAddr(0x9000'0000 + kPage));
}

TEST_CASE("a mapping of a physical VMO is of the kind that its policy says", "[zx_vmo_create_physical][zx_vmar_map]") {
  BtiRig k;
  AddressSpace& space = k.process()->memory();
  Handle registers = k.physical(0x9000'0000, kPage);
  Result<GuestAddr> base = space.root()->map({.vmo = k.object<Vmo>(registers),
                                              .length = kPage,
                                              .options = abi::VmOptions::kPermRead | abi::VmOptions::kPermWrite});
  REQUIRE(base.has_value());
  REQUIRE(k.call("vmo_set_cache_policy", registers, abi::CachePolicy::kCached) == Status::kBadState);
  REQUIRE(space.fault(*base, AccessKind::kWrite) == Status::kOk);
  std::optional<PageTables::Entry> entry = space.tables().query(*base);
  REQUIRE((entry && entry->frame == PhysAddr(0x9000'0000) && entry->permissions.write));
  // The kernel copies nothing from or to registers for programs.
  REQUIRE(k.call("vmo_get_size", registers, *base) == Status::kInvalidArgs);
  // When the machine says that nothing answers there, that is the program's fault.
  Thread& thread = k.main_thread();
  while (k.kernel().schedule(0) != &thread.context()) k.kernel().tasks().scheduler().yield(0, k.platform().now());
  ExceptionInfo fault = {.kind = ExceptionInfo::Kind::kPageFault, .address = *base, .access = AccessKind::kWrite};
  REQUIRE(k.kernel().page_fault(0, *base, AccessKind::kWrite));
  REQUIRE(k.kernel().page_fault_stop(0, fault) == Next::kSwitch);
  REQUIRE(k.process()->dead());
}

TEST_CASE("vmo_create_physical needs a resource for the range, and RAM is nobody's",
          "[zx_vmo_create_physical][zx_resource_create]") {
  BtiRig k;
  GuestAddr out = k.room(4);
  auto create = [&](Handle resource, uint64_t base, uint64_t size) {
    return k.call("vmo_create_physical", resource, base, size, out);
  };
  Handle all = k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kMmio, "mmio"));
  Handle part = k.handle(
      *Resource::create(k.core(), abi::ResourceKind::kMmio, 0x9000'0800, 0x1000, abi::ResourceFlags::kNone, "part"));
  REQUIRE(create(IpcRig::kBad, 0x9000'0000, kPage) == Status::kBadHandle);
  REQUIRE(create(k.event(), 0x9000'0000, kPage) == Status::kWrongType);
  REQUIRE(create(k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kIrq, "irq")), 0x9000'0000,
                 kPage) == Status::kWrongType);
  // Whole pages of what it touches.
  REQUIRE(create(part, 0x9000'0000, 2 * kPage) == Status::kOk);
  REQUIRE(create(part, 0x9000'0000, 3 * kPage) == Status::kOutOfRange);
  REQUIRE(create(all, 0x9000'0000, kPage) == Status::kOk);
  REQUIRE(create(all, 0x9000'0001, kPage) == Status::kInvalidArgs);
  REQUIRE(create(k.root, 0x9000'0000, 0) == Status::kInvalidArgs);
  REQUIRE(create(k.root, 0x9000'0000, ~uint64_t{0}) == Status::kInvalidArgs);
  REQUIRE(create(k.root, ~uint64_t{0} - kPage + 1, kPage) == Status::kOk);
  REQUIRE(create(k.root, ~uint64_t{0} - kPage + 1, 2 * kPage) == Status::kInvalidArgs);
  REQUIRE(k.call_denied(abi::PolicyCondition::kNewVmo, "vmo_create_physical", k.root, 0x9000'0000, kPage, out) ==
          Status::kAccessDenied);

  uint64_t ram = k.platform().ram_base().value;
  REQUIRE(k.core().counter("resource.denied_ranges") == 0);
  for (Handle resource : {k.root, all}) {
    REQUIRE(create(resource, ram, kPage) == Status::kAccessDenied);
    REQUIRE(create(resource, ram - kPage, 2 * kPage) == Status::kAccessDenied);
    REQUIRE(create(resource, ram + KernelRig::kRamSize - kPage, kPage) == Status::kAccessDenied);
    REQUIRE(create(resource, 0, ram + 1) == Status::kAccessDenied);
    REQUIRE(create(resource, ram - kPage, kPage) == Status::kOk);
    REQUIRE(create(resource, ram + KernelRig::kRamSize, kPage) == Status::kOk);
    REQUIRE(k.call("resource_create", resource, 0, ram, kPage, nullptr, 0, out) == Status::kAccessDenied);
  }
  REQUIRE(k.core().counter("resource.denied_ranges") == 10);
}

// --- vmo_replace_as_executable ---

TEST_CASE("a VMEX resource makes a VMO executable whatever the job's policy says", "[zx_vmo_replace_as_executable]") {
  BtiRig k;
  auto system = [&](uint64_t power) {
    return k.handle(*Resource::create(k.core(), abi::ResourceKind::kSystem, power, 1, abi::ResourceFlags::kNone, "s"));
  };
  Handle vmex = system(1);
  GuestAddr out = k.room(4);
  for (Handle good :
       {vmex, k.root, k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kSystem, "s"))}) {
    Handle vmo = k.plain(1);
    Rights before = k.basic(vmo).rights;
    REQUIRE(k.call("vmo_replace_as_executable", vmo, good, out) == Status::kOk);
    REQUIRE_FALSE(k.valid(vmo));
    REQUIRE(k.basic(k.peek<Handle>(out)).rights == (before | Rights::kExecute));
  }
  // Another resource will not do, and the VMO is lost with the attempt.
  for (auto [bad, status] : {std::pair(system(2), Status::kOutOfRange), std::pair(k.event(), Status::kWrongType),
                             std::pair(IpcRig::kBad, Status::kBadHandle)}) {
    Handle vmo = k.plain(1);
    REQUIRE(k.call("vmo_replace_as_executable", vmo, bad, out) == status);
    REQUIRE_FALSE(k.valid(vmo));
  }

  // Without one, the policy decides; with one, it is not asked.
  abi::PolicyBasicV2 deny = {abi::PolicyCondition::kAmbientMarkVmoExec, abi::PolicyAction::kDeny,
                             abi::PolicyOverride::kAllow};
  Ref<Job> poor = *Job::create(k.job());
  REQUIRE(poor->set_basic_policy(abi::PolicyOption::kAbsolute, std::span(&deny, 1)) == Status::kOk);
  Ref<Process> process = k.make_process(poor, "poor");
  Thread& thread = *process->threads().begin()->second;
  auto lend = [&](Ref<Object> object) { return k.handle(process, object, abi::default_rights(object->type())); };
  Ref<Object> vmo = k.object<Object>(k.plain(1));
  REQUIRE(k.call_as(thread, "vmo_replace_as_executable", lend(vmo), Handle{}, out) == Status::kAccessDenied);
  REQUIRE(k.call_as(thread, "vmo_replace_as_executable", lend(vmo), lend(k.object<Object>(vmex)), out) == Status::kOk);
}

}  // namespace
}  // namespace jacinth::kernel
