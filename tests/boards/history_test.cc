// Going back in a run and on again: the same run, and as it was.
#include "emu/debug/history.h"

#include "tests/support/guest_run.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::boards {
namespace {

constexpr Arch kBoth[] = {Arch::kArm64, Arch::kX86_64};
constexpr size_t kRoom = size_t{1} << 30;

TEST_CASE("a run that was at all its checkpoints again ends as if it had never gone back", "[history]") {
  for (Arch arch : kBoth) {
    for (const char* name : {"channels", "processes", "pager", "demo"}) {
      INFO(arch_name(arch) << " " << name);
      GuestRun straight({.arch = arch, .name = name});
      REQUIRE(straight.run() == emu::RunEnd::kStopped);
      std::string expected = straight.system().digest().text();
      uint64_t length = straight.system().machine().executed_bytes();

      GuestRun run({.arch = arch, .name = name});
      emu::History history(run.system(), kRoom);
      std::vector<std::string> digests;
      constexpr uint64_t kStops = 20;
      for (uint64_t i = 0; i < kStops; ++i) {
        if (i > 0) REQUIRE(run.run({.code_bytes = length * i / kStops + i * 37}) == emu::RunEnd::kCodeLimit);
        history.keep();
        digests.push_back(run.system().digest().text());
      }
      test::Random random(7);
      while (history.size() > 1) {
        size_t to = history.size() - 1 - random.below(std::min<size_t>(history.size() - 1, 3));
        history.rewind(to);
        REQUIRE(run.system().digest().text() == digests[to]);
        if (to == 0) break;
        if (random.one_in(2))
          REQUIRE(run.run({.code_bytes = history.here().code_bytes + 5000}) == emu::RunEnd::kCodeLimit);
        history.rewind(to - 1);
        REQUIRE(run.system().digest().text() == digests[to - 1]);
      }
      history.rewind(0);
      REQUIRE(run.run() == emu::RunEnd::kStopped);
      REQUIRE(run.system().digest().text() == expected);
    }
  }
}

TEST_CASE("checkpoints are thinned out to the room that there is, and those that are left still hold", "[history]") {
  GuestRun run({.arch = Arch::kArm64, .name = "demo"});
  emu::History history(run.system(), kRoom, 8);
  std::vector<std::pair<emu::Position, std::string>> digests;
  for (uint64_t at = 0; at < 400'000; at += 4'000) {
    if (at > 0) run.run({.code_bytes = at});
    history.keep();
    digests.emplace_back(history.here(), run.system().digest().text());
    REQUIRE(history.size() <= 8);
  }
  REQUIRE(history.position(0) == digests.front().first);
  // Wider apart the older they are.
  uint64_t young = history.position(7).code_bytes - history.position(6).code_bytes;
  uint64_t old = history.position(1).code_bytes - history.position(0).code_bytes;
  REQUIRE(old > 4 * young);
  while (true) {
    size_t last = history.size() - 1;
    history.rewind(last);
    auto found = std::ranges::find(digests, history.here(), &std::pair<emu::Position, std::string>::first);
    REQUIRE(found != digests.end());
    REQUIRE(run.system().digest().text() == found->second);
    if (last == 0) break;
    history.rewind(last - 1);
  }
}

}  // namespace
}  // namespace jacinth::boards
