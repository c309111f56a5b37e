// VMOs: contents, sizes, clones, slices, and who is charged for a page.
#include "kernel/vm/vmo.h"

#include <algorithm>
#include <vector>

#include "tests/kernel/vm/vm_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::CachePolicy;
using abi::InfoVmoFlags;
using abi::VmoChildOptions;
using abi::VmoOptions;

constexpr uint64_t kPage = kPageSize;

TEST_CASE("A new VMO reads as zeros and takes no memory") {
  VmRig rig;
  Koid vmo = rig.vmo(uint64_t{1} << 40);

  REQUIRE(rig.get(vmo, 0) == 0);
  REQUIRE(rig.get(vmo, (uint64_t{1} << 40) - 4) == 0);

  REQUIRE(rig.committed(vmo) == 0);
  REQUIRE(rig.object_frames() == 0);
}

TEST_CASE("A byte written far out in a huge VMO costs one page") {
  VmRig rig;
  Koid vmo = rig.vmo(Vmo::kMaxSize);

  rig.put(vmo, Vmo::kMaxSize - kPage, 7);

  REQUIRE(rig.get(vmo, Vmo::kMaxSize - kPage) == 7);
  REQUIRE(rig.committed(vmo) == 1);
}

TEST_CASE("The size is rounded up to pages, and the exact one is the content size") {
  VmRig rig;
  Koid vmo = rig.vmo(kPage + 1);

  REQUIRE(rig.at(vmo).size() == 2 * kPage);
  REQUIRE(rig.at(vmo).content_size() == kPage + 1);
}

TEST_CASE("A VMO that is too large, or whose options do not go together, is refused") {
  VmRig rig;
  REQUIRE(Vmo::create(rig.core(), Vmo::kMaxSize + 1).status() == Status::kOutOfRange);
  REQUIRE(Vmo::create(rig.core(), ~uint64_t{0}).status() == Status::kOutOfRange);
  REQUIRE(Vmo::create(rig.core(), 1, VmoOptions::kResizable | VmoOptions::kDiscardable).status() ==
          Status::kInvalidArgs);
  REQUIRE(Vmo::create(rig.core(), 1, VmoOptions::kTrapDirty).status() == Status::kInvalidArgs);
  REQUIRE(Vmo::create(rig.core(), 0).status() == Status::kOk);
}

TEST_CASE("Reading and writing past the end transfers nothing") {
  VmRig rig;
  Koid vmo = rig.vmo(kPage);
  std::vector<std::byte> bytes(8, std::byte{1});

  REQUIRE(rig.at(vmo).write(kPage - 4, bytes) == Status::kOutOfRange);
  REQUIRE(rig.get(vmo, kPage - 4) == 0);
  REQUIRE(rig.at(vmo).read(kPage - 4, bytes) == Status::kOutOfRange);
  REQUIRE(bytes[0] == std::byte{1});
  REQUIRE(rig.at(vmo).read(~uint64_t{0} - 2, bytes) == Status::kOutOfRange);
  REQUIRE(rig.at(vmo).read(kPage, {}) == Status::kOk);
  REQUIRE(rig.at(vmo).read(kPage + 1, {}) == Status::kOutOfRange);
}

TEST_CASE("A transfer crosses pages") {
  VmRig rig;
  Koid vmo = rig.vmo(4 * kPage);
  std::vector<std::byte> bytes(3 * kPage - 100);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 251);

  REQUIRE(rig.at(vmo).write(50, bytes) == Status::kOk);

  std::vector<std::byte> back(bytes.size());
  REQUIRE(rig.at(vmo).read(50, back) == Status::kOk);
  REQUIRE(back == bytes);
  REQUIRE(rig.committed(vmo) == 3);
}

TEST_CASE("Only a resizable VMO changes its size") {
  VmRig rig;
  Koid vmo = rig.vmo(kPage);
  REQUIRE(rig.at(vmo).set_size(2 * kPage) == Status::kUnavailable);
  Koid resizable = rig.vmo(kPage, VmoOptions::kResizable);
  REQUIRE(rig.at(resizable).set_size(~uint64_t{0} - 5) == Status::kOutOfRange);
  REQUIRE(rig.at(resizable).set_size(2 * kPage) == Status::kOk);
  REQUIRE(rig.at(resizable).size() == 2 * kPage);
}

TEST_CASE("Shrinking frees pages, and growing again shows zeros") {
  VmRig rig;
  Koid vmo = rig.tagged(4, VmoOptions::kResizable);

  REQUIRE(rig.at(vmo).set_size(kPage + 2) == Status::kOk);
  REQUIRE(rig.committed(vmo) == 2);
  REQUIRE(rig.object_frames() == 2);

  REQUIRE(rig.at(vmo).set_size(4 * kPage) == Status::kOk);
  REQUIRE(rig.get(vmo, 0) == 1);
  // Of the second page two bytes were left: the low half of the number 2.
  REQUIRE(rig.get(vmo, kPage) == 2);
  REQUIRE(rig.get(vmo, 2 * kPage) == 0);
}

TEST_CASE("What a shrink cuts off within a page does not come back") {
  VmRig rig;
  Koid vmo = rig.vmo(kPage, VmoOptions::kResizable);
  rig.put(vmo, 8, 0xffff'ffff);

  REQUIRE(rig.at(vmo).set_size(10) == Status::kOk);
  REQUIRE(rig.at(vmo).content_size() == 10);
  REQUIRE(rig.at(vmo).set_size(kPage) == Status::kOk);

  REQUIRE(rig.get(vmo, 8) == 0xffff);
}

TEST_CASE("Committing gives every page of the range a frame") {
  VmRig rig;
  Koid vmo = rig.vmo(4 * kPage);

  REQUIRE(rig.at(vmo).commit(kPage + 1, kPage) == Status::kOk);
  REQUIRE(rig.committed(vmo) == 2);
  REQUIRE(rig.at(vmo).commit(0, 5 * kPage) == Status::kOutOfRange);
  REQUIRE(rig.at(vmo).commit(4 * kPage, 0) == Status::kOk);
  REQUIRE(rig.at(vmo).commit(5 * kPage, 0) == Status::kOutOfRange);
}

TEST_CASE("Committing more than there is fails and keeps what it got") {
  VmRig rig;
  Koid vmo = rig.vmo(8 * kPage);
  rig.pmm().fail_after(3);

  rig.pin();
  REQUIRE(rig.at(vmo).commit(0, 8 * kPage) == Status::kNoMemory);
  REQUIRE(rig.committed(vmo) == 3);
  rig.pmm().never_fail();
}

TEST_CASE("Decommitting frees whole pages, which read as zeros") {
  VmRig rig;
  Koid vmo = rig.tagged(4);

  REQUIRE(rig.at(vmo).decommit(kPage, 2 * kPage) == Status::kOk);
  REQUIRE(rig.committed(vmo) == 2);
  REQUIRE(rig.get(vmo, kPage) == 0);
  REQUIRE(rig.get(vmo, 3 * kPage) == 4);

  REQUIRE(rig.at(vmo).decommit(0, 100) == Status::kInvalidArgs);
  REQUIRE(rig.at(vmo).decommit(100, kPage) == Status::kInvalidArgs);
  REQUIRE(rig.at(vmo).decommit(3 * kPage, 2 * kPage) == Status::kOutOfRange);
}

TEST_CASE("Zeroing takes any range: whole pages are freed, the others written") {
  VmRig rig;
  Koid vmo = rig.tagged(4);
  rig.put(vmo, kPage - 4, 77);

  REQUIRE(rig.at(vmo).zero(kPage - 4, 2 * kPage + 4 + 2) == Status::kOk);

  REQUIRE(rig.get(vmo, 0) == 1);
  REQUIRE(rig.get(vmo, kPage - 4) == 0);
  REQUIRE(rig.get(vmo, kPage) == 0);
  REQUIRE(rig.get(vmo, 3 * kPage) == 0);
  REQUIRE(rig.committed(vmo) == 2);
  REQUIRE(rig.at(vmo).zero(0, 4 * kPage + 1) == Status::kOutOfRange);
}

TEST_CASE("Zeroing part of a page that was never touched costs nothing") {
  VmRig rig;
  Koid vmo = rig.vmo(2 * kPage);
  REQUIRE(rig.at(vmo).zero(10, kPage) == Status::kOk);
  REQUIRE(rig.committed(vmo) == 0);
}

TEST_CASE("A contiguous VMO is one run of frames, there from the start and for good") {
  VmRig rig;
  Koid vmo = rig.hold(*Vmo::create_contiguous(rig.core(), 4 * kPage - 5, 16 * kPage));

  REQUIRE(rig.at(vmo).size() == 4 * kPage);
  REQUIRE(rig.committed(vmo) == 4);
  PhysAddr base = rig.at(vmo).pages()->peek(0)->address;
  REQUIRE(base.value % (16 * kPage) == 0);
  for (uint64_t page = 0; page < 4; ++page) REQUIRE(rig.at(vmo).pages()->peek(page)->address == base + page * kPage);

  rig.put(vmo, kPage, 5);
  REQUIRE(rig.at(vmo).decommit(0, kPage) == Status::kNotSupported);
  REQUIRE(rig.at(vmo).create_child(abi::VmoChildOptions::kSnapshot, 0, kPage, false).status() == Status::kNotSupported);
  REQUIRE(rig.at(vmo).set_size(kPage) == Status::kUnavailable);
  REQUIRE(rig.at(vmo).zero(0, 4 * kPage) == Status::kOk);
  REQUIRE(rig.get(vmo, kPage) == 0);
  REQUIRE(rig.committed(vmo) == 4);
  REQUIRE(contains(rig.at(vmo).info().flags, InfoVmoFlags::kContiguous));

  REQUIRE(Vmo::create_contiguous(rig.core(), 0, kPage).status() == Status::kInvalidArgs);
  REQUIRE(Vmo::create_contiguous(rig.core(), FakePlatform::kRamSize, kPage).status() == Status::kNoMemory);
}

TEST_CASE("A physical VMO shows addresses that are not the kernel's memory") {
  VmRig rig;
  PhysAddr registers(0x900'0000);
  Koid vmo = rig.hold(*Vmo::create_physical(rig.core(), registers, kPage));

  REQUIRE(rig.at(vmo).cache_policy() == CachePolicy::kUncached);
  REQUIRE(rig.at(vmo).pages()->peek(0)->address == registers);
  std::vector<std::byte> bytes(4);
  REQUIRE(rig.at(vmo).read(0, bytes) == Status::kNotSupported);
  REQUIRE(rig.at(vmo).commit(0, kPage) == Status::kNotSupported);
  REQUIRE(rig.at(vmo).create_child(abi::VmoChildOptions::kSnapshot, 0, kPage, false).status() == Status::kNotSupported);
  REQUIRE_FALSE(contains(rig.at(vmo).info().flags, InfoVmoFlags::kTypePaged));
  REQUIRE(Vmo::create_physical(rig.core(), PhysAddr(5), kPage).status() == Status::kInvalidArgs);
  REQUIRE(Vmo::create_physical(rig.core(), PhysAddr(0) - kPage, 2 * kPage).status() == Status::kInvalidArgs);
}

TEST_CASE("The cache policy changes only while nobody could notice") {
  VmRig rig;
  Koid vmo = rig.vmo(kPage);
  REQUIRE(rig.at(vmo).set_cache_policy(CachePolicy::kUncached) == Status::kOk);
  REQUIRE(rig.at(vmo).info().cache_policy == CachePolicy::kUncached);
  REQUIRE(rig.at(vmo).create_child(abi::VmoChildOptions::kSnapshot, 0, kPage, false).status() == Status::kBadState);
  std::vector<std::byte> bytes(4);
  REQUIRE(rig.at(vmo).read(0, bytes) == Status::kBadState);

  // With pages, the way back to "cached" is closed.
  REQUIRE(rig.at(vmo).commit(0, kPage) == Status::kOk);
  REQUIRE(rig.at(vmo).set_cache_policy(CachePolicy::kCached) == Status::kBadState);

  Koid parent = rig.vmo(kPage);
  Koid child = rig.snapshot(parent, 0, kPage);
  REQUIRE(rig.at(parent).set_cache_policy(CachePolicy::kUncached) == Status::kBadState);
  REQUIRE(rig.at(child).set_cache_policy(CachePolicy::kUncached) == Status::kBadState);
  // Also to what it is already.
  REQUIRE(rig.at(parent).set_cache_policy(CachePolicy::kCached) == Status::kBadState);
  REQUIRE(rig.at(child).set_cache_policy(CachePolicy::kCached) == Status::kBadState);

  Koid mapped = rig.vmo(kPage);
  rig.space();
  rig.map_all(mapped);
  REQUIRE(rig.at(mapped).set_cache_policy(CachePolicy::kUncached) == Status::kBadState);
}

TEST_CASE("A discardable VMO counts its locks and has no children") {
  VmRig rig;
  Koid vmo = rig.vmo(2 * kPage, VmoOptions::kDiscardable);
  abi::VmoLockState state;

  REQUIRE(rig.at(vmo).unlock(0, 2 * kPage) == Status::kBadState);
  REQUIRE(rig.at(vmo).lock(0, 2 * kPage, &state) == Status::kOk);
  REQUIRE(state.size == 2 * kPage);
  REQUIRE(state.discarded_size == 0);
  REQUIRE(rig.at(vmo).lock(0, kPage, nullptr) == Status::kOutOfRange);
  REQUIRE(rig.at(vmo).unlock(0, 2 * kPage) == Status::kOk);
  REQUIRE(rig.at(vmo).create_child(abi::VmoChildOptions::kSnapshot, 0, kPage, false).status() == Status::kNotSupported);
  REQUIRE(rig.at(vmo).create_child(abi::VmoChildOptions::kSlice, 0, kPage, false).status() == Status::kNotSupported);

  Koid plain = rig.vmo(kPage);
  REQUIRE(rig.at(plain).lock(0, kPage, nullptr) == Status::kNotSupported);
  REQUIRE(rig.at(plain).unlock(0, kPage) == Status::kNotSupported);
}

TEST_CASE("The info record tells what a VMO is") {
  VmRig rig;
  Koid vmo = rig.vmo(3 * kPage, VmoOptions::kResizable);
  REQUIRE(rig.at(vmo).set_name("scratch") == Status::kOk);
  rig.put(vmo, kPage, 1);
  rig.space();
  rig.space();
  REQUIRE(rig.at(vmo).info().share_count == 1);  // Before anybody maps it.
  rig.map_all(vmo, 0);
  rig.map_all(vmo, 0);
  rig.map_all(vmo, 1);

  abi::InfoVmo info = rig.at(vmo).info();
  REQUIRE(info.koid == vmo);
  REQUIRE(std::string_view(info.name.data()) == "scratch");
  REQUIRE(info.size_bytes == 3 * kPage);
  REQUIRE(info.parent_koid == Koid::kInvalid);
  REQUIRE(info.num_children == 0);
  REQUIRE(info.num_mappings == 3);
  REQUIRE(info.share_count == 2);
  REQUIRE(info.flags == (InfoVmoFlags::kTypePaged | InfoVmoFlags::kResizable));
  REQUIRE(info.committed_bytes == kPage);
}

TEST_CASE("Pages are looked up where they are, and runs only where they are one for sure") {
  VmRig rig;
  rig.pin();
  Vmo& plain = rig.at(rig.vmo(4 * kPage));
  REQUIRE(plain.commit(kPage, 2 * kPage) == Status::kOk);
  std::vector<uint64_t> seen;
  auto note = [&](uint64_t offset, PhysAddr address) {
    REQUIRE(address == plain.pages()->peek(offset / kPage)->address);
    seen.push_back(offset);
    return Status::kOk;
  };
  REQUIRE(plain.lookup(0, 4 * kPage, note) == Status::kOk);
  REQUIRE(seen == std::vector<uint64_t>{kPage, 2 * kPage});
  REQUIRE(plain.lookup(2 * kPage + 5, 1, note) == Status::kOk);
  REQUIRE(seen.back() == 2 * kPage);
  REQUIRE(plain.lookup(0, 4 * kPage, [](uint64_t, PhysAddr) { return Status::kCanceled; }) == Status::kCanceled);
  REQUIRE(plain.lookup(0, 0, note) == Status::kInvalidArgs);
  REQUIRE(plain.lookup(kPage, 4 * kPage, note) == Status::kOutOfRange);

  REQUIRE(plain.lookup_contiguous(kPage + 5, 1).value() == plain.pages()->peek(1)->address + 5);
  REQUIRE(plain.lookup_contiguous(kPage, kPage + 1).status() == Status::kBadState);
  REQUIRE(plain.lookup_contiguous(0, kPage).status() == Status::kNotFound);
  REQUIRE(plain.lookup_contiguous(0, 0).status() == Status::kInvalidArgs);
  Ref<Vmo> run = *Vmo::create_contiguous(rig.core(), 3 * kPage, kPage);
  REQUIRE(run->lookup_contiguous(kPage, 2 * kPage).value() == run->pages()->peek(0)->address + kPage);
  Ref<Vmo> registers = *Vmo::create_physical(rig.core(), PhysAddr(0x1000), 3 * kPage);
  REQUIRE(registers->lookup_contiguous(kPage + 8, kPage).value() == PhysAddr(0x1000 + kPage + 8));
  REQUIRE(registers->lookup_contiguous(kPage, 3 * kPage).status() == Status::kOutOfRange);
}

TEST_CASE("All VMOs are found one after the other, whatever comes and goes meanwhile") {
  VmRig rig;
  rig.pin();
  auto make = [&] { return *Vmo::create(rig.core(), kPage); };
  Ref<Vmo> first = make();
  Ref<Vmo> second = make();
  Ref<Vmo> third = make();
  std::vector<Koid> seen;
  Ref<Vmo> late;
  for (Object* at = rig.core().objects().after(Koid{}); at != nullptr; at = rig.core().objects().after(seen.back())) {
    seen.push_back(at->koid());
    if (object_cast<Vmo>(at) != first.get()) continue;
    // The one that is looked at, the next and a new one.
    late = make();
    first = nullptr;
    second = nullptr;
    rig.core().objects().drain();
  }
  REQUIRE(seen.size() >= 3);
  REQUIRE(std::ranges::is_sorted(seen));
  REQUIRE(seen[seen.size() - 2] == third->koid());
  REQUIRE(seen.back() == late->koid());
}

TEST_CASE("pinned pages stay where they are, whatever is asked for") {
  VmRig rig;
  Koid vmo = rig.vmo(4 * kPage, VmoOptions::kResizable);
  rig.put(vmo, 2 * kPage, 7);
  REQUIRE(rig.at(vmo).pin(kPage, 2 * kPage) == Status::kOk);
  REQUIRE(rig.committed(vmo) == 2);
  REQUIRE(rig.at(vmo).pin(kPage + 5, 1) == Status::kOk);
  PhysAddr frame = rig.at(vmo).pages()->peek(2)->address;

  REQUIRE(rig.at(vmo).set_size(2 * kPage) == Status::kBadState);
  REQUIRE(rig.at(vmo).decommit(0, 4 * kPage) == Status::kBadState);
  REQUIRE(rig.at(vmo).set_cache_policy(CachePolicy::kUncached) == Status::kBadState);
  REQUIRE(rig.at(vmo).create_child(VmoChildOptions::kSnapshot, 0, kPage, false).status() == Status::kBadState);
  REQUIRE(rig.at(vmo).create_child(VmoChildOptions::kSlice, 0, kPage, false).status() == Status::kNotSupported);
  // Zeroed in place; what is not pinned goes.
  rig.put(vmo, 0, 9);
  REQUIRE(rig.at(vmo).zero(0, 4 * kPage) == Status::kOk);
  REQUIRE(rig.get(vmo, 2 * kPage) == 0);
  REQUIRE(rig.at(vmo).pages()->peek(2)->address == frame);
  REQUIRE(rig.committed(vmo) == 2);
  REQUIRE(rig.at(vmo).decommit(3 * kPage, kPage) == Status::kOk);

  rig.at(vmo).unpin(kPage, 2 * kPage);
  REQUIRE(rig.at(vmo).set_size(kPage) == Status::kBadState);
  rig.at(vmo).unpin(kPage, 1);
  REQUIRE(rig.at(vmo).set_size(kPage) == Status::kOk);
}

TEST_CASE("a page is pinned 31 times at most, and all of a range or nothing") {
  VmRig rig;
  Koid vmo = rig.vmo(2 * kPage);
  for (int i = 0; i < 31; ++i) REQUIRE(rig.at(vmo).pin(kPage, kPage) == Status::kOk);
  REQUIRE(rig.at(vmo).pin(0, 2 * kPage) == Status::kUnavailable);
  REQUIRE(rig.at(vmo).decommit(0, kPage) == Status::kOk);
  REQUIRE(rig.at(vmo).pin(0, 0) == Status::kInvalidArgs);
  REQUIRE(rig.at(vmo).pin(kPage, 2 * kPage) == Status::kOutOfRange);
  for (int i = 0; i < 31; ++i) rig.at(vmo).unpin(kPage, kPage);
  Vmo& hungry = rig.at(vmo);
  rig.pmm().fail_after(0);
  REQUIRE(hungry.pin(0, kPage) == Status::kNoMemory);
  rig.pmm().never_fail();
}

}  // namespace
}  // namespace jacinth::kernel
