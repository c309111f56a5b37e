// Whole systems with real guest programs: a run is the same run, however it is cut, stepped, saved or loaded.
#include "boards/system.h"

#include "tests/support/guest_run.h"
#include "tests/support/test.h"

namespace jacinth::boards {
namespace {

/// Programs that touch every corner of the kernel's core, several processes and threads included.
const char* const kPrograms[] = {"hello", "handles", "events", "waits",     "channels", "ports", "timers", "threads",
                                 "fifos", "streams", "memory", "processes", "faults",   "jobs",  "demo"};

struct Ending {
  int64_t return_code = 0;
  std::string console;
  std::string digest;
  Time now;
  bool operator==(const Ending&) const = default;
};

Ending ending(GuestRun& run) {
  REQUIRE(run.run() == emu::RunEnd::kStopped);
  return {run.return_code(), run.console(), run.system().digest().text(), run.system().machine().now()};
}

TEST_CASE("a run repeated is the same run, stepped instruction by instruction too", "[system]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (const char* name : kPrograms) {
      INFO(arch_name(arch) << " " << name);
      GuestRun free({.arch = arch, .name = name});
      Ending expected = ending(free);
      REQUIRE(expected.return_code == 0);

      GuestRun again({.arch = arch, .name = name});
      Ending second = ending(again);
      REQUIRE(second.console == expected.console);
      REQUIRE(second.digest == expected.digest);

      // The demo computes for long: stepping it would take a minute.
      if (std::string_view(name) == "demo") continue;
      GuestRun stepped({.arch = arch, .name = name, .stepping = true});
      Ending third = ending(stepped);
      REQUIRE(third.console == expected.console);
      REQUIRE(third.now == expected.now);
      REQUIRE(third.digest == expected.digest);
    }
  }
}

TEST_CASE("a run saved and loaded anywhere is the same run", "[system]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (const char* name : kPrograms) {
      INFO(arch_name(arch) << " " << name);
      GuestRun straight({.arch = arch, .name = name});
      Ending expected = ending(straight);
      uint64_t length = straight.system().machine().executed_bytes();

      GuestRun moved({.arch = arch, .name = name});
      constexpr uint64_t kMoves = 12;
      for (uint64_t i = 1; i <= kMoves; ++i) {
        // Anywhere: not only where a slice ends.
        uint64_t at = length * i / (kMoves + 1) + i * 37;
        if (moved.run({.code_bytes = at}) != emu::RunEnd::kCodeLimit) break;
        std::string before = moved.system().digest().text();
        REQUIRE(moved.move_to_fresh_system() == "");
        REQUIRE(moved.system().digest().text() == before);
      }
      Ending result = ending(moved);
      REQUIRE(result.console == expected.console);
      REQUIRE(result.return_code == expected.return_code);
      REQUIRE(result.now == expected.now);
      REQUIRE(result.digest == expected.digest);
    }
  }
}

TEST_CASE("a run with services is the same run, saved and loaded anywhere or stepped", "[system]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (const char* name : {"linked", "linked_streams"}) {
      INFO(arch_name(arch) << " " << name);
      GuestOptions options{.arch = arch, .name = name, .linked = true, .input = {"one\n", "two\n"}};
      GuestRun straight(options);
      Ending expected = ending(straight);
      if (std::string_view(name) == "linked_streams") {
        REQUIRE(expected.console.ends_with("one\ntwo\ndone\n"));
        REQUIRE(expected.return_code == 3);
      }
      uint64_t length = straight.system().machine().executed_bytes();

      GuestRun moved(options);
      constexpr uint64_t kMoves = 40;
      for (uint64_t i = 1; i <= kMoves; ++i) {
        if (moved.run({.code_bytes = length * i / (kMoves + 1)}) != emu::RunEnd::kCodeLimit) break;
        std::string before = moved.system().digest().text();
        REQUIRE(moved.move_to_fresh_system() == "");
        REQUIRE(moved.system().digest().text() == before);
      }
      REQUIRE(ending(moved) == expected);

      options.stepping = true;
      GuestRun stepped(options);
      REQUIRE(ending(stepped) == expected);
    }
  }
}

TEST_CASE("the number of CPUs changes a run's order, not what a correct program prints", "[system]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (const char* name : {"channels", "ports", "threads", "demo"}) {
      GuestRun one({.arch = arch, .name = name, .cpus = 1});
      GuestRun four({.arch = arch, .name = name, .cpus = 4});
      INFO(arch_name(arch) << " " << name);
      REQUIRE(ending(one).console == ending(four).console);
    }
  }
}

TEST_CASE("another seed places things elsewhere and changes nothing that a program prints", "[system]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    GuestRun one({.arch = arch, .name = "demo", .seed = 1});
    GuestRun two({.arch = arch, .name = "demo", .seed = 2});
    Ending first = ending(one);
    Ending second = ending(two);
    REQUIRE(first.console == second.console);
    REQUIRE(first.digest != second.digest);
  }
}

TEST_CASE("both boards print the same demo", "[system]") {
  GuestRun arm({.arch = Arch::kArm64, .name = "demo"});
  GuestRun x86({.arch = Arch::kX86_64, .name = "demo"});
  REQUIRE(ending(arm).console == ending(x86).console);
}

TEST_CASE("options that do not fit a board are named", "[system]") {
  const Board& board = default_board(Arch::kArm64);
  REQUIRE(unfit(board, {}) == "");
  REQUIRE(unfit(board, {.cpus = 0}) != "");
  REQUIRE(unfit(board, {.cpus = board.max_cpus + 1}) != "");
  REQUIRE(unfit(board, {.ram = 4097}) != "");
  REQUIRE(unfit(board, {.ram = board.max_ram + kPageSize}) != "");
  REQUIRE(find_board("virt-arm64") == &board);
  REQUIRE(find_board("") == nullptr);
}

}  // namespace
}  // namespace jacinth::boards
