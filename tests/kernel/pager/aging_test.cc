// What the kernel does with memory by itself as virtual time goes on: pages of pagers grow older unless they are
// accessed, the oldest go first, discardable VMOs after a while, and new pages that are zeros are given back.
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
constexpr int64_t kSecond = 1'000'000'000;

struct AgingRig : PagerRig {
  explicit AgingRig(Options options = {}) : PagerRig(std::move(options)) {}

  Vm& vm() { return kernel().vm(); }
  PageQueues& queues() { return vm().pmm().queues(); }
  bool absent(Handle vmo, uint64_t page) { return !at(vmo).pages()->peek(page); }
  void wait(uint64_t seconds) { advance_to(platform().now() + Duration{static_cast<int64_t>(seconds) * kSecond}); }
  /// The CPU's own access to a mapped page.
  void access(GuestAddr page) {
    REQUIRE(process()->memory().tables().query(page));
    platform().touch(process()->memory().page_table(), page, false);
  }
  /// A page of the VMO is in the page tables.
  GuestAddr map_in(Handle vmo, uint64_t pages) {
    GuestAddr base = map(vmo, pages);
    for (uint64_t page = 0; page < pages; ++page)
      REQUIRE(process()->memory().fault(base + page * kPage, AccessKind::kRead) == Status::kOk);
    return base;
  }
  Status range(Handle vmo, VmoOp op, uint64_t pages) {
    return call("vmo_op_range", vmo, op, 0, pages * kPage, nullptr, 0);
  }
};

TEST_CASE("pages of pagers grow older as time passes, at most every two seconds and at least every fifteen") {
  AgingRig k;
  Handle vmo = k.vmo(4);
  k.wait(20);
  k.supply(vmo, 0, 4);
  REQUIRE(k.queues().count(0) == 4);
  k.wait(1);
  REQUIRE(k.queues().count(0) == 4);
  // While more is active than not, it is soon.
  k.wait(2);
  REQUIRE(k.queues().count(1) == 4);
  k.wait(2);
  REQUIRE(k.queues().count(2) == 4);
  // Then nothing is active, and it takes longer.
  k.wait(10);
  REQUIRE(k.queues().count(2) == 4);
  k.wait(5);
  REQUIRE(k.queues().count(3) == 4);
  k.wait(1000);
  REQUIRE(k.queues().count(7) == 4);
}

TEST_CASE("what is accessed through a mapping, a copy's mapping or a call stays young") {
  AgingRig k;
  Handle vmo = k.vmo(5);
  k.supply(vmo, 0, 5);
  GuestAddr base = k.map_in(vmo, 5);
  Handle copy = k.make("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshotAtLeastOnWrite, 0, 5 * kPage);
  GuestAddr seen = k.map_in(copy, 5);
  k.wait(100);
  REQUIRE(k.queues().count(7) == 5);

  k.access(base);
  k.access(seen + kPage);
  REQUIRE(k.reads(vmo, 2) == Status::kOk);
  REQUIRE(k.peek<uint32_t>(base + 3 * kPage) == 103);
  k.vm().harvest_accessed();
  REQUIRE(k.queues().count(0) == 4);
  REQUIRE(k.queues().count(7) == 1);
  // The bits were taken: without another access everything ages.
  k.wait(4);
  k.vm().harvest_accessed();
  REQUIRE(k.queues().count(0) == 0);
  // What was used longest ago goes first.
  REQUIRE(k.vm().reclaim(1) == 1);
  REQUIRE(k.absent(vmo, 4));
}

TEST_CASE("dirty and pinned pages have no age until they are clean and let go of") {
  AgingRig k;
  Handle vmo = k.vmo(3);
  k.supply(vmo, 0, 3);
  REQUIRE(k.write(vmo, 0, 7).status() == Status::kOk);
  REQUIRE(k.at(vmo).pin(kPage, kPage) == Status::kOk);
  REQUIRE(k.queues().active_count() == 1);
  REQUIRE(k.op(abi::PagerOp::kWritebackBegin, vmo, 0, 3) == Status::kOk);
  REQUIRE(k.op(abi::PagerOp::kWritebackEnd, vmo, 0, 3) == Status::kOk);
  REQUIRE(k.queues().active_count() == 2);
  k.at(vmo).unpin(kPage, kPage);
  REQUIRE(k.queues().active_count() == 3);
  REQUIRE(k.range(vmo, VmoOp::kDontNeed, 1) == Status::kOk);
  REQUIRE(k.queues().unneeded_count() == 1);
  k.detach(vmo);
  REQUIRE(k.queues().active_count() + k.queues().inactive_count() == 0);
}

TEST_CASE("old pages go before young ones, and what is in use does not go at all") {
  AgingRig k;
  Handle old = k.vmo(4);
  k.supply(old, 0, 4);
  k.wait(100);
  Handle young = k.vmo(4);
  k.supply(young, 0, 4);
  Vm& vm = k.vm();
  REQUIRE(vm.evict(1, 0, EvictionLevel::kOnlyOldest, 0) == 1);
  REQUIRE(k.absent(old, 0));
  REQUIRE(vm.evict(100, 0, EvictionLevel::kOnlyOldest, 0) == 3);
  REQUIRE(vm.evict(100, 0, EvictionLevel::kIncludeNewest, 0) == 0);
  k.wait(4);
  REQUIRE(vm.evict(100, 0, EvictionLevel::kOnlyOldest, 0) == 0);
  REQUIRE(vm.evict(100, 0, EvictionLevel::kIncludeNewest, 0) == 4);
}

TEST_CASE("always needed pages become young when they would go") {
  AgingRig k;
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  REQUIRE(k.range(vmo, VmoOp::kAlwaysNeed, 1) == Status::kOk);
  k.wait(100);
  REQUIRE(k.vm().evict(2, 0, EvictionLevel::kIncludeNewest, 0) == 1);
  REQUIRE_FALSE(k.absent(vmo, 0));
  REQUIRE(k.queues().count(0) == 1);
}

TEST_CASE("discardable VMOs are part of what goes, once they were unlocked for ten seconds") {
  AgingRig k;
  Handle vmo = k.vmo(8);
  k.supply(vmo, 0, 8);
  k.wait(100);
  Handle discardable = k.make("vmo_create", 2 * kPage, VmoOptions::kDiscardable);
  REQUIRE(k.range(discardable, VmoOp::kTryLock, 2) == Status::kOk);
  uint32_t word = 5;
  for (uint64_t page : {0, 1})
    REQUIRE(k.at(discardable).write(page * kPage, std::as_bytes(std::span(&word, 1))) == Status::kOk);
  REQUIRE(k.range(discardable, VmoOp::kUnlock, 2) == Status::kOk);
  Vm& vm = k.vm();
  k.wait(9);
  REQUIRE(vm.evict(5, 0, EvictionLevel::kOnlyOldest, 20) == 5);
  REQUIRE_FALSE(k.at(discardable).pages()->discarded());
  k.wait(2);
  // A fifth of five pages is one, and it comes as two: the VMO goes as a whole.
  REQUIRE(vm.evict(5, 0, EvictionLevel::kOnlyOldest, 20) == 5);
  REQUIRE(k.at(discardable).pages()->discarded());
}

TEST_CASE("discardable VMOs go before anything else when it is about everything, but for those let go of just now") {
  AgingRig k;
  Handle vmo = k.vmo(4);
  Handle discardable = k.make("vmo_create", 2 * kPage, VmoOptions::kDiscardable);
  REQUIRE(k.range(discardable, VmoOp::kTryLock, 2) == Status::kOk);
  for (uint64_t page = 0; page < 2; ++page) REQUIRE(k.write(discardable, page, 7).status() == Status::kOk);
  REQUIRE(k.range(discardable, VmoOp::kUnlock, 2) == Status::kOk);
  k.wait(9);
  REQUIRE(k.vm().evict(1, 0, EvictionLevel::kIncludeNewest, 20) == 0);
  k.supply(vmo, 0, 4);
  k.wait(1);
  REQUIRE(k.vm().evict(1, 0, EvictionLevel::kIncludeNewest, 20) == 2);
  REQUIRE(k.at(discardable).pages()->discarded());
}

TEST_CASE("statistics tell what of the pagers' is in use, and what would go first", "[zx_object_get_info]") {
  AgingRig k;
  Handle root =
      k.handle(*Resource::create(k.core(), abi::ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"));
  struct Bytes {
    uint64_t total, newest, oldest;
    bool operator==(const Bytes&) const = default;
  };
  auto stats = [&] {
    GuestAddr at = k.room(sizeof(abi::InfoKmemStatsExtended));
    REQUIRE(k.call("object_get_info", root, abi::InfoTopic::kKmemStatsExtended, at, sizeof(abi::InfoKmemStatsExtended),
                   nullptr, nullptr) == Status::kOk);
    auto all = k.peek<abi::InfoKmemStatsExtended>(at);
    return Bytes{all.vmo_pager_total_bytes / kPage, all.vmo_pager_newest_bytes / kPage,
                 all.vmo_pager_oldest_bytes / kPage};
  };
  REQUIRE(stats() == Bytes{0, 0, 0});
  Handle vmo = k.vmo(5);
  k.supply(vmo, 0, 5);
  REQUIRE(stats() == Bytes{5, 5, 0});
  REQUIRE(k.call("vmo_op_range", vmo, VmoOp::kDontNeed, 0, kPage, nullptr, 0) == Status::kOk);
  REQUIRE(stats() == Bytes{5, 4, 1});
  while (k.queues().count(5) == 0) k.wait(1);
  REQUIRE(stats() == Bytes{5, 0, 1});
  while (k.queues().count(6) == 0) k.wait(1);
  REQUIRE(stats() == Bytes{5, 0, 5});
  REQUIRE(k.reads(vmo, 3) == Status::kOk);
  REQUIRE(stats() == Bytes{5, 1, 4});
  REQUIRE(k.write(vmo, 1, 7).status() == Status::kOk);
  REQUIRE(stats() == Bytes{4, 1, 3});
}

TEST_CASE("pages grow older also where nothing is evicted") {
  AgingRig k(Options{{"kernel.page-scanner.enable-eviction", "false"}});
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  k.wait(1000);
  REQUIRE(k.queues().count(7) == 2);
  REQUIRE(k.vm().scanner().evict(10, 0, EvictionLevel::kIncludeNewest) == 0);
}

struct LentRig : AgingRig {
  LentRig() : AgingRig(Options{{"kernel.ppb.loan", "true"}, {"kernel.ppb.borrow-on-mru", "true"}}) {}
  uint64_t lent() { return vm().pmm().count(FrameState::kLoaned); }
  /// Lends as many pages.
  Handle lend(uint64_t pages) {
    Handle run = handle(*Vmo::create_contiguous(core(), pages * kPage, kPage));
    REQUIRE(range(run, VmoOp::kDecommit, pages) == Status::kOk);
    return run;
  }
  /// Lets pages grow older, then reads them, and gives the kernel time to see that.
  void use(Handle vmo, uint64_t first, uint64_t count) {
    wait(3);
    for (uint64_t page = first; page < first + count; ++page) REQUIRE(reads(vmo, page) == Status::kOk);
    wait(15);
  }
};

TEST_CASE("what is used again moves into lent frames, if the kernel is told to") {
  LentRig k;
  Handle run = k.lend(3);
  Handle vmo = k.vmo(4);
  GuestAddr mapped = k.map(vmo, 4);
  k.supply(vmo, 0, 4);
  REQUIRE(k.lent() == 3);
  uint64_t free = k.vm().pmm().free_count();
  REQUIRE(k.peek<uint32_t>(mapped) == 100);
  k.use(vmo, 0, 2);
  REQUIRE(k.lent() == 1);
  REQUIRE(k.vm().pmm().free_count() == free + 2);
  k.reload();
  for (uint64_t page = 0; page < 4; ++page) REQUIRE(k.peek<uint32_t>(mapped + page * kPage) == 100 + page);
  // No more than there are.
  k.use(vmo, 0, 4);
  REQUIRE(k.lent() == 0);
  // And back to where they can stay.
  REQUIRE(k.range(run, VmoOp::kCommit, 3) == Status::kOk);
  for (uint64_t page = 0; page < 4; ++page) REQUIRE(k.word(vmo, page) == 100 + page);
  REQUIRE(k.at(vmo).info().committed_change_events == 0);
}

TEST_CASE("what would have to move out soon stays where it is") {
  LentRig k;
  k.lend(8);
  Handle dirty = k.vmo(1);
  Handle traps = k.vmo(1, VmoOptions::kTrapDirty);
  Handle pinned = k.vmo(1);
  Handle needed = k.vmo(1);
  Handle detached = k.vmo(1);
  for (Handle vmo : {dirty, traps, pinned, needed, detached}) k.supply(vmo, 0, 1);
  REQUIRE(k.write(dirty, 0, 5).status() == Status::kOk);
  REQUIRE(k.at(pinned).pin(0, kPage) == Status::kOk);
  k.at(pinned).unpin(0, kPage);
  REQUIRE(k.range(needed, VmoOp::kAlwaysNeed, 1) == Status::kOk);
  for (Handle vmo : {dirty, traps, pinned, needed}) k.use(vmo, 0, 1);
  REQUIRE(k.detach(detached) == Status::kOk);
  k.wait(100);
  REQUIRE(k.lent() == 8);
}

TEST_CASE("new pages that are zeros are given back after a second, each looked at once") {
  AgingRig k;
  Handle vmo = k.plain(4);
  k.wait(2);  // The rig's own pages are behind.
  REQUIRE(k.range(vmo, VmoOp::kCommit, 4) == Status::kOk);
  uint32_t value = 5;
  REQUIRE(k.at(vmo).write(kPage, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  REQUIRE(k.at(vmo).pin(2 * kPage, kPage) == Status::kOk);
  REQUIRE(k.at(vmo).attributed_bytes() == 4 * kPage);
  int64_t before = k.core().counter("vm.scanner.zero_scan.pages_deduped");
  k.wait(1);
  REQUIRE(k.at(vmo).attributed_bytes() == 2 * kPage);
  REQUIRE(k.core().counter("vm.scanner.zero_scan.pages_deduped") == before + 2);
  REQUIRE(k.at(vmo).info().committed_change_events == 2);
  REQUIRE(k.word(vmo, 1) == 5);
  k.at(vmo).unpin(2 * kPage, kPage);
  // It becomes zeros later: nobody looks again, unless asked to.
  value = 0;
  REQUIRE(k.at(vmo).write(kPage, std::as_bytes(std::span(&value, 1))) == Status::kOk);
  k.wait(10);
  REQUIRE(k.at(vmo).attributed_bytes() == 2 * kPage);
  REQUIRE(k.vm().scan_zero_pages(true) >= 2);
  REQUIRE(k.at(vmo).attributed_bytes() == 0);
}

TEST_CASE("pages that are shared by then, or not cached, are left alone") {
  AgingRig k;
  k.wait(2);
  Handle vmo = k.plain(2);
  REQUIRE(k.range(vmo, VmoOp::kCommit, 2) == Status::kOk);
  k.make("vmo_create_child", vmo, abi::VmoChildOptions::kSnapshot, 0, 2 * kPage);
  Handle uncached = k.plain(1);
  REQUIRE(k.call("vmo_set_cache_policy", uncached, abi::CachePolicy::kUncached) == Status::kOk);
  REQUIRE(k.range(uncached, VmoOp::kCommit, 1) == Status::kOk);
  k.wait(5);
  REQUIRE(k.at(vmo).attributed_bytes() == 2 * kPage);
  REQUIRE(k.at(uncached).attributed_bytes() == kPage);
  REQUIRE(k.vm().scan_zero_pages(false) == 0);
}

TEST_CASE("as many pages are looked at in a second as the kernel is told to") {
  AgingRig k(Options{{"kernel.page-scanner.zero-page-scans-per-second", "10"}});
  k.wait(60);
  Handle vmo = k.plain(100);
  REQUIRE(k.range(vmo, VmoOp::kCommit, 100) == Status::kOk);
  k.wait(1);
  REQUIRE(k.at(vmo).attributed_bytes() == 90 * kPage);
  k.wait(3);
  REQUIRE(k.at(vmo).attributed_bytes() == 60 * kPage);
  k.wait(100);
  REQUIRE(k.at(vmo).attributed_bytes() == 0);
}

TEST_CASE("a kernel told to leave memory alone does") {
  AgingRig k(Options{{"kernel.page-scanner.start-at-boot", "false"}});
  Handle vmo = k.vmo(2);
  k.supply(vmo, 0, 2);
  Handle plain = k.plain(2);
  REQUIRE(k.range(plain, VmoOp::kCommit, 2) == Status::kOk);
  k.wait(1000);
  REQUIRE(k.queues().count(0) == 2);
  REQUIRE(k.at(plain).attributed_bytes() == 2 * kPage);
  REQUIRE(k.vm().scanner().evict(10, 0, EvictionLevel::kIncludeNewest) == 0);
}

TEST_CASE("ages are saved and loaded") {
  AgingRig k;
  Handle vmo = k.vmo(4);
  k.supply(vmo, 0, 4);
  k.wait(4);
  REQUIRE(k.reads(vmo, 2) == Status::kOk);
  k.reload();
  REQUIRE(k.queues().count(0) == 1);
  k.wait(200);
  k.reload();
  REQUIRE(k.queues().count(7) == 4);
  REQUIRE(k.vm().reclaim(3) == 3);
  REQUIRE_FALSE(k.absent(vmo, 2));
}

}  // namespace
}  // namespace jacinth::kernel
