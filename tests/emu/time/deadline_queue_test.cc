// Deadlines: by time, then by arming, whatever is cancelled in between.
#include "emu/time/deadline_queue.h"

#include <map>
#include <vector>

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

TEST_CASE("an empty queue has nothing due, ever") {
  DeadlineQueue queue;
  REQUIRE(queue.next() == Time::never());
  REQUIRE(queue.pop_due(Time::never()) == std::nullopt);
  REQUIRE_FALSE(queue.cancel(1));
  REQUIRE(queue.empty());
}

TEST_CASE("deadlines come by time, those of equal time in the order of arming") {
  // Every order of arming five deadlines of which some share a time.
  std::vector<int> order = {0, 1, 2, 3, 4};
  const int64_t times[] = {10, 20, 20, 20, 30};
  do {
    DeadlineQueue queue;
    for (int i : order) queue.arm(Time{times[i]}, static_cast<uint64_t>(i));
    std::vector<uint64_t> expected;
    for (int64_t time : {10, 20, 30}) {
      for (int i : order) {
        if (times[i] == time) expected.push_back(static_cast<uint64_t>(i));
      }
    }
    std::vector<uint64_t> popped;
    while (auto token = queue.pop_due(Time{30})) popped.push_back(*token);
    REQUIRE(popped == expected);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a deadline is due from its time on") {
  DeadlineQueue queue;
  queue.arm(Time{10}, 1);
  REQUIRE(queue.next() == Time{10});
  REQUIRE(queue.pop_due(Time{9}) == std::nullopt);
  REQUIRE(queue.pop_due(Time{10}) == 1);
  REQUIRE(queue.pop_due(Time{10}) == std::nullopt);

  queue.arm(Time::long_ago(), 2);
  REQUIRE(queue.pop_due(Time{0}) == 2);
}

TEST_CASE("a deadline at never is kept and cancelled like any other, but not due") {
  DeadlineQueue queue;
  DeadlineQueue::Id id = queue.arm(Time::never(), 1);
  REQUIRE(queue.size() == 1);
  REQUIRE(queue.next() == Time::never());
  REQUIRE(queue.pop_due(Time::never()) == std::nullopt);
  REQUIRE(queue.cancel(id));
  REQUIRE(queue.empty());
}

TEST_CASE("an id dies with its deadline, also when its slot is used again") {
  DeadlineQueue queue;
  DeadlineQueue::Id cancelled = queue.arm(Time{1}, 1);
  REQUIRE(cancelled != 0);
  REQUIRE(queue.cancel(cancelled));
  REQUIRE_FALSE(queue.cancel(cancelled));
  REQUIRE_FALSE(queue.cancel(cancelled + (uint64_t{1} << 32)));  // The slot's next id, not armed yet.

  DeadlineQueue::Id popped = queue.arm(Time{2}, 2);
  REQUIRE(popped != cancelled);
  REQUIRE_FALSE(queue.cancel(cancelled));
  REQUIRE(queue.pop_due(Time{2}) == 2);
  REQUIRE_FALSE(queue.cancel(popped));
  REQUIRE_FALSE(queue.cancel(0));
  REQUIRE_FALSE(queue.cancel(~uint64_t{0}));
}

TEST_CASE("any mix of arming, cancelling, popping and reloading agrees with a sorted map") {
  for (uint64_t seed : test::seeds(60)) {
    test::Random random(seed);
    INFO("JACINTH_TEST_SEED=" << seed);
    DeadlineQueue queue;
    std::map<std::pair<int64_t, uint64_t>, DeadlineQueue::Id> model;  // By time and token; tokens are in arming order.
    uint64_t token = 0;
    const uint64_t busy = 1 + random.below(100);
    for (int step = 0; step < 1000; ++step) {
      uint64_t dice = random.below(100);
      if (dice < 45 && model.size() < busy) {
        int64_t time = static_cast<int64_t>(random.below(50));
        DeadlineQueue::Id id = queue.arm(Time{time}, ++token);
        for (const auto& [key, other] : model) REQUIRE(other != id);
        model[{time, token}] = id;
      } else if (dice < 70 && !model.empty()) {
        auto victim = std::next(model.begin(), static_cast<ptrdiff_t>(random.below(model.size())));
        REQUIRE(queue.cancel(victim->second));
        REQUIRE_FALSE(queue.cancel(victim->second));
        model.erase(victim);
      } else if (dice < 98) {
        Time now{static_cast<int64_t>(random.below(60))};
        auto popped = queue.pop_due(now);
        REQUIRE(popped.has_value() == (!model.empty() && model.begin()->first.first <= now.ns));
        if (popped) {
          REQUIRE(*popped == model.begin()->first.second);
          REQUIRE_FALSE(queue.cancel(model.begin()->second));
          model.erase(model.begin());
        }
      } else {
        Writer writer;
        writer(queue);
        DeadlineQueue loaded;
        Reader reader(writer.data());
        reader(loaded);
        REQUIRE(reader.at_end());
        REQUIRE(digest_of(loaded) == digest_of(queue));
        queue = loaded;  // Ids must go on meaning the same.
      }
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.next() == (model.empty() ? Time::never() : Time{model.begin()->first.first}));
    }
  }
}

TEST_CASE("a damaged queue is refused or works") {
  DeadlineQueue good;
  std::vector<DeadlineQueue::Id> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(good.arm(Time{i * 7 % 20}, static_cast<uint64_t>(i)));
  for (int i = 0; i < 20; i += 3) good.cancel(ids[static_cast<size_t>(i)]);
  Writer writer;
  writer(good);
  for (uint64_t seed : test::seeds(3000)) {
    test::Random random(seed);
    std::vector<std::byte> bytes = writer.data();
    bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(32));
    DeadlineQueue queue;
    Reader reader(bytes);
    reader(queue);
    INFO("JACINTH_TEST_SEED=" << seed);
    if (!reader.ok()) REQUIRE(queue.empty());
    size_t size = queue.size();
    Time last = Time::long_ago();
    for (size_t i = 0; i < size; ++i) {
      if (queue.next() == Time::never()) break;
      REQUIRE(queue.next() >= last);
      last = queue.next();
      REQUIRE(queue.pop_due(last).has_value());
    }
    REQUIRE(queue.cancel(queue.arm(Time{5}, 1)));
  }
}

}  // namespace
}  // namespace jacinth::emu
