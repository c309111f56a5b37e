// Faults, and the kernel's own way into user memory.

#include "kernel/vm/address_space.h"

#include "tests/kernel/vm/vm_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using enum abi::VmOptions;
using abi::VmOptions;

constexpr uint64_t kPage = kPageSize;
constexpr VmOptions kReadWrite = kPermRead | kPermWrite;

struct SpaceRig : VmRig {
  SpaceRig() { space(); }
  Status fault(GuestAddr address, AccessKind access) { return space(0).fault(address, access); }
  std::optional<PageTables::Entry> entry(GuestAddr page) { return space(0).tables().query(page); }
  PhysAddr zeros() { return pmm().address(pmm_zero()); }
};

TEST_CASE("A read of an untouched page shows the shared page of zeros, read-only") {
  SpaceRig rig;
  Koid vmo = rig.vmo(2 * kPage);
  GuestAddr base = rig.map_all(vmo);

  REQUIRE(rig.fault(base + 5, AccessKind::kRead) == Status::kOk);
  REQUIRE(rig.entry(base)->frame == rig.zeros());
  REQUIRE_FALSE(rig.entry(base)->permissions.write);
  REQUIRE(rig.committed(vmo) == 0);

  REQUIRE(rig.fault(base, AccessKind::kWrite) == Status::kOk);
  REQUIRE(rig.entry(base)->frame != rig.zeros());
  REQUIRE(rig.entry(base)->permissions.write);
  REQUIRE(rig.committed(vmo) == 1);
}

TEST_CASE("The first write through one mapping replaces the zeros in all others") {
  SpaceRig rig;
  rig.space();
  Koid vmo = rig.vmo(kPage);
  GuestAddr here = rig.map_all(vmo, 0);
  GuestAddr again = rig.map_all(vmo, 0);
  GuestAddr there = rig.map_all(vmo, 1);
  REQUIRE(rig.peek(again, 0) == 0);
  REQUIRE(rig.peek(there, 1) == 0);

  rig.poke(here, 5);

  REQUIRE(rig.peek(again, 0) == 5);
  REQUIRE(rig.peek(there, 1) == 5);
}

TEST_CASE("A fault says why it cannot be resolved") {
  SpaceRig rig;
  Koid vmo = rig.vmo(2 * kPage, abi::VmoOptions::kResizable);
  GuestAddr base = *rig.map(rig.root(), vmo, 0, 2 * kPage, kPermRead);

  REQUIRE(rig.fault(GuestAddr(0), AccessKind::kRead) == Status::kNotFound);
  REQUIRE(rig.fault(GuestAddr(~uint64_t{0}), AccessKind::kRead) == Status::kNotFound);
  REQUIRE(rig.fault(base, AccessKind::kWrite) == Status::kAccessDenied);
  REQUIRE(rig.fault(base, AccessKind::kExecute) == Status::kAccessDenied);
  REQUIRE(rig.fault(base + kPage, AccessKind::kRead) == Status::kOk);
  REQUIRE(rig.at(vmo).set_size(kPage) == Status::kOk);
  REQUIRE_FALSE(rig.entry(base + kPage).has_value());
  REQUIRE(rig.fault(base + kPage, AccessKind::kRead) == Status::kOutOfRange);
}

TEST_CASE("A fault without memory fails and can be tried again") {
  SpaceRig rig;
  rig.pin();
  Koid vmo = rig.vmo(kPage);
  GuestAddr base = rig.map_all(vmo);
  rig.pmm().fail_after(0);
  REQUIRE(rig.fault(base, AccessKind::kWrite) == Status::kNoMemory);
  REQUIRE(rig.fault(base, AccessKind::kRead) == Status::kOk);
  rig.pmm().never_fail();
  REQUIRE(rig.fault(base, AccessKind::kWrite) == Status::kOk);
}

TEST_CASE("A page that a snapshot sees is entered read-only, and copied by the first write") {
  SpaceRig rig;
  Koid vmo = rig.tagged(1);
  GuestAddr base = rig.map_all(vmo);
  REQUIRE(rig.fault(base, AccessKind::kWrite) == Status::kOk);
  PhysAddr shared = rig.entry(base)->frame;

  Koid child = rig.snapshot(vmo, 0, kPage);
  REQUIRE_FALSE(rig.entry(base)->permissions.write);
  GuestAddr at_child = rig.map_all(child);
  REQUIRE(rig.fault(at_child, AccessKind::kRead) == Status::kOk);
  REQUIRE(rig.entry(at_child)->frame == shared);
  REQUIRE_FALSE(rig.entry(at_child)->permissions.write);

  rig.poke(base, 9);
  REQUIRE(rig.entry(base)->frame != shared);
  // The child is the only one left with the old frame: it writes in place.
  rig.poke(at_child, 10);
  REQUIRE(rig.entry(at_child)->frame == shared);
  REQUIRE(rig.peek(base) == 9);
}

TEST_CASE("A fault on a page brings its neighbours that lie ready, and no others") {
  SpaceRig rig;
  Koid vmo = rig.vmo(40 * kPage);
  for (uint64_t page : {17, 18, 20, 31, 32}) rig.put(vmo, page * kPage, 1);
  GuestAddr base = *rig.map(rig.root(), vmo, 0, 40 * kPage, kReadWrite | VmOptions{16u << abi::kVmAlignShift});

  REQUIRE(rig.fault(base + 18 * kPage, AccessKind::kRead) == Status::kOk);
  for (uint64_t page : {17, 18, 20, 31}) REQUIRE(rig.entry(base + page * kPage).has_value());
  for (uint64_t page : {16, 19, 32}) REQUIRE_FALSE(rig.entry(base + page * kPage).has_value());
  REQUIRE(rig.committed(vmo) == 5);
}

TEST_CASE("A copy crosses pages, mappings and their absence") {
  SpaceRig rig;
  Koid vmo = rig.vmo(3 * kPage);
  GuestAddr base = rig.map_all(vmo);
  std::vector<std::byte> bytes(2 * kPage, std::byte{7});

  REQUIRE(rig.space(0).write(base + 100, bytes) == Status::kOk);
  std::vector<std::byte> back(2 * kPage);
  REQUIRE(rig.space(0).read(base + 100, back) == Status::kOk);
  REQUIRE(back == bytes);
  REQUIRE(rig.space(0).write(base + kPage + 1, bytes) == Status::kInvalidArgs);
  REQUIRE(rig.space(0).read(GuestAddr(8), back) == Status::kInvalidArgs);
  REQUIRE(rig.space(0).read(GuestAddr(~uint64_t{0} - 3), back) == Status::kInvalidArgs);
  REQUIRE(rig.space(0).read(GuestAddr(8), {}) == Status::kOk);
}

TEST_CASE("A copy obeys the mapping's permissions, also those that changed since the last one") {
  SpaceRig rig;
  Koid vmo = rig.tagged(2);
  GuestAddr base = rig.map_all(vmo);
  rig.poke(base, 3);
  std::vector<std::byte> word(4);

  REQUIRE(rig.root().protect(base, kPage, kPermRead) == Status::kOk);
  REQUIRE(rig.space(0).write(base, word) == Status::kInvalidArgs);
  REQUIRE(rig.peek(base) == 3);
  REQUIRE(rig.root().protect(base, kPage, kNone) == Status::kOk);
  REQUIRE(rig.space(0).read(base, word) == Status::kInvalidArgs);
  REQUIRE(rig.peek(base + kPage) == 2);
  REQUIRE(rig.root().unmap(base + kPage, kPage) == Status::kOk);
  REQUIRE(rig.space(0).read(base + kPage, word) == Status::kInvalidArgs);
}

TEST_CASE("A copy sees what changed behind the mapping since the last one") {
  SpaceRig rig;
  Koid vmo = rig.tagged(1);
  GuestAddr base = rig.map_all(vmo);
  REQUIRE(rig.peek(base) == 1);

  REQUIRE(rig.at(vmo).decommit(0, kPage) == Status::kOk);
  REQUIRE(rig.peek(base) == 0);
  rig.put(vmo, 0, 2);
  REQUIRE(rig.peek(base) == 2);
  Koid child = rig.snapshot(vmo, 0, kPage);
  rig.poke(base, 3);
  REQUIRE(rig.get(child, 0) == 2);
}

TEST_CASE("Device registers are not memory to copy") {
  SpaceRig rig;
  Koid vmo = rig.hold(*Vmo::create_physical(rig.core(), PhysAddr(0x900'0000), kPage));
  GuestAddr base = rig.map_all(vmo);
  std::vector<std::byte> word(4);
  REQUIRE(rig.space(0).read(base, word) == Status::kInvalidArgs);
  REQUIRE(rig.fault(base, AccessKind::kWrite) == Status::kOk);
  REQUIRE(rig.entry(base)->frame == PhysAddr(0x900'0000));
}

TEST_CASE("Two spaces see the same VMO and nothing else of each other") {
  SpaceRig rig;
  rig.space();
  Koid shared = rig.vmo(kPage);
  GuestAddr here = rig.map_all(shared, 0);
  GuestAddr there = rig.map_all(shared, 1);
  rig.poke(here, 4, 0);
  REQUIRE(rig.peek(there, 1) == 4);
  std::vector<std::byte> word(4);
  if (here != there) REQUIRE(rig.space(1).read(here, word) == Status::kInvalidArgs);
}

TEST_CASE("A mapping keeps the VMO's pages after the last handle") {
  SpaceRig rig;
  Koid vmo = rig.tagged(1);
  GuestAddr base = rig.map_all(vmo);
  rig.close(vmo);
  REQUIRE(rig.peek(base) == 1);
  REQUIRE(rig.object_frames() == 1);
  REQUIRE(rig.root().unmap(base, kPage) == Status::kOk);
  rig.core().objects().drain();
  REQUIRE(rig.object_frames() == 0);
}

}  // namespace
}  // namespace jacinth::kernel
