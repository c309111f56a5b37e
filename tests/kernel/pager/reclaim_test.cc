// What the kernel takes back: contiguous pages that were lent, clean pages of pagers, discardable VMOs, pages of zeros.
#include <utility>
#include <vector>

#include "kernel/abi/info.h"
#include "kernel/abi/info_system.h"
#include "kernel/hw/resource.h"
#include "kernel/vm/vm.h"
#include "tests/kernel/pager/pager_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmoOp;
using abi::VmoOptions;

constexpr uint64_t kPage = kPageSize;

struct ReclaimRig : PagerRig {
  explicit ReclaimRig(bool lends = true)
      : PagerRig(lends ? Options{{"kernel.ppb.loan", "true"}, {"kernel.ppb.borrow-in-supplypages", "true"}}
                       : Options{}) {}

  Vm& vm() { return kernel().vm(); }
  Pmm& pmm() { return vm().pmm(); }
  uint64_t loaned() { return pmm().count(FrameState::kLoaned); }
  Handle contiguous(uint64_t pages) { return handle(*Vmo::create_contiguous(core(), pages * kPage, kPage)); }
  Status range(Handle vmo, VmoOp op, uint64_t first, uint64_t count) {
    return call("vmo_op_range", vmo, op, first * kPage, count * kPage, nullptr, 0);
  }
  PhysAddr frame(Handle vmo, uint64_t page) {
    std::optional<PageView> view = at(vmo).pages()->peek(page);
    REQUIRE(view);
    return view->address;
  }
  bool absent(Handle vmo, uint64_t page) { return !at(vmo).pages()->peek(page); }
  void put(Handle vmo, uint64_t page, uint32_t value) {
    REQUIRE(at(vmo).write(page * kPage, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  }
};

TEST_CASE("contiguous pages cannot be decommitted unless the kernel lends them", "[zx_vmo_op_range]") {
  ReclaimRig k(false);
  Handle run = k.contiguous(4);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 4) == Status::kNotSupported);
  REQUIRE(k.range(run, VmoOp::kZero, 0, 4) == Status::kOk);
  REQUIRE(k.range(run, VmoOp::kCommit, 0, 4) == Status::kOk);
  REQUIRE(k.at(run).attributed_bytes() == 4 * kPage);
}

TEST_CASE("lent pages read as zeros and come back to the same place when they are touched", "[zx_vmo_op_range]") {
  ReclaimRig k;
  Handle run = k.contiguous(8);
  PhysAddr base = k.frame(run, 0);
  GuestAddr mapped = k.map(run, 8);
  for (uint64_t page = 0; page < 8; ++page) k.poke(mapped + page * kPage, static_cast<uint32_t>(page + 1));
  uint64_t free = k.pmm().free_count();
  REQUIRE(k.range(run, VmoOp::kDecommit, 2, 4) == Status::kOk);
  REQUIRE(k.loaned() == 4);
  REQUIRE(k.pmm().free_count() == free);
  REQUIRE(k.at(run).attributed_bytes() == 4 * kPage);
  REQUIRE(k.peek<uint32_t>(mapped + 3 * kPage) == 0);
  REQUIRE(k.word(run, 4) == 0);
  REQUIRE(k.loaned() == 4);

  k.poke(mapped + 3 * kPage, uint32_t{9});
  REQUIRE(k.loaned() == 3);
  REQUIRE(k.range(run, VmoOp::kCommit, 0, 8) == Status::kOk);
  REQUIRE(k.loaned() == 0);
  for (uint64_t page = 0; page < 8; ++page) REQUIRE(k.frame(run, page) == base + page * kPage);
  REQUIRE(k.peek<uint32_t>(mapped + 3 * kPage) == 9);
  REQUIRE(k.peek<uint32_t>(mapped + 7 * kPage) == 8);
  // The touch, and what was missing on either side of it.
  REQUIRE(k.core().counter("physical.reclaim.total_requests") == 3);
  REQUIRE(k.core().counter("physical.reclaim.succeeded_requests") == 3);
}

TEST_CASE("lent pages that cannot come back stay lent, and nothing is lost", "[zx_vmo_op_range]") {
  ReclaimRig k;
  Handle run = k.contiguous(4);
  PhysAddr base = k.frame(run, 0);
  GuestAddr mapped = k.map(run, 4);
  k.put(run, 0, 11);
  REQUIRE(k.range(run, VmoOp::kDecommit, 1, 3) == Status::kOk);
  Handle vmo = k.vmo(2);
  GuestAddr theirs = k.map(vmo, 2);
  k.supply(vmo, 0, 2);
  REQUIRE(k.loaned() == 1);

  k.vm().set_fails_reclaims(true);
  REQUIRE(k.range(run, VmoOp::kCommit, 0, 4) == Status::kNoMemory);
  REQUIRE(k.call("vmo_write", run, k.user(uint32_t{1}), 2 * kPage, 4) == Status::kNoMemory);
  REQUIRE(k.process()->memory().fault(mapped + kPage, AccessKind::kWrite) == Status::kNoMemory);
  REQUIRE(k.at(run).pin(0, 2 * kPage) == Status::kNoMemory);
  REQUIRE(k.at(run).pages()->pinned_pages() == 0);
  REQUIRE(k.loaned() == 3);
  REQUIRE(k.at(run).attributed_bytes() == kPage);
  REQUIRE(k.word(run, 0) == 11);
  REQUIRE(k.word(run, 2) == 0);
  REQUIRE(k.peek<uint32_t>(theirs) == 100);
  REQUIRE(k.peek<uint32_t>(theirs + kPage) == 101);
  REQUIRE(k.core().counter("physical.reclaim.total_requests") == 4);
  REQUIRE(k.core().counter("physical.reclaim.failed_requests") == 4);
  REQUIRE(k.core().counter("physical.reclaim.succeeded_requests") == 0);
  // They can be borrowed again, and come back when that works.
  Handle other = k.vmo(1);
  k.supply(other, 0, 1);
  REQUIRE(k.loaned() == 2);
  k.vm().set_fails_reclaims(false);
  REQUIRE(k.range(run, VmoOp::kCommit, 0, 4) == Status::kOk);
  for (uint64_t page = 0; page < 4; ++page) REQUIRE(k.frame(run, page) == base + page * kPage);
  REQUIRE(k.loaned() == 0);
  REQUIRE(k.word(other, 0) == 100);
  REQUIRE(k.core().counter("physical.reclaim.succeeded_requests") == 1);
}

TEST_CASE("a slice lends what is its parent's, and uncached memory is lent like any other", "[zx_vmo_op_range]") {
  ReclaimRig k;
  Handle run = k.contiguous(6);
  Handle slice = k.make("vmo_create_child", run, abi::VmoChildOptions::kSlice, 2 * kPage, 3 * kPage);
  REQUIRE(k.range(slice, VmoOp::kDecommit, 1, 2) == Status::kOk);
  REQUIRE(k.absent(run, 3));
  REQUIRE_FALSE(k.absent(run, 2));
  REQUIRE(k.loaned() == 2);
  REQUIRE(k.range(slice, VmoOp::kCommit, 0, 3) == Status::kOk);
  REQUIRE(k.loaned() == 0);
  REQUIRE(k.call("vmo_op_range", run, VmoOp::kDecommit, 5, kPage, nullptr, 0) == Status::kInvalidArgs);
  REQUIRE(k.range(run, VmoOp::kDecommit, 5, 2) == Status::kOutOfRange);
  // What is decommitted already, and nothing at all, is no mistake.
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 2) == Status::kOk);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 3) == Status::kOk);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 0) == Status::kOk);
  REQUIRE(k.loaned() == 3);
  REQUIRE(k.range(run, VmoOp::kZero, 0, 6) == Status::kOk);
  REQUIRE(k.loaned() == 3);
}

TEST_CASE("statistics tell what is lent, a pager's, and discardable", "[zx_object_get_info]") {
  ReclaimRig k;
  Handle root =
      k.handle(*Resource::create(k.core(), abi::ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"));
  auto stats = [&] {
    GuestAddr at = k.room(sizeof(abi::InfoKmemStatsExtended));
    REQUIRE(k.call("object_get_info", root, abi::InfoTopic::kKmemStatsExtended, at, sizeof(abi::InfoKmemStatsExtended),
                   nullptr, nullptr) == Status::kOk);
    return k.peek<abi::InfoKmemStatsExtended>(at);
  };
  Handle run = k.contiguous(8);
  auto before = stats();
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 8) == Status::kOk);
  auto lent = stats();
  REQUIRE(lent.free_bytes == before.free_bytes + 8 * kPage);
  REQUIRE(lent.vmo_bytes == before.vmo_bytes - 8 * kPage);
  REQUIRE(lent.other_bytes == before.other_bytes);

  Handle vmo = k.vmo(4);
  k.supply(vmo, 0, 4);
  auto borrowed = stats();
  REQUIRE(borrowed.free_bytes == lent.free_bytes - 4 * kPage);
  REQUIRE(borrowed.vmo_bytes == lent.vmo_bytes + 4 * kPage);
  REQUIRE(borrowed.vmo_pager_total_bytes == 4 * kPage);
  REQUIRE(k.write(vmo, 1, 7).status() == Status::kOk);
  REQUIRE(k.at(vmo).pin(0, kPage) == Status::kOk);
  REQUIRE(stats().vmo_pager_total_bytes == 2 * kPage);
  k.at(vmo).unpin(0, kPage);

  Handle discardable = k.make("vmo_create", 2 * kPage, VmoOptions::kDiscardable);
  k.put(discardable, 0, 5);
  auto discard = [&](VmoOp what) {
    REQUIRE(k.call("vmo_op_range", discardable, what, 0, 2 * kPage, nullptr, 0) == Status::kOk);
    auto now = stats();
    return std::pair(now.vmo_discardable_locked_bytes, now.vmo_discardable_unlocked_bytes);
  };
  REQUIRE((stats().vmo_discardable_locked_bytes == 0 && stats().vmo_discardable_unlocked_bytes == 0));
  REQUIRE(discard(VmoOp::kTryLock) == std::pair(kPage, uint64_t{0}));
  REQUIRE(discard(VmoOp::kUnlock) == std::pair(uint64_t{0}, kPage));
}

TEST_CASE("pagers' pages borrow, and give back without losing anything", "[zx_pager_supply_pages]") {
  ReclaimRig k;
  Handle run = k.contiguous(4);
  PhysAddr base = k.frame(run, 0);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 4) == Status::kOk);
  Handle vmo = k.vmo(6);
  GuestAddr mapped = k.map(vmo, 6);
  k.supply(vmo, 0, 6);
  REQUIRE(k.loaned() == 0);
  uint64_t borrowed = 0;
  for (uint64_t page = 0; page < 6; ++page) {
    PhysAddr at = k.frame(vmo, page);
    if (at >= base && at < base + 4 * kPage) ++borrowed;
    REQUIRE(k.peek<uint32_t>(mapped + page * kPage) == 100 + page);
  }
  REQUIRE(borrowed == 4);
  REQUIRE(k.at(vmo).attributed_bytes() == 6 * kPage);

  // With memory to move to, the pages move.
  REQUIRE(k.range(run, VmoOp::kCommit, 0, 2) == Status::kOk);
  for (uint64_t page = 0; page < 6; ++page) REQUIRE(k.peek<uint32_t>(mapped + page * kPage) == 100 + page);
  REQUIRE(k.at(vmo).info().committed_change_events == 0);
  // Without, they go, and the pager brings them again.
  k.pmm().fail_after(0);
  REQUIRE(k.range(run, VmoOp::kCommit, 2, 2) == Status::kOk);
  k.pmm().never_fail();
  REQUIRE(k.at(vmo).info().committed_change_events == 2);
  REQUIRE(k.at(vmo).attributed_bytes() == 4 * kPage);
  for (uint64_t page = 0; page < 4; ++page) {
    REQUIRE(k.frame(run, page) == base + page * kPage);
    REQUIRE(k.word(run, page) == 0);
  }
}

TEST_CASE("what is written, pinned or always needed does not stay in a borrowed frame") {
  ReclaimRig k;
  Handle run = k.contiguous(4);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 4) == Status::kOk);
  Handle vmo = k.vmo(4);
  k.supply(vmo, 0, 4);
  REQUIRE(k.loaned() == 0);
  REQUIRE(k.write(vmo, 0, 7).status() == Status::kOk);
  REQUIRE(k.loaned() == 1);
  REQUIRE(k.at(vmo).pin(kPage, kPage) == Status::kOk);
  REQUIRE(k.loaned() == 2);
  REQUIRE(k.range(vmo, VmoOp::kAlwaysNeed, 2, 1) == Status::kOk);
  REQUIRE(k.loaned() == 3);
  k.at(vmo).unpin(kPage, kPage);
  REQUIRE(k.word(vmo, 0) == 7);
  REQUIRE(k.word(vmo, 1) == 101);
  REQUIRE(k.word(vmo, 2) == 102);
  // A borrowed page that goes leaves a frame to borrow.
  k.close(vmo);
  REQUIRE(k.loaned() == 4);
  REQUIRE(k.complete());
}

TEST_CASE("what a detached VMO is supplied with does not borrow: it could not make way", "[zx_pager_supply_pages]") {
  ReclaimRig k;
  Handle run = k.contiguous(4);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 4) == Status::kOk);
  Handle vmo = k.vmo(2);
  REQUIRE(k.detach(vmo) == Status::kOk);
  REQUIRE(k.supply(vmo, 0, 2) == Status::kOk);
  REQUIRE(k.loaned() == 4);
  k.pmm().fail_after(0);
  REQUIRE(k.range(run, VmoOp::kCommit, 0, 4) == Status::kOk);
  k.pmm().never_fail();
  REQUIRE(k.word(vmo, 1) == 101);
}

TEST_CASE("a lender that goes leaves its frames to those who have them") {
  ReclaimRig k;
  uint64_t total = k.pmm().free_count();
  Handle run = k.contiguous(4);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 4) == Status::kOk);
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  k.close(run);
  REQUIRE(k.loaned() == 0);
  REQUIRE(k.pmm().free_count() == total - 2);
  REQUIRE(k.word(vmo, 1) == 101);
  k.close(vmo);
  REQUIRE(k.pmm().free_count() == total);
  REQUIRE(k.complete());
}

TEST_CASE("a thousand lent pages come back at once, and loans are saved and loaded") {
  ReclaimRig k;
  Handle run = k.contiguous(1000);
  PhysAddr base = k.frame(run, 0);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 1000) == Status::kOk);
  Handle vmo = k.vmo(300);
  k.supply(vmo, 0, 300);
  k.reload();
  REQUIRE(k.loaned() == 700);
  REQUIRE(k.range(run, VmoOp::kCommit, 0, 1000) == Status::kOk);
  REQUIRE(k.loaned() == 0);
  REQUIRE(k.core().counter("physical.reclaim.total_requests") == 1);
  REQUIRE(k.core().counter("physical.reclaim.succeeded_requests") == 1);
  for (uint64_t page = 0; page < 1000; ++page) REQUIRE(k.frame(run, page) == base + page * kPage);
  for (uint64_t page = 0; page < 300; ++page) REQUIRE(k.word(vmo, page) == 100 + page);
}

TEST_CASE("pinned contiguous pages are not lent") {
  ReclaimRig k;
  Handle run = k.contiguous(2);
  REQUIRE(k.at(run).pin(0, kPage) == Status::kOk);
  REQUIRE(k.range(run, VmoOp::kDecommit, 0, 2) == Status::kBadState);
  REQUIRE(k.range(run, VmoOp::kDecommit, 1, 1) == Status::kOk);
  k.at(run).unpin(0, kPage);
}

TEST_CASE("clean pages of pagers can be evicted, those that are not needed first", "[zx_vmo_op_range]") {
  ReclaimRig k(false);
  Handle vmo = k.vmo(5);
  k.supply(vmo, 0, 5);
  REQUIRE(k.write(vmo, 0, 7).status() == Status::kOk);
  REQUIRE(k.range(vmo, VmoOp::kAlwaysNeed, 1, 1) == Status::kOk);
  REQUIRE(k.at(vmo).pin(4 * kPage, kPage) == Status::kOk);
  REQUIRE(k.range(vmo, VmoOp::kDontNeed, 3, 1) == Status::kOk);

  REQUIRE(k.vm().reclaim(1) == 1);
  REQUIRE(k.absent(vmo, 3));
  REQUIRE(k.vm().reclaim(10) == 1);
  REQUIRE(k.absent(vmo, 2));
  REQUIRE(k.vm().reclaim(10) == 0);
  REQUIRE(k.vm().reclaim(10, true) == 1);
  REQUIRE(k.absent(vmo, 1));
  REQUIRE(k.word(vmo, 0) == 7);
  REQUIRE(k.at(vmo).info().committed_change_events == 3);
  k.at(vmo).unpin(4 * kPage, kPage);
  Made& reader = k.read(vmo, 3, k.room(4));
  REQUIRE(k.asked_for(3));
  k.supply(vmo, 3, 1);
  REQUIRE(reader.status() == Status::kOk);
}

TEST_CASE("hints through a copy are for what it shows of the pager's") {
  ReclaimRig k(false);
  Handle vmo = k.vmo(4);
  k.supply(vmo, 0, 4);
  Handle copy = k.make("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshotAtLeastOnWrite, kPage, 3 * kPage);
  REQUIRE(k.write(copy, 0, 5).status() == Status::kOk);
  REQUIRE(k.range(copy, VmoOp::kDontNeed, 0, 2) == Status::kOk);
  REQUIRE(k.vm().reclaim(1) == 1);
  REQUIRE(k.absent(vmo, 2));
  REQUIRE(k.range(copy, VmoOp::kAlwaysNeed, 2, 1) == Status::kOk);
  REQUIRE(k.vm().reclaim(10) == 2);
  REQUIRE_FALSE(k.absent(vmo, 3));
  REQUIRE(k.word(copy, 0) == 5);
}

TEST_CASE("an allocation that finds no frame evicts one") {
  ReclaimRig k(false);
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  Handle hungry = k.plain(4000);
  uint64_t page = 0;
  Status status = Status::kOk;
  for (; status == Status::kOk; ++page) status = k.at(hungry).commit(page * kPage, kPage);
  REQUIRE(status == Status::kNoMemory);
  REQUIRE((k.absent(vmo, 0) && k.absent(vmo, 1)));
  k.close(hungry);
}

TEST_CASE("a discardable VMO is lost when it is unlocked and memory is needed", "[zx_vmo_op_range]") {
  ReclaimRig k(false);
  auto make = [&] {
    Handle vmo = k.make("vmo_create", 2 * kPage, VmoOptions::kDiscardable);
    k.put(vmo, 0, 5);
    return vmo;
  };
  GuestAddr state = k.room(sizeof(abi::VmoLockState));
  auto op = [&](Handle vmo, VmoOp what) {
    return k.call("vmo_op_range", vmo, what, 0, 2 * kPage, state, sizeof(abi::VmoLockState));
  };
  Handle never = make();
  Handle first = make();
  Handle second = make();
  for (Handle vmo : {first, second}) REQUIRE(op(vmo, VmoOp::kTryLock) == Status::kOk);
  REQUIRE(k.vm().reclaim(10) == 0);
  REQUIRE(op(second, VmoOp::kUnlock) == Status::kOk);
  REQUIRE(op(first, VmoOp::kUnlock) == Status::kOk);
  k.reload();

  REQUIRE(k.vm().reclaim(1) == 1);
  REQUIRE(k.word(second, 0) == 0);
  REQUIRE(k.word(first, 0) == 5);
  REQUIRE(op(second, VmoOp::kTryLock) == Status::kUnavailable);
  REQUIRE(op(first, VmoOp::kTryLock) == Status::kOk);
  REQUIRE(k.vm().reclaim(10) == 0);
  REQUIRE(op(second, VmoOp::kLock) == Status::kOk);
  auto told = k.peek<abi::VmoLockState>(state);
  REQUIRE((told.discarded_offset == 0 && told.discarded_size == 2 * kPage && told.size == 2 * kPage));
  REQUIRE(op(second, VmoOp::kTryLock) == Status::kOk);
  REQUIRE(op(first, VmoOp::kLock) == Status::kOk);
  REQUIRE(k.peek<abi::VmoLockState>(state).discarded_size == 0);
  REQUIRE(k.word(never, 0) == 5);
}

TEST_CASE("pages of zeros are found, and given back when asked") {
  ReclaimRig k(false);
  Handle vmo = k.plain(4);
  uint64_t before = k.vm().scan_zero_pages(false);
  REQUIRE(k.range(vmo, VmoOp::kCommit, 0, 3) == Status::kOk);
  k.put(vmo, 1, 5);
  GuestAddr mapped = k.map(vmo, 4);
  REQUIRE(k.peek<uint32_t>(mapped) == 0);
  REQUIRE(k.vm().scan_zero_pages(false) == before + 2);
  REQUIRE(k.at(vmo).attributed_bytes() == 3 * kPage);
  k.vm().scan_zero_pages(true);
  REQUIRE(k.at(vmo).attributed_bytes() == kPage);
  REQUIRE(k.peek<uint32_t>(mapped) == 0);
  k.poke(mapped, uint32_t{3});
  REQUIRE(k.word(vmo, 0) == 3);
  REQUIRE(k.word(vmo, 1) == 5);
}

}  // namespace
}  // namespace jacinth::kernel
