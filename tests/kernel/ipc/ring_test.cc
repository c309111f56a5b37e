// The queue under a channel (kernel/ipc/ring.h).
#include "kernel/ipc/ring.h"

#include <deque>

#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

// Every way to push and pop ten times, against the standard's queue.
TEST_CASE("a ring is a queue") {
  for (unsigned ways = 0; ways < 1u << 10; ++ways) {
    Ring<int> ring;
    std::deque<int> queue;
    for (int step = 0; step < 30; ++step) {
      if ((ways >> step % 10 & 1) != 0 || queue.empty()) {
        ring.push_back(step);
        queue.push_back(step);
      } else {
        REQUIRE(ring.front() == queue.front());
        ring.pop_front();
        queue.pop_front();
      }
      REQUIRE(ring.size() == queue.size());
      for (size_t i = 0; i < queue.size(); ++i) REQUIRE(ring[i] == queue[i]);
    }
  }
}

TEST_CASE("a ring survives a save and load wherever it begins") {
  Ring<int> ring;
  for (int i = 0; i < 7; ++i) ring.push_back(i);
  for (int i = 0; i < 5; ++i) ring.pop_front();
  for (int i = 7; i < 12; ++i) ring.push_back(i);
  Writer saved;
  saved(ring);
  Ring<int> loaded;
  Reader reader(saved.data());
  reader(loaded);
  REQUIRE(loaded.size() == ring.size());
  for (size_t i = 0; i < ring.size(); ++i) REQUIRE(loaded[i] == ring[i]);
}

}  // namespace
}  // namespace jacinth::kernel
