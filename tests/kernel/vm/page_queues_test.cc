// Queues of pages by age, without VMOs: frames go in, grow older, are accessed, and come out oldest first.
#include "kernel/vm/page_queues.h"

#include <array>
#include <vector>

#include "kernel/vm/pmm.h"
#include "tests/support/fake_platform.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct QueuesRig {
  FakePlatform platform{Arch::kArm64, 4 << 20};
  Pmm pmm{platform};
  PageQueues& queues = pmm.queues();

  Frame page() {
    Frame frame = *pmm.allocate(FrameState::kObject);
    queues.add_reclaimable(frame);
    return frame;
  }
  /// All that may go at this age, in the order in which it would.
  std::vector<Frame> order(unsigned age) {
    std::vector<Frame> list;
    for (Frame at = queues.oldest(age); at != Frame::kNone; at = queues.after(at, age)) list.push_back(at);
    return list;
  }
};
using Frames = std::vector<Frame>;

TEST_CASE("pages grow older by generations, and go oldest first") {
  QueuesRig k;
  Frame a = k.page();
  Frame b = k.page();
  k.queues.rotate();
  Frame c = k.page();
  REQUIRE(k.queues.count(0) == 1);
  REQUIRE(k.queues.count(1) == 2);
  REQUIRE(k.order(0) == Frames{a, b, c});
  REQUIRE(k.order(1) == Frames{a, b});
  REQUIRE(k.order(2).empty());
  REQUIRE(k.queues.active_count() == 3);
  k.queues.rotate();
  REQUIRE(k.queues.active_count() == 1);
  REQUIRE(k.queues.inactive_count() == 2);
}

TEST_CASE("an access makes a page young again") {
  QueuesRig k;
  Frame a = k.page();
  Frame b = k.page();
  k.queues.rotate();
  k.queues.rotate();
  k.queues.mark_accessed(a);
  REQUIRE(k.order(0) == Frames{b, a});
  REQUIRE(k.queues.count(0) == 1);
  // Within a generation the order is that of the first access.
  k.queues.mark_accessed(b);
  k.queues.mark_accessed(a);
  REQUIRE(k.order(0) == Frames{a, b});
}

TEST_CASE("what is unneeded goes before all that is old, until it is accessed") {
  QueuesRig k;
  Frame a = k.page();
  for (unsigned i = 0; i < PageQueues::kGenerations; ++i) k.queues.rotate();
  Frame b = k.page();
  k.queues.mark_unneeded(b);
  REQUIRE(k.queues.unneeded(b));
  REQUIRE(k.order(PageQueues::kGenerations - 1) == Frames{b, a});
  k.queues.mark_accessed(b);
  REQUIRE_FALSE(k.queues.unneeded(b));
  REQUIRE(k.order(PageQueues::kGenerations - 1) == Frames{a});
}

TEST_CASE("what is as old as can be stays so, in its order") {
  QueuesRig k;
  Frames pages;
  for (unsigned i = 0; i < PageQueues::kGenerations + 5; ++i) {
    pages.push_back(k.page());
    k.queues.rotate();
  }
  REQUIRE(k.order(0) == pages);
  REQUIRE(k.queues.count(PageQueues::kGenerations - 1) == 7);
}

TEST_CASE("a freed page is in no queue") {
  QueuesRig k;
  Frame a = k.page();
  Frame b = k.page();
  k.pmm.free(a);
  REQUIRE(k.order(0) == Frames{b});
  k.pmm.free(b);
  REQUIRE(k.queues.count(0) == 0);
}

TEST_CASE("new anonymous pages are looked at in their order, once") {
  QueuesRig k;
  Frame a = *k.pmm.allocate(FrameState::kObject);
  Frame b = *k.pmm.allocate(FrameState::kObject);
  k.queues.add_zero_fork(a);
  k.queues.add_zero_fork(b);
  k.queues.mark_accessed(a);
  REQUIRE(k.order(0).empty());
  REQUIRE(k.queues.pop_zero_fork() == a);
  REQUIRE(k.queues.pop_zero_fork() == b);
  REQUIRE(k.queues.pop_zero_fork() == Frame::kNone);
}

TEST_CASE("whatever is done to them, queues are what lists of ages say") {
  for (uint64_t seed : test::seeds(8)) {
    test::Random random(seed);
    QueuesRig k;
    // Oldest first, each generation in front of the younger ones; the unneeded ones by themselves.
    std::vector<Frames> ages(PageQueues::kGenerations);
    Frames unneeded;
    auto take = [&](Frame frame) {
      for (Frames& list : ages) std::erase(list, frame);
      std::erase(unneeded, frame);
    };
    auto any = [&]() -> Frame {
      Frames all = k.order(0);
      return all.empty() ? Frame::kNone : all[random.below(all.size())];
    };
    for (int step = 0; step < 2000; ++step) {
      uint64_t what = random.below(10);
      Frame frame = any();
      if (what < 3 || frame == Frame::kNone) {
        ages[0].push_back(k.page());
      } else if (what < 5) {
        k.queues.mark_accessed(frame);
        if (std::find(ages[0].begin(), ages[0].end(), frame) == ages[0].end()) {
          take(frame);
          ages[0].push_back(frame);
        }
      } else if (what < 6) {
        k.queues.mark_unneeded(frame);
        if (std::find(unneeded.begin(), unneeded.end(), frame) == unneeded.end()) {
          take(frame);
          unneeded.push_back(frame);
        }
      } else if (what < 7) {
        k.pmm.free(frame);
        take(frame);
      } else if (what < 8) {
        k.queues.rotate();
        Frames oldest = ages.back();
        ages.pop_back();
        ages.back().insert(ages.back().begin(), oldest.begin(), oldest.end());
        ages.insert(ages.begin(), Frames());
      }
      auto age = static_cast<unsigned>(random.below(PageQueues::kGenerations));
      Frames wanted = unneeded;
      for (unsigned at = PageQueues::kGenerations; at > age; --at)
        wanted.insert(wanted.end(), ages[at - 1].begin(), ages[at - 1].end());
      INFO(fmt::format("seed {} step {}", seed, step));
      REQUIRE(k.order(age) == wanted);
    }
  }
}

TEST_CASE("queues that do not hang together are not loaded") {
  QueuesRig k;
  Frame a = k.page();
  k.page();
  Writer good;
  k.pmm.state(good);
  // The record of a page says another queue than the one that it is in.
  k.pmm.record(a).queue = 5;
  Writer bad;
  k.pmm.state(bad);
  k.pmm.record(a).queue = 1;
  for (bool damaged : {false, true}) {
    QueuesRig other;
    Reader reader(damaged ? bad.data() : good.data());
    other.pmm.state(reader);
    REQUIRE(reader.ok() == !damaged);
    REQUIRE(other.order(0).size() == (damaged ? 0u : 2u));
  }
}

}  // namespace
}  // namespace jacinth::kernel
