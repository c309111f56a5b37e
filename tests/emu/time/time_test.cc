// Virtual time: what happens at its ends.
#include "emu/time/time.h"

#include "tests/support/test.h"

namespace jacinth {
namespace {

TEST_CASE("a deadline past the end of time is never, not the past") {
  REQUIRE(Time::never() + Duration{1} == Time::never());
  REQUIRE(Time{1} + Duration{Time::never().ns} == Time::never());
  REQUIRE(Time::long_ago() - Duration{1} == Time::long_ago());
  REQUIRE(Time{5} + Duration{7} == Time{12});
}

TEST_CASE("the span between the two ends of time saturates") {
  REQUIRE((Time::never() - Time::long_ago()).ns == Time::never().ns);
  REQUIRE((Time::long_ago() - Time::never()).ns == Time::long_ago().ns);
  REQUIRE((Time{12} - Time{5}).ns == 7);
}

}  // namespace
}  // namespace jacinth
