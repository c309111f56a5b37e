// Page frames: who gets which, and that every one is accounted for.
#include "kernel/vm/pmm.h"

#include <memory>
#include <set>
#include <vector>

#include "tests/support/fake_platform.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kFrames = 64;

struct PmmRig {
  FakePlatform platform{Arch::kArm64, kFrames* kPageSize};
  Pmm pmm{platform};

  Frame allocate() {
    std::optional<Frame> frame = pmm.allocate(FrameState::kObject);
    REQUIRE(frame.has_value());
    return *frame;
  }
  bool zero(Frame frame) {
    const std::byte* data = pmm.data(frame);
    return std::all_of(data, data + kPageSize, [](std::byte byte) { return byte == std::byte{0}; });
  }
};

TEST_CASE("Every page frame is handed out once, lowest first, and then there are none") {
  PmmRig rig;

  for (uint64_t i = 0; i < kFrames; ++i)
    REQUIRE(rig.pmm.address(rig.allocate()) == rig.platform.ram_base() + i * kPageSize);

  REQUIRE_FALSE(rig.pmm.allocate(FrameState::kObject).has_value());
  REQUIRE(rig.pmm.free_count() == 0);
  REQUIRE(rig.pmm.count(FrameState::kObject) == kFrames);
}

TEST_CASE("The frame freed last comes first, and comes as zeros") {
  PmmRig rig;
  Frame first = rig.allocate();
  Frame second = rig.allocate();
  *rig.pmm.writable(second) = std::byte{0xff};

  rig.pmm.free(first);
  rig.pmm.free(second);

  REQUIRE(rig.zero(second));
  REQUIRE(rig.allocate() == second);
  REQUIRE(rig.allocate() == first);
}

TEST_CASE("Frames are counted by what they are used for") {
  PmmRig rig;
  Frame object = rig.allocate();
  std::optional<PhysAddr> table = rig.pmm.allocate_frame();
  REQUIRE(table.has_value());

  REQUIRE(rig.pmm.count(FrameState::kObject) == 1);
  REQUIRE(rig.pmm.count(FrameState::kMmu) == 1);
  REQUIRE(rig.pmm.free_count() == kFrames - 2);

  rig.pmm.free(object);
  rig.pmm.free_frame(*table);
  REQUIRE(rig.pmm.count(FrameState::kObject) == 0);
  REQUIRE(rig.pmm.count(FrameState::kMmu) == 0);
  REQUIRE(rig.pmm.free_count() == kFrames);
}

TEST_CASE("A shared frame is freed with its last share") {
  PmmRig rig;
  Frame frame = rig.allocate();
  rig.pmm.share(frame);
  rig.pmm.share(frame);

  rig.pmm.unshare(frame);
  REQUIRE(rig.pmm.free_count() == kFrames - 1);
  rig.pmm.unshare(frame);
  REQUIRE(rig.pmm.free_count() == kFrames);
}

TEST_CASE("A contiguous run is aligned and leaves what it skipped to others") {
  PmmRig rig;
  rig.allocate();

  std::optional<Frame> run = rig.pmm.allocate_contiguous(8, 16 * kPageSize, FrameState::kObject);
  REQUIRE(run.has_value());
  REQUIRE(rig.pmm.address(*run).value % (16 * kPageSize) == 0);
  REQUIRE(rig.pmm.free_count() == kFrames - 9);

  // All the others are still there, each once.
  std::set<Frame> others;
  while (std::optional<Frame> frame = rig.pmm.allocate(FrameState::kObject)) others.insert(*frame);
  REQUIRE(others.size() == kFrames - 9);
  for (uint32_t i = 0; i < 8; ++i) REQUIRE_FALSE(others.contains(Frame{static_cast<uint32_t>(*run) + i}));
}

TEST_CASE("The frames at an address are allocated if all of them are free") {
  PmmRig rig;
  PhysAddr base = rig.pmm.address(rig.allocate());
  std::optional<Frame> range = rig.pmm.allocate_range(base + 4 * kPageSize, 3, FrameState::kObject);
  REQUIRE(range.has_value());
  REQUIRE(rig.pmm.address(*range) == base + 4 * kPageSize);
  REQUIRE(rig.pmm.free_count() == kFrames - 4);
  // One of them is taken, or none of RAM.
  REQUIRE_FALSE(rig.pmm.allocate_range(base, 2, FrameState::kObject));
  REQUIRE_FALSE(rig.pmm.allocate_range(base + 6 * kPageSize, 2, FrameState::kObject));
  REQUIRE_FALSE(rig.pmm.allocate_range(base + (kFrames - 1) * kPageSize, 2, FrameState::kObject));
  REQUIRE_FALSE(rig.pmm.allocate_range(PhysAddr(0), 1, FrameState::kObject));
  REQUIRE(rig.pmm.free_count() == kFrames - 4);
  // Those between are still there, the lowest first, and each once; a range may be of frames that came back.
  for (uint64_t i = 1; i < 4; ++i) REQUIRE(rig.pmm.address(rig.allocate()) == base + i * kPageSize);
  REQUIRE(rig.pmm.address(rig.allocate()) == base + 7 * kPageSize);
  for (uint32_t i = 0; i < 3; ++i) rig.pmm.free(Frame{static_cast<uint32_t>(*range) + i});
  REQUIRE(rig.pmm.allocate_range(base + 5 * kPageSize, 2, FrameState::kMmu) ==
          Frame{static_cast<uint32_t>(*range) + 1});
  REQUIRE(rig.pmm.count(FrameState::kMmu) == 2);
  rig.pmm.fail_after(0);
  REQUIRE_FALSE(rig.pmm.allocate_range(base + 4 * kPageSize, 1, FrameState::kObject));
  rig.pmm.never_fail();
  REQUIRE(rig.pmm.allocate_range(base + 4 * kPageSize, 1, FrameState::kObject));
}

TEST_CASE("A contiguous run is found among freed frames when nothing else is left") {
  PmmRig rig;
  std::vector<Frame> all;
  for (uint64_t i = 0; i < kFrames; ++i) all.push_back(rig.allocate());
  for (size_t i : {3, 20, 21, 22, 40, 41, 42, 43}) rig.pmm.free(all[i]);

  REQUIRE_FALSE(rig.pmm.allocate_contiguous(5, kPageSize, FrameState::kObject).has_value());
  REQUIRE(rig.pmm.allocate_contiguous(4, kPageSize, FrameState::kObject) == all[40]);
  REQUIRE_FALSE(rig.pmm.allocate_contiguous(2, 8 * kPageSize, FrameState::kObject).has_value());
  REQUIRE(rig.pmm.allocate_contiguous(3, kPageSize, FrameState::kObject) == all[20]);
  REQUIRE(rig.allocate() == all[3]);
}

TEST_CASE("Allocations can be made to fail from a chosen one on") {
  PmmRig rig;
  rig.pmm.fail_after(2);
  rig.allocate();
  rig.allocate();
  REQUIRE_FALSE(rig.pmm.allocate(FrameState::kObject).has_value());
  REQUIRE_FALSE(rig.pmm.allocate_contiguous(1, kPageSize, FrameState::kObject).has_value());
  REQUIRE_FALSE(rig.pmm.allocate_frame().has_value());

  rig.pmm.never_fail();
  rig.allocate();
}

/// 24 pages, a hole of 8, and 32 more.
struct ArenaRig {
  FakePlatform platform{Arch::kArm64, kFrames* kPageSize};
  std::unique_ptr<Pmm> pmm;
  PhysAddr low, high;

  ArenaRig() : low(platform.ram_base()), high(low + 32 * kPageSize) {
    platform.set_arenas({{low, 24 * kPageSize}, {high, 32 * kPageSize}});
    pmm = std::make_unique<Pmm>(platform);
  }
  std::optional<PhysAddr> run(uint64_t count, uint64_t alignment = kPageSize) {
    std::optional<Frame> first = pmm->allocate_contiguous(count, alignment, FrameState::kObject);
    if (!first) return std::nullopt;
    return pmm->address(*first);
  }
};

TEST_CASE("Arenas are one stock of frames, without what lies between them") {
  ArenaRig rig;
  REQUIRE(rig.pmm->total() == 56);
  REQUIRE(rig.pmm->free_count() == 56);
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < 56; ++i) {
    std::optional<Frame> frame = rig.pmm->allocate(FrameState::kObject);
    REQUIRE(frame);
    PhysAddr at = rig.pmm->address(*frame);
    REQUIRE(at == (i < 24 ? rig.low + i * kPageSize : rig.high + (i - 24) * kPageSize));
    REQUIRE(rig.pmm->frame_at(at) == *frame);
    REQUIRE(rig.pmm->contains(at));
    REQUIRE(seen.insert(at.value).second);
    *rig.pmm->writable(*frame) = std::byte{1};
  }
  REQUIRE_FALSE(rig.pmm->allocate(FrameState::kObject));
  REQUIRE(rig.pmm->count(FrameState::kObject) == 56);
  REQUIRE_FALSE(rig.pmm->contains(rig.low - 1));
  REQUIRE_FALSE(rig.pmm->contains(rig.low + 24 * kPageSize));
  REQUIRE_FALSE(rig.pmm->contains(rig.high - 1));
  REQUIRE_FALSE(rig.pmm->contains(rig.high + 32 * kPageSize));

  for (uint64_t at : seen) rig.pmm->free(rig.pmm->frame_at(PhysAddr(at)));
  REQUIRE(rig.pmm->free_count() == 56);
}

TEST_CASE("A contiguous run never crosses from one arena into the next") {
  ArenaRig rig;
  REQUIRE(rig.run(20) == rig.low);
  // Four pages are left in the lower arena: too few.
  REQUIRE(rig.run(5) == rig.high);
  REQUIRE_FALSE(rig.run(28));
  REQUIRE(rig.run(27) == rig.high + 5 * kPageSize);
  // They are not lost.
  REQUIRE(rig.run(4) == rig.low + 20 * kPageSize);
  REQUIRE(rig.pmm->free_count() == 0);
}

TEST_CASE("Runs are aligned by address in every arena") {
  ArenaRig rig;
  REQUIRE(rig.pmm->allocate(FrameState::kObject));
  REQUIRE(rig.run(8, 16 * kPageSize) == rig.low + 16 * kPageSize);
  REQUIRE(rig.run(8, 16 * kPageSize) == rig.high);
  REQUIRE(rig.run(16, 16 * kPageSize) == rig.high + 16 * kPageSize);
  REQUIRE_FALSE(rig.run(1, 16 * kPageSize));
  REQUIRE(rig.pmm->free_count() == 56 - 1 - 8 - 8 - 16);
}

TEST_CASE("A run may begin among frames that were used and end among those that never were") {
  PmmRig rig;
  std::vector<Frame> used;
  for (uint64_t i = 0; i < kFrames - 4; ++i) used.push_back(rig.allocate());
  for (int i = 0; i < 2; ++i) {
    rig.pmm.free(used.back());
    used.pop_back();
  }
  std::optional<Frame> run = rig.pmm.allocate_contiguous(6, kPageSize, FrameState::kObject);
  REQUIRE(run);
  REQUIRE(rig.pmm.address(*run) == rig.platform.ram_base() + (kFrames - 6) * kPageSize);
  REQUIRE(rig.pmm.free_count() == 0);
}

TEST_CASE("A range of addresses is taken in one arena alone") {
  ArenaRig rig;
  REQUIRE_FALSE(rig.pmm->allocate_range(rig.low + 20 * kPageSize, 5, FrameState::kObject));
  REQUIRE_FALSE(rig.pmm->allocate_range(rig.low + 24 * kPageSize, 1, FrameState::kObject));
  REQUIRE(rig.pmm->allocate_range(rig.low + 20 * kPageSize, 4, FrameState::kObject));
  REQUIRE(rig.pmm->allocate_range(rig.high, 32, FrameState::kObject));
  REQUIRE_FALSE(rig.pmm->allocate_range(rig.high + 31 * kPageSize, 1, FrameState::kObject));
  REQUIRE(rig.pmm->free_count() == 20);
  REQUIRE(rig.pmm->count(FrameState::kObject) == 36);
}

TEST_CASE("Frames of several arenas are saved and loaded") {
  ArenaRig rig;
  REQUIRE(rig.run(30) == rig.high);
  std::optional<Frame> low = rig.pmm->allocate(FrameState::kObject);
  REQUIRE(low);
  Writer saved;
  rig.pmm->state(saved);
  rig.pmm = std::make_unique<Pmm>(rig.platform);
  Reader loaded(saved.data());
  rig.pmm->state(loaded);
  REQUIRE(loaded.ok());
  REQUIRE(rig.pmm->free_count() == 25);
  REQUIRE(rig.pmm->count(FrameState::kObject) == 31);
  REQUIRE(rig.run(2) == rig.high + 30 * kPageSize);
}

}  // namespace
}  // namespace jacinth::kernel
