// The virtual clock: four bytes of code are a nanosecond, and nothing is ever lost.
#include "emu/time/virtual_clock.h"

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

TEST_CASE("time passes by a nanosecond for each four bytes executed, however they are cut up") {
  VirtualClock clock;
  REQUIRE(clock.now() == Time{0});
  clock.advance_bytes(3);
  REQUIRE(clock.now() == Time{0});
  clock.advance_bytes(1);
  REQUIRE(clock.now() == Time{1});

  VirtualClock bytewise;
  VirtualClock at_once;
  for (int i = 0; i < 1001; ++i) bytewise.advance_bytes(1);
  at_once.advance_bytes(1001);
  REQUIRE(bytewise.now() == at_once.now());
  REQUIRE(digest_of(bytewise) == digest_of(at_once));
  REQUIRE(at_once.now() == Time{250});
  REQUIRE(at_once.executed_bytes() == 1001);
}

TEST_CASE("added time and executed code add up") {
  VirtualClock clock;
  clock.advance_bytes(6);
  clock.add(Duration{100});
  clock.advance_bytes(2);
  REQUIRE(clock.now() == Time{102});
}

TEST_CASE("an idle machine jumps to its deadline, never back") {
  VirtualClock clock;
  clock.advance_bytes(7);
  clock.advance_to(Time{1000});
  REQUIRE(clock.now() == Time{1000});
  clock.advance_to(Time{500});
  REQUIRE(clock.now() == Time{1000});
  clock.advance_to(Time::long_ago());
  REQUIRE(clock.now() == Time{1000});
  clock.advance_bytes(1);  // The three bytes of before the jump were not lost.
  REQUIRE(clock.now() == Time{1001});
}

TEST_CASE("the clock stops at the end of time") {
  VirtualClock clock;
  clock.advance_bytes(400);
  clock.advance_to(Time{Time::never().ns - 1});
  REQUIRE(clock.now() == Time{Time::never().ns - 1});
  clock.add(Duration{1000});
  REQUIRE(clock.now() == Time::never());
  clock.advance_bytes(4000);
  REQUIRE(clock.now() == Time::never());
}

TEST_CASE("bytes_until is the exact number of bytes to the deadline") {
  for (uint64_t seed : test::seeds(200)) {
    test::Random random(seed);
    VirtualClock clock;
    clock.advance_bytes(random.below(100));
    clock.add(Duration{static_cast<int64_t>(random.below(100))});
    Time when{static_cast<int64_t>(random.below(300))};
    INFO("JACINTH_TEST_SEED=" << seed);

    uint64_t bytes = clock.bytes_until(when);
    REQUIRE((bytes == 0) == (clock.now() >= when));
    if (bytes == 0) continue;
    clock.advance_bytes(bytes - 1);
    REQUIRE(clock.now() < when);
    clock.advance_bytes(1);
    REQUIRE(clock.now() == when);
  }
}

TEST_CASE("a deadline that never comes leaves all the bytes there are") {
  VirtualClock clock;
  clock.advance_bytes(1);
  REQUIRE(clock.bytes_until(Time::never()) == UINT64_MAX);
  REQUIRE(clock.bytes_until(Time{Time::never().ns - 1}) == UINT64_MAX);
  REQUIRE(clock.bytes_until(Time::long_ago()) == 0);
  // The largest one whose bytes can be counted.
  REQUIRE(clock.bytes_until(Time{int64_t{1} << 61}) == (uint64_t{1} << 63) - 1);
}

TEST_CASE("the clock survives saving and loading") {
  VirtualClock clock;
  clock.advance_bytes(11);
  clock.advance_to(Time{77});
  Writer writer;
  writer(clock);
  VirtualClock loaded;
  Reader reader(writer.data());
  reader(loaded);
  REQUIRE(reader.at_end());
  REQUIRE(loaded.now() == clock.now());
  REQUIRE(loaded.executed_bytes() == 11);
  loaded.advance_bytes(1);
  REQUIRE(loaded.now() == Time{78});
}

}  // namespace
}  // namespace jacinth::emu
