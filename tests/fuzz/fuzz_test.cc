// Every system call with whatever comes: nothing that guests do breaks the kernel, leaks, or depends on being watched,
// saved or loaded. A list of events that fails is cut down to those that matter before it is shown.
//
// JACINTH_TEST_SEED=<number> runs one list, JACINTH_FUZZ_CALLS=<number> as many lists as it takes to make so many
// calls.
#include <fmt/format.h>

#include <cstdlib>

#include "tests/fuzz/fuzz_world.h"
#include "tests/support/last_words.h"
#include "tests/support/shrink.h"
#include "tests/support/test.h"

namespace jacinth::kernel::fuzz {
namespace {

constexpr size_t kEventsPerList = 2500;
constexpr size_t kEventsPerCheck = 4;
constexpr size_t kEventsPerFrameCheck = 128;
// Where a mistake would show itself, and where it might.
#ifdef __SANITIZE_ADDRESS__
constexpr uint64_t kDefaultCalls = 2'000'000;
#else
constexpr uint64_t kDefaultCalls = 500'000;
#endif

/// What is wrong after these events; nothing when all is well. Adds to `calls`.
std::optional<std::string> run(uint64_t seed, const std::vector<Event>& events, uint64_t& calls) {
  test::LastWords words(fmt::format("fuzz: JACINTH_TEST_SEED={} did it", seed));
  World watched(seed, true);
  for (const Event& event : events) watched.run(event);

  // The same again, not watched, and saved and loaded twice on the way.
  World saved(seed, false);
  for (size_t i = 0; i < events.size(); ++i) {
    if (i == events.size() / 3 || i == events.size() * 4 / 5) {
      if (auto wrong = saved.reload()) return wrong;
    }
    saved.run(events[i]);
    if (i % kEventsPerCheck == 0) {
      if (auto wrong = saved.memory_fault(i % kEventsPerFrameCheck == 0)) return wrong;
    }
  }
  calls += watched.calls() + saved.calls();
  if (watched.calls() != saved.calls()) return "another number of calls the second time";
  if (watched.digest() != saved.digest()) return "another state the second time";
  if (auto left = watched.end()) return left;
  return saved.end();
}

void try_seed(uint64_t seed, uint64_t& calls) {
  std::vector<Event> events = random_events(seed, kEventsPerList);
  std::optional<std::string> wrong = run(seed, events, calls);
  if (!wrong) return;
  fmt::print(stderr, "fuzz: seed {}: {}; cutting {} events down\n", seed, *wrong, events.size());
  events = test::leave_out(std::move(events), [&](const std::vector<Event>& fewer) -> std::optional<size_t> {
    return run(seed, fewer, calls) ? std::optional(fewer.size() - 1) : std::nullopt;
  });
  std::string text;
  for (const Event& event : events) text += "  " + event.text() + "\n";
  FAIL(fmt::format("seed {}: {}\n{}", seed, run(seed, events, calls).value_or("only once"), text));
}

TEST_CASE("Whatever programs call, nothing breaks, nothing leaks, and it happens the same way again") {
  uint64_t calls = 0;
  if (std::getenv("JACINTH_TEST_SEED") != nullptr) {
    for (uint64_t seed : test::seeds(1)) try_seed(seed, calls);
    return;
  }
  const char* more = std::getenv("JACINTH_FUZZ_CALLS");
  uint64_t wanted = more != nullptr ? std::strtoull(more, nullptr, 10) : kDefaultCalls;
  for (uint64_t seed = 1; calls < wanted; ++seed) try_seed(seed, calls);
  REQUIRE(calls >= wanted);
}

}  // namespace
}  // namespace jacinth::kernel::fuzz
