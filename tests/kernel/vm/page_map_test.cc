// The sparse list of pages behind a VMO.
#include "kernel/vm/page_map.h"

#include <map>
#include <vector>

#include "tests/support/fake_platform.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct MapRig {
  FakePlatform platform;
  Pmm pmm{platform};

  Slot frame() {
    Frame frame = *pmm.allocate(FrameState::kObject);
    pmm.share(frame);
    return slot_of(frame);
  }
  uint64_t frames() { return pmm.count(FrameState::kObject); }
};

using Pages = std::vector<uint64_t>;
Pages pages_of(const PageMap& map, uint64_t first = 0, uint64_t count = PageMap::kMaxPages) {
  Pages pages;
  map.for_each(first, count, [&](uint64_t page, Slot) { pages.push_back(page); });
  return pages;
}

TEST_CASE("A page map finds what was put, near and far") {
  MapRig rig;
  PageMap map(rig.pmm);
  std::map<uint64_t, Slot> put;
  for (uint64_t page : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{4095}, uint64_t{4096}, uint64_t{1} << 30,
                        PageMap::kMaxPages - 1}) {
    put[page] = rig.frame();
    map.set(page, put[page]);
  }

  for (auto [page, slot] : put) REQUIRE(map.find(page) == slot);
  REQUIRE(map.find(1) == Slot::kEmpty);
  REQUIRE(map.find(uint64_t{1} << 40) == Slot::kEmpty);
  Pages expected;
  for (auto [page, slot] : put) expected.push_back(page);
  REQUIRE(pages_of(map) == expected);
  REQUIRE(pages_of(map, 63, 2) == Pages{63, 64});
}

TEST_CASE("Erasing lets go of frames, and of the nodes above them") {
  MapRig rig;
  PageMap map(rig.pmm);
  for (uint64_t page = 0; page < 200; ++page) map.set(page, rig.frame());

  map.erase(10, 150);
  REQUIRE(rig.frames() == 50);
  REQUIRE(map.find(9) != Slot::kEmpty);
  REQUIRE(map.find(10) == Slot::kEmpty);
  REQUIRE(map.find(159) == Slot::kEmpty);
  REQUIRE(map.find(160) != Slot::kEmpty);

  map.erase(0, PageMap::kMaxPages);
  REQUIRE(rig.frames() == 0);
  REQUIRE(map.empty());
  REQUIRE(map.node_bytes() == 0);
}

TEST_CASE("A snapshot sees what was there, whatever becomes of either map") {
  MapRig rig;
  PageMap map(rig.pmm);
  for (uint64_t page = 0; page < 100; ++page) map.set(page, rig.frame());
  Slot old_first = map.find(0);
  PageMap snapshot = map.snapshot(0, 100);
  REQUIRE(rig.frames() == 100);

  map.set(0, rig.frame());
  map.erase(50, 50);
  snapshot.set(1, rig.frame());

  REQUIRE(snapshot.find(0) == old_first);
  REQUIRE(snapshot.find(60) != Slot::kEmpty);
  REQUIRE(map.find(1) != snapshot.find(1));
  REQUIRE(rig.frames() == 102);

  map.clear();
  REQUIRE(rig.frames() == 100);
  snapshot.clear();
  REQUIRE(rig.frames() == 0);
}

TEST_CASE("A snapshot of a window sees nothing outside it and keeps nothing outside it alive") {
  MapRig rig;
  PageMap map(rig.pmm);
  for (uint64_t page = 0; page < 300; ++page) map.set(page, rig.frame());

  PageMap window = map.snapshot(70, 5);
  REQUIRE(pages_of(window) == Pages{0, 1, 2, 3, 4});
  REQUIRE(window.find(2) == map.find(72));
  // A page next to the window is the first map's alone: it may be written in place.
  REQUIRE(map.find_exclusive(69).second);
  REQUIRE_FALSE(map.find_exclusive(70).second);

  map.clear();
  REQUIRE(rig.frames() == 5);
  REQUIRE(window.find_exclusive(0).second);
}

TEST_CASE("Snapshots of snapshots share, and a page is exclusive as soon as nobody else sees it") {
  MapRig rig;
  PageMap map(rig.pmm);
  map.set(5, rig.frame());
  PageMap second = map.snapshot(0, 10);
  PageMap third = second.snapshot(3, 4);

  REQUIRE(third.find(2) == map.find(5));
  REQUIRE_FALSE(third.find_exclusive(2).second);
  map.clear();
  REQUIRE_FALSE(third.find_exclusive(2).second);
  second.erase(5, 1);
  REQUIRE(third.find_exclusive(2).second);
}

TEST_CASE("Taking a frame out works for a frame that nobody else sees") {
  MapRig rig;
  PageMap map(rig.pmm);
  map.set(5, rig.frame());
  Slot slot = map.find(5);
  {
    PageMap other = map.snapshot(0, 10);
    REQUIRE(map.take(5) == Frame::kNone);
  }
  REQUIRE(map.take(5) == frame_of(slot));
  REQUIRE(map.empty());
  REQUIRE(rig.pmm.record(frame_of(slot)).shares == 0);
  rig.pmm.free(frame_of(slot));
}

TEST_CASE("Frames that others of the family see as well are told apart") {
  MapRig rig;
  PageMap first(rig.pmm);
  for (uint64_t page = 0; page < 130; ++page) first.set(page, rig.frame());
  PageMap second = first.snapshot(10, 120);
  second.set(0, rig.frame());
  second.set(5000, rig.frame());  // Makes the second map higher than the first.

  REQUIRE(second.count_unseen_by({}, 0, PageMap::kMaxPages) == 121);
  std::vector<const PageMap*> others = {&first};
  REQUIRE(second.count_unseen_by(others, 0, PageMap::kMaxPages) == 2);
  REQUIRE(second.count_unseen_by(others, 0, 120) == 1);
  others = {&second};
  REQUIRE(first.count_unseen_by(others, 0, PageMap::kMaxPages) == 11);
}

TEST_CASE("Saved maps share again what they shared") {
  MapRig rig;
  PageMap first(rig.pmm);
  for (uint64_t page = 0; page < 300; ++page) first.set(page, rig.frame());
  first.set(7, Slot::kZero);
  PageMap second = first.snapshot(20, 280);
  second.set(3, rig.frame());
  Writer saved;
  PageMap::Sharing saving;
  rig.pmm.state(saved);
  first.state(saved, saving);
  second.state(saved, saving);

  FakePlatform platform;
  Pmm pmm(platform);
  PageMap first_again(pmm);
  PageMap second_again(pmm);
  Reader loaded(saved.data());
  PageMap::Sharing loading;
  pmm.state(loaded);
  first_again.state(loaded, loading);
  second_again.state(loaded, loading);

  REQUIRE(loaded.ok());
  REQUIRE(loaded.at_end());
  for (uint64_t page = 0; page < 300; ++page) {
    REQUIRE(first_again.find(page) == first.find(page));
    REQUIRE(second_again.find(page) == second.find(page));
    REQUIRE(first_again.find_exclusive(page) == first.find_exclusive(page));
  }
  REQUIRE(first_again.node_bytes() == first.node_bytes());
  first_again.clear();
  second_again.clear();
  REQUIRE(pmm.free_count() == pmm.total());
}

TEST_CASE("A damaged page map is refused, whatever byte is damaged") {
  MapRig rig;
  PageMap map(rig.pmm);
  for (uint64_t page = 0; page < 70; ++page) map.set(page, rig.frame());
  PageMap other = map.snapshot(0, 70);
  Writer saved;
  PageMap::Sharing saving;
  map.state(saved, saving);
  other.state(saved, saving);

  for (size_t at = 0; at < saved.data().size(); ++at) {
    std::vector<std::byte> bytes = saved.data();
    bytes[at] ^= std::byte{0xff};
    Reader loaded(bytes);
    PageMap::Sharing loading;
    PageMap again(rig.pmm);
    again.state(loaded, loading);
    PageMap other_again(rig.pmm);
    other_again.state(loaded, loading);  // Loads something or fails: it must not crash.
  }
}

}  // namespace
}  // namespace jacinth::kernel
