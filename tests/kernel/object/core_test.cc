// What every kernel object can reach: chance, options, counters (kernel/object/core.h).
#include "kernel/object/core.h"

#include "tests/kernel/object/plain_object.h"
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

TEST_CASE("options are numbers, decimal or hexadecimal, or words for them, or absent") {
  FakePlatform machine;
  auto entropy = [&](const char* text) {
    return Core(machine, {{"aslr.entropy_bits", text}}).option("aslr.entropy_bits", 5);
  };
  REQUIRE(entropy("12") == 12);
  REQUIRE(entropy("0x1f") == 31);
  REQUIRE(entropy("true") == 1);
  REQUIRE(entropy("off") == 0);
  REQUIRE(entropy("12x") == 5);
  REQUIRE(entropy("") == 5);
  REQUIRE(Core(machine, {}).option("aslr.entropy_bits", 5) == 5);
}

TEST_CASE("objects are counted by their type") {
  FakePlatform machine;
  Core core(machine, {});
  auto value = [&](const char* name) {
    auto found = core.counters().find(name);
    return found != core.counters().end() ? found->second : -1;
  };
  REQUIRE(value("dispatcher.channel.create") == -1);
  auto first = make_object<PlainObject>(core);
  auto second = make_object<PlainObject>(core);
  std::string family = "dispatcher." + std::string(abi::object_type_name(PlainObject::kType));
  REQUIRE(value((family + ".create").c_str()) == 2);
  REQUIRE(value((family + ".destroy").c_str()) == 0);
  first = nullptr;
  core.objects().drain();
  REQUIRE(value((family + ".destroy").c_str()) == 1);
  REQUIRE(value("dispatcher.create") == 2);
  REQUIRE(value("dispatcher.destroy") == 1);
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
