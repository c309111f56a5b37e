// Children: slices, snapshots, who sees which write, who is charged for which page, and how they outlive each other.

#include <algorithm>
#include <array>

#include "kernel/vm/vmo.h"
#include "tests/kernel/vm/vm_rig.h"
#include "tests/support/small_stack.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::InfoVmoFlags;
using abi::VmoChildOptions;
using abi::VmoOptions;

constexpr uint64_t kPage = kPageSize;

bool childless(VmRig& rig, Koid vmo) { return contains(rig.at(vmo).signals(), Signals::kVmoZeroChildren); }

Status child_status(VmRig& rig, Koid vmo, VmoChildOptions options, uint64_t offset, uint64_t size) {
  return rig.at(vmo).create_child(options, offset, size, false).status();
}

// --- snapshots ---

TEST_CASE("A write to a snapshot or its parent is not seen by the other") {
  VmRig rig;
  Koid parent = rig.tagged(2);
  Koid child = rig.snapshot(parent, 0, 2 * kPage);
  REQUIRE(rig.get(child, kPage) == 2);

  rig.put(child, 0, 10);
  rig.put(parent, kPage, 20);

  REQUIRE(rig.get(parent, 0) == 1);
  REQUIRE(rig.get(child, 0) == 10);
  REQUIRE(rig.get(parent, kPage) == 20);
  REQUIRE(rig.get(child, kPage) == 2);
}

TEST_CASE("The same through mappings") {
  VmRig rig;
  rig.space();
  Koid parent = rig.tagged(2);
  GuestAddr at_parent = rig.map_all(parent);
  rig.poke(at_parent, 5);
  Koid child = rig.snapshot(parent, 0, 2 * kPage);
  GuestAddr at_child = rig.map_all(child);
  REQUIRE(rig.peek(at_child) == 5);

  rig.poke(at_parent, 6);
  rig.poke(at_child + kPage, 7);

  REQUIRE(rig.peek(at_parent) == 6);
  REQUIRE(rig.peek(at_child) == 5);
  REQUIRE(rig.peek(at_parent + kPage) == 2);
  REQUIRE(rig.get(child, kPage) == 7);
}

TEST_CASE("A snapshot reaches past its parent's end with zeros") {
  VmRig rig;
  Koid parent = rig.tagged(2, VmoOptions::kResizable);
  Koid child = rig.snapshot(parent, kPage, 3 * kPage);
  REQUIRE(rig.at(parent).set_size(4 * kPage) == Status::kOk);
  rig.put(parent, 2 * kPage, 9);

  REQUIRE(rig.get(child, 0) == 2);
  REQUIRE(rig.get(child, kPage) == 0);
  REQUIRE(rig.get(child, 2 * kPage) == 0);

  Koid beyond = rig.snapshot(parent, 100 * kPage, 2 * kPage);
  rig.put(beyond, kPage, 3);
  REQUIRE(rig.get(beyond, 0) == 0);
  REQUIRE(rig.get(beyond, kPage) == 3);
}

TEST_CASE("A snapshot that grows does not see what lay behind its window") {
  VmRig rig;
  Koid parent = rig.tagged(3);
  Koid child = rig.child(parent, VmoChildOptions::kSnapshot | VmoChildOptions::kResizable, kPage, kPage);

  REQUIRE(rig.at(child).set_size(2 * kPage) == Status::kOk);
  REQUIRE(rig.get(child, kPage) == 0);

  REQUIRE(rig.at(child).set_size(0) == Status::kOk);
  REQUIRE(rig.at(child).set_size(kPage) == Status::kOk);
  REQUIRE(rig.get(child, 0) == 0);
}

TEST_CASE("A shrinking parent takes nothing from its snapshot") {
  VmRig rig;
  Koid parent = rig.tagged(3, VmoOptions::kResizable);
  Koid child = rig.snapshot(parent, kPage, kPage);

  REQUIRE(rig.at(parent).set_size(0) == Status::kOk);

  REQUIRE(rig.get(child, 0) == 2);
  REQUIRE(rig.committed(parent) == 0);
  REQUIRE(rig.committed(child) == 1);
  REQUIRE(rig.object_frames() == 1);
}

TEST_CASE("A snapshot of a snapshot sees each as it was then") {
  VmRig rig;
  Koid first = rig.tagged(3);
  Koid second = rig.snapshot(first, 0, 3 * kPage);
  rig.put(second, kPage, 20);
  Koid third = rig.snapshot(second, kPage, 2 * kPage);
  rig.put(second, kPage, 21);
  rig.put(first, 2 * kPage, 30);

  REQUIRE(rig.get(third, 0) == 20);
  REQUIRE(rig.get(third, kPage) == 3);
}

TEST_CASE("Snapshots outlive their parents in any order") {
  std::array<size_t, 4> order = {0, 1, 2, 3};
  do {
    VmRig rig;
    std::array<Koid, 4> vmos;
    vmos[0] = rig.tagged(4);
    vmos[1] = rig.snapshot(vmos[0], kPage, 2 * kPage);
    vmos[2] = rig.snapshot(vmos[1], 0, kPage);
    vmos[3] = rig.snapshot(vmos[0], 3 * kPage, kPage);
    std::array<uint32_t, 4> shows = {1, 2, 2, 4};

    for (size_t closed = 0; closed < 4; ++closed) {
      rig.close(vmos[order[closed]]);
      for (size_t i = closed + 1; i < 4; ++i) REQUIRE(rig.get(vmos[order[i]], 0) == shows[order[i]]);
    }
    REQUIRE(rig.object_frames() == 0);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("A chain of 100 000 snapshots lives and dies without deep stacks") {
  VmRig rig;
  rig.pin();
  Koid first = rig.tagged(1);
  uint32_t seen = 0;
  uint64_t frames_of_chain = 0;
  uint64_t frames_of_last = 0;

  on_small_stack([&] {
    auto bytes = [](uint32_t& value) { return std::as_writable_bytes(std::span(&value, 1)); };
    std::vector<Ref<Vmo>> chain = {Ref<Vmo>(&rig.at(first))};
    for (uint32_t i = 0; i < 100'000; ++i) {
      chain.push_back(*chain.back()->create_child(VmoChildOptions::kSnapshot, 0, kPage, false));
      if (i % 10'000 == 0) (void)chain.back()->write(8, bytes(i));
    }
    frames_of_chain = rig.object_frames();
    chain.erase(chain.begin() + 1, chain.end() - 1);
    rig.core().objects().drain();
    (void)chain.back()->read(8, bytes(seen));
    frames_of_last = rig.object_frames();
    chain.clear();
    rig.core().objects().drain();
  });

  REQUIRE(frames_of_chain == 11);
  REQUIRE(seen == 90'000);
  REQUIRE(frames_of_last == 2);
  REQUIRE(rig.object_frames() == 1);
}

TEST_CASE("A snapshot asks for whole pages in the parent and for room in the numbering") {
  VmRig rig;
  Koid vmo = rig.vmo(2 * kPage);
  REQUIRE(child_status(rig, vmo, VmoChildOptions::kSnapshot, 5, kPage) == Status::kInvalidArgs);
  REQUIRE(child_status(rig, vmo, VmoChildOptions::kSnapshot, 0, ~uint64_t{0}) == Status::kOutOfRange);
  REQUIRE(child_status(rig, vmo, VmoChildOptions::kSnapshot, ~kPageMask, 2 * kPage) == Status::kInvalidArgs);
  REQUIRE(child_status(rig, vmo, VmoChildOptions::kNone, 0, kPage) == Status::kInvalidArgs);
  REQUIRE(child_status(rig, vmo, VmoChildOptions::kSnapshot | VmoChildOptions::kSnapshotAtLeastOnWrite, 0, kPage) ==
          Status::kInvalidArgs);
  REQUIRE(child_status(rig, vmo, VmoChildOptions::kSnapshot | VmoChildOptions::kSlice, 0, kPage) ==
          Status::kInvalidArgs);
  REQUIRE(child_status(rig, vmo, VmoChildOptions{1u << 20} | VmoChildOptions::kSnapshot, 0, kPage) ==
          Status::kInvalidArgs);

  // Offsets along a chain add up. A program that tries to wrap them is told so.
  Koid link = rig.vmo(Vmo::kMaxSize);
  rig.put(link, Vmo::kMaxSize - kPage, 1);
  uint64_t half = uint64_t{1} << 63;
  int made = 0;
  while (child_status(rig, link, VmoChildOptions::kSnapshot, half, Vmo::kMaxSize - half) == Status::kOk && made < 100) {
    link = rig.snapshot(link, half, Vmo::kMaxSize - half);
    Koid larger = rig.child(link, VmoChildOptions::kSnapshot | VmoChildOptions::kResizable, 0, half);
    REQUIRE(rig.at(larger).set_size(Vmo::kMaxSize) == Status::kOk);
    rig.put(larger, Vmo::kMaxSize - kPage, 1);
    link = larger;
    ++made;
  }
  REQUIRE(made >= 2);
  REQUIRE(made < 100);
}

TEST_CASE("A snapshot needs no frame until somebody writes, and then one for each page") {
  VmRig rig;
  Koid parent = rig.tagged(8);
  Koid child = rig.snapshot(parent, 0, 8 * kPage);
  REQUIRE(rig.object_frames() == 8);

  rig.put(child, 0, 1);
  rig.put(child, 4, 1);
  REQUIRE(rig.object_frames() == 9);
  // Nobody else sees the parent's first page any more.
  rig.put(parent, 0, 1);
  REQUIRE(rig.object_frames() == 9);
}

TEST_CASE("A failed copy leaves both sides as they were") {
  VmRig rig;
  rig.pin();
  Koid parent = rig.tagged(1);
  Koid child = rig.snapshot(parent, 0, kPage);
  rig.pmm().fail_after(0);

  uint32_t value = 5;
  REQUIRE(rig.at(child).write(0, std::as_bytes(std::span(&value, 1))) == Status::kNoMemory);
  rig.pmm().never_fail();

  REQUIRE(rig.get(parent, 0) == 1);
  REQUIRE(rig.get(child, 0) == 1);
  REQUIRE(rig.object_frames() == 1);
}

TEST_CASE("Decommitting is not for VMOs that share pages with snapshots") {
  VmRig rig;
  Koid parent = rig.tagged(1);
  Koid child = rig.snapshot(parent, 0, kPage);
  REQUIRE(rig.at(parent).decommit(0, kPage) == Status::kNotSupported);
  REQUIRE(rig.at(child).decommit(0, kPage) == Status::kNotSupported);

  rig.close(parent);
  REQUIRE(rig.at(child).decommit(0, kPage) == Status::kOk);
  REQUIRE(rig.get(child, 0) == 0);
}

TEST_CASE("Zeroing a snapshot leaves its parent alone") {
  VmRig rig;
  Koid parent = rig.tagged(3);
  Koid child = rig.snapshot(parent, 0, 3 * kPage);

  REQUIRE(rig.at(child).zero(2, 2 * kPage) == Status::kOk);

  REQUIRE(rig.get(child, 0) == 1);
  REQUIRE(rig.get(child, kPage) == 0);
  REQUIRE(rig.get(child, 2 * kPage) == 0);
  for (uint32_t page = 0; page < 3; ++page) REQUIRE(rig.get(parent, page * kPage) == page + 1);
}

// --- who is charged ---

TEST_CASE("Pages are charged to the parent until each has its own") {
  VmRig rig;
  Koid parent = rig.tagged(2);
  Koid child = rig.snapshot(parent, 0, 2 * kPage);
  REQUIRE(rig.committed(parent) == 2);
  REQUIRE(rig.committed(child) == 0);

  rig.put(parent, 0, 5);  // The child alone sees the old page now.
  REQUIRE(rig.committed(parent) == 2);
  REQUIRE(rig.committed(child) == 1);

  rig.put(child, kPage, 5);
  REQUIRE(rig.committed(parent) == 2);
  REQUIRE(rig.committed(child) == 2);

  rig.put(parent, kPage, 6);
  rig.put(child, 0, 6);
  REQUIRE(rig.committed(parent) == 2);
  REQUIRE(rig.committed(child) == 2);
}

TEST_CASE("A page split among three generations is charged once to each") {
  VmRig rig;
  Koid first = rig.tagged(1);
  Koid second = rig.snapshot(first, 0, kPage);
  Koid third = rig.snapshot(second, 0, kPage);
  rig.put(second, 0, 3);
  rig.put(third, 0, 4);
  for (Koid vmo : {first, second, third}) REQUIRE(rig.committed(vmo) == 1);

  rig.close(first);
  REQUIRE(rig.committed(second) == 1);
  REQUIRE(rig.committed(third) == 1);
  REQUIRE(rig.object_frames() == 2);
}

TEST_CASE("When the one that is charged goes, the next oldest is") {
  VmRig rig;
  Koid parent = rig.tagged(3);
  Koid older = rig.snapshot(parent, 0, 2 * kPage);
  rig.put(older, kPage, 4);
  Koid younger = rig.snapshot(parent, 0, kPage);
  REQUIRE(rig.committed(parent) == 3);
  REQUIRE(rig.committed(older) == 1);
  REQUIRE(rig.committed(younger) == 0);

  rig.close(parent);
  REQUIRE(rig.committed(older) == 2);
  REQUIRE(rig.committed(younger) == 0);
  REQUIRE(rig.object_frames() == 2);
}

TEST_CASE("Writes to pages that were zero cost each VMO one page") {
  VmRig rig;
  std::array<Koid, 4> vmos;
  vmos[0] = rig.vmo(kPage);
  vmos[1] = rig.snapshot(vmos[0], 0, kPage);
  vmos[2] = rig.snapshot(vmos[0], 0, kPage);
  vmos[3] = rig.snapshot(vmos[1], 0, kPage);

  for (uint32_t i = 0; i < 4; ++i) {
    rig.put(vmos[i], 0, i + 1);
    for (uint32_t j = 0; j < 4; ++j) {
      REQUIRE(rig.get(vmos[j], 0) == (j <= i ? j + 1 : 0));
      REQUIRE(rig.committed(vmos[j]) == (j <= i ? 1 : 0));
    }
  }
}

// --- slices ---

TEST_CASE("A slice is a window: writes go through both ways") {
  VmRig rig;
  Koid parent = rig.tagged(4);
  Koid slice = rig.slice(parent, kPage, 2 * kPage);
  Koid inner = rig.slice(slice, kPage, kPage);

  rig.put(inner, 0, 30);
  rig.put(parent, kPage, 20);

  REQUIRE(rig.get(parent, 2 * kPage) == 30);
  REQUIRE(rig.get(slice, kPage) == 30);
  REQUIRE(rig.get(slice, 0) == 20);
  REQUIRE(rig.committed(slice) == 0);
  REQUIRE(rig.committed(parent) == 4);
}

TEST_CASE("Operations on a slice are its parent's") {
  VmRig rig;
  Koid parent = rig.tagged(4);
  Koid slice = rig.slice(parent, kPage, 2 * kPage);

  REQUIRE(rig.at(slice).decommit(0, kPage) == Status::kOk);
  REQUIRE(rig.get(parent, kPage) == 0);
  REQUIRE(rig.at(slice).zero(kPage, kPage) == Status::kOk);
  REQUIRE(rig.get(parent, 2 * kPage) == 0);
  REQUIRE(rig.at(slice).commit(0, 2 * kPage) == Status::kOk);
  REQUIRE(rig.committed(parent) == 4);
  REQUIRE(rig.at(slice).commit(0, 3 * kPage) == Status::kOutOfRange);
  REQUIRE(rig.at(parent).decommit(0, 4 * kPage) == Status::kOk);
}

TEST_CASE("A slice lies within its parent, which keeps its size") {
  VmRig rig;
  Koid parent = rig.vmo(2 * kPage, VmoOptions::kResizable);
  constexpr uint64_t kHuge = ~kPageMask;

  REQUIRE(child_status(rig, parent, VmoChildOptions::kSlice, 0, 3 * kPage) == Status::kInvalidArgs);
  REQUIRE(child_status(rig, parent, VmoChildOptions::kSlice, 2 * kPage, kPage) == Status::kInvalidArgs);
  REQUIRE(child_status(rig, parent, VmoChildOptions::kSlice, 0, ~uint64_t{0}) == Status::kOutOfRange);
  REQUIRE(child_status(rig, parent, VmoChildOptions::kSlice, 0, kHuge) == Status::kOutOfRange);
  REQUIRE(child_status(rig, parent, VmoChildOptions::kSlice, kHuge, kPage) == Status::kInvalidArgs);
  REQUIRE(child_status(rig, parent, VmoChildOptions::kSlice, 0, kPage) == Status::kNotSupported);
  REQUIRE(child_status(rig, parent, VmoChildOptions::kSlice | VmoChildOptions::kResizable, 0, kPage) ==
          Status::kInvalidArgs);

  Koid fixed = rig.vmo(kPage);
  REQUIRE(rig.at(rig.slice(fixed, 0, 42)).size() == kPage);
  Koid empty = rig.slice(fixed, kPage, 0);
  std::vector<std::byte> bytes(1);
  REQUIRE(rig.at(empty).read(0, bytes) == Status::kOutOfRange);
}

TEST_CASE("A slice keeps the pages when its parent goes") {
  VmRig rig;
  Koid parent = rig.tagged(2);
  Koid slice = rig.slice(parent, kPage, kPage);
  rig.close(parent);
  REQUIRE(rig.get(slice, 0) == 2);
}

TEST_CASE("A slice of a snapshot is not to be snapshotted again") {
  VmRig rig;
  Koid child = rig.snapshot(rig.tagged(1), 0, kPage);
  Koid slice = rig.slice(child, 0, kPage);
  REQUIRE(child_status(rig, slice, VmoChildOptions::kSnapshot, 0, kPage) == Status::kNotSupported);
}

TEST_CASE("A mapped slice shows its window and ends where it ends") {
  VmRig rig;
  rig.space();
  Koid parent = rig.tagged(4);
  Koid slice = rig.slice(parent, kPage, kPage);
  Result<GuestAddr> base =
      rig.map(rig.root(), slice, 0, 2 * kPage, abi::VmOptions::kPermRead | abi::VmOptions::kPermWrite);

  REQUIRE(rig.peek(*base) == 2);
  rig.poke(*base, 22);
  REQUIRE(rig.get(parent, kPage) == 22);
  REQUIRE(rig.space(0).fault(*base + kPage, AccessKind::kRead) == Status::kOutOfRange);
  // Pages that the parent lets go of leave the slice's mapping as well.
  REQUIRE(rig.at(parent).decommit(kPage, kPage) == Status::kOk);
  REQUIRE(rig.peek(*base) == 0);
}

// --- parents and children ---

TEST_CASE("ZERO_CHILDREN is clear while a child lives, by handles or by mappings") {
  VmRig rig;
  rig.space();
  Koid parent = rig.vmo(kPage);
  REQUIRE(childless(rig, parent));

  for (VmoChildOptions kind : {VmoChildOptions::kSnapshot, VmoChildOptions::kSlice}) {
    Koid child = rig.child(parent, kind, 0, kPage);
    REQUIRE_FALSE(childless(rig, parent));
    REQUIRE(childless(rig, child));
    GuestAddr base = rig.map_all(child);

    rig.close(child);
    REQUIRE_FALSE(childless(rig, parent));
    REQUIRE(rig.root().unmap(base, kPage) == Status::kOk);
    rig.core().objects().drain();
    REQUIRE(childless(rig, parent));
  }
}

TEST_CASE("When a VMO goes, its children become its parent's") {
  VmRig rig;
  Koid top = rig.vmo(kPage);
  Koid middle = rig.snapshot(top, 0, kPage);
  Koid bottom = rig.snapshot(middle, 0, kPage);
  REQUIRE(rig.at(bottom).info().parent_koid == middle);

  rig.close(middle);
  REQUIRE_FALSE(childless(rig, top));
  REQUIRE(rig.at(top).info().num_children == 1);
  REQUIRE(rig.at(bottom).info().parent_koid == top);
  REQUIRE(contains(rig.at(bottom).info().flags, InfoVmoFlags::kIsCowClone));

  rig.close(bottom);
  REQUIRE(childless(rig, top));
}

TEST_CASE("Children are counted") {
  VmRig rig;
  Koid parent = rig.vmo(kPage);
  std::vector<Koid> children;
  for (uint64_t i = 0; i < 5; ++i) {
    children.push_back(rig.snapshot(parent, 0, kPage));
    REQUIRE(rig.at(parent).info().num_children == i + 1);
  }
  for (uint64_t i = 5; i-- > 0;) {
    rig.close(children[i]);
    REQUIRE(rig.at(parent).info().num_children == i);
  }
}

TEST_CASE("A child takes its parent's name only when it may") {
  VmRig rig;
  rig.pin();
  Koid parent = rig.vmo(kPage);
  REQUIRE(rig.at(parent).set_name("original") == Status::kOk);
  REQUIRE((*rig.at(parent).create_child(VmoChildOptions::kSnapshot, 0, kPage, true))->name() == "original");
  REQUIRE((*rig.at(parent).create_child(VmoChildOptions::kSnapshot, 0, kPage, false))->name().empty());
}

TEST_CASE("A snapshot that nobody can write or resize is immutable") {
  VmRig rig;
  Koid parent = rig.vmo(kPage);
  auto immutable = [&](VmoChildOptions options) {
    Koid child = rig.child(parent, options, 0, kPage);
    return contains(rig.at(child).info().flags, InfoVmoFlags::kImmutable);
  };
  REQUIRE(immutable(VmoChildOptions::kSnapshot | VmoChildOptions::kNoWrite));
  REQUIRE_FALSE(immutable(VmoChildOptions::kSnapshot));
  REQUIRE_FALSE(immutable(VmoChildOptions::kSnapshot | VmoChildOptions::kNoWrite | VmoChildOptions::kResizable));
  REQUIRE_FALSE(immutable(VmoChildOptions::kSnapshotAtLeastOnWrite | VmoChildOptions::kNoWrite));
}

}  // namespace
}  // namespace jacinth::kernel
