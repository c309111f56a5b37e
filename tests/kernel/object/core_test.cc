// What every kernel object can reach: chance, options, counters (kernel/object/core.h).
#include "kernel/object/core.h"

#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

TEST_CASE("chance depends on the seed alone and goes on after a save and load") {
  FakePlatform machine;
  machine.set_seed(7);
  Core first(machine, {});
  Core second(machine, {});
  REQUIRE(first.random64() == second.random64());

  Writer saved;
  first.state(saved);
  Core third(machine, {});
  Reader reader(saved.data());
  third.state(reader);
  REQUIRE(third.random64() == first.random64());

  machine.set_seed(8);
  Core other(machine, {});
  REQUIRE(other.random64() != Core(machine, {}).random64() + 1);
  machine.set_seed(7);
  uint64_t seven = Core(machine, {}).random64();
  machine.set_seed(8);
  REQUIRE(Core(machine, {}).random64() != seven);
}

TEST_CASE("random fills every byte of any size") {
  FakePlatform machine;
  for (size_t size = 0; size < 40; ++size) {
    std::vector<std::byte> ored(size);
    Core core(machine, {});
    for (int i = 0; i < 64; ++i) {
      std::vector<std::byte> drawn(size);
      core.random(drawn);
      for (size_t at = 0; at < size; ++at) ored[at] |= drawn[at];
    }
    for (std::byte byte : ored) REQUIRE(byte == std::byte{0xff});
  }
}

TEST_CASE("options are numbers, decimal or hexadecimal, or absent") {
  FakePlatform machine;
  Core core(machine, {{"a", "12"}, {"b", "0x1f"}, {"c", "12x"}, {"d", ""}});
  REQUIRE(core.option("a", 5) == 12);
  REQUIRE(core.option("b", 5) == 31);
  REQUIRE(core.option("c", 5) == 5);
  REQUIRE(core.option("d", 5) == 5);
  REQUIRE(core.option("e", 5) == 5);
}

TEST_CASE("a counter's reference stays good while others come and across loading") {
  FakePlatform machine;
  Core core(machine, {});
  int64_t& made = core.counter("test.made");
  made = 3;
  for (int i = 0; i < 100; ++i) core.counter("other." + std::to_string(i));
  Writer saved;
  core.state(saved);
  made = 9;
  Reader reader(saved.data());
  core.state(reader);
  REQUIRE(made == 3);
  REQUIRE(core.counters().at("test.made") == 3);
}

}  // namespace
}  // namespace jacinth::kernel
