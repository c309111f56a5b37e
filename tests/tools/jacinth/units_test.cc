// Numbers as people write them.
#include "tools/jacinth/units.h"

#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

TEST_CASE("a duration is a number and a unit") {
  REQUIRE(parse_duration("5ns")->ns == 5);
  REQUIRE(parse_duration("100us")->ns == 100'000);
  REQUIRE(parse_duration("500ms")->ns == 500'000'000);
  REQUIRE(parse_duration("10s")->ns == 10'000'000'000);
  REQUIRE(parse_duration("10")->ns == 10'000'000'000);
  REQUIRE(parse_duration("2m")->ns == 120'000'000'000);
  REQUIRE(parse_duration("1h")->ns == 3'600'000'000'000);
  REQUIRE(parse_duration("1.5ms")->ns == 1'500'000);
  REQUIRE(parse_duration("0.000000001s")->ns == 1);
  REQUIRE(parse_duration("0")->ns == 0);
}

TEST_CASE("what is no duration is refused with the words it came in") {
  for (const char* text :
       {"", "s", "-1s", "1x", "1.s", ".5s", "1 s", "1s ", "ten", "0x10s", "1.0000000001s", "1.5.5s"}) {
    INFO(text);
    REQUIRE_FALSE(parse_duration(text).has_value());
    REQUIRE(parse_duration(text).error().find(std::string("'") + text + "'") == 0);
  }
}

TEST_CASE("a duration beyond 292 years is refused, not wrapped") {
  REQUIRE(parse_duration("9223372036854775807ns")->ns == INT64_MAX);
  REQUIRE_FALSE(parse_duration("9223372036854775808ns").has_value());
  REQUIRE_FALSE(parse_duration("9223372037s").has_value());
  REQUIRE_FALSE(parse_duration("99999999999999999999s").has_value());
}

TEST_CASE("a size needs its unit, since tools differ on what a bare number means") {
  REQUIRE(*parse_size("512M") == 512ull << 20);
  REQUIRE(*parse_size("1G") == 1ull << 30);
  REQUIRE(*parse_size("64K") == 64ull << 10);
  REQUIRE(*parse_size("2GiB") == 2ull << 30);
  REQUIRE(*parse_size("1.5G") == 3ull << 29);
  REQUIRE(*parse_size("1T") == 1ull << 40);
  for (const char* text : {"", "512", "M", "-1M", "1MB", "1 M", "17179869184G", "99999999T"}) {
    INFO(text);
    REQUIRE_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("a number is decimal or hexadecimal, and all of 64 bits") {
  REQUIRE(*parse_number("0") == 0);
  REQUIRE(*parse_number("18446744073709551615") == UINT64_MAX);
  REQUIRE(*parse_number("0xffffffffffffffff") == UINT64_MAX);
  REQUIRE(*parse_number("0X1f") == 31);
  for (const char* text : {"", "-1", "1.5", "0x", "1f", "18446744073709551616", " 1", "1 "}) {
    INFO(text);
    REQUIRE_FALSE(parse_number(text).has_value());
  }
}

TEST_CASE("an assignment is cut at its first equals sign") {
  REQUIRE(*parse_assignment("A=b") == std::pair<std::string, std::string>("A", "b"));
  REQUIRE(*parse_assignment("A=") == std::pair<std::string, std::string>("A", ""));
  REQUIRE(*parse_assignment("A=b=c") == std::pair<std::string, std::string>("A", "b=c"));
  REQUIRE_FALSE(parse_assignment("A").has_value());
  REQUIRE_FALSE(parse_assignment("=b").has_value());
  REQUIRE_FALSE(parse_assignment("").has_value());
}

TEST_CASE("sizes and durations are printed in the largest unit that is exact") {
  REQUIRE(size_text(1ull << 30) == "1 GiB");
  REQUIRE(size_text(1536ull << 20) == "1536 MiB");
  REQUIRE(size_text(4096) == "4 KiB");
  REQUIRE(size_text(100) == "100 bytes");
  REQUIRE(size_text(0) == "0 bytes");
  REQUIRE(duration_text({10'000'000'000}) == "10s");
  REQUIRE(duration_text({1'500'000'000}) == "1500ms");
  REQUIRE(duration_text({1'500}) == "1500ns");
  REQUIRE(duration_text({0}) == "0ns");
}

}  // namespace
}  // namespace jacinth::cli
