// Strings in JSON: whatever bytes a guest calls something, the result is valid.
#include "tools/jacinth/json_text.h"

#include <nlohmann/json.hpp>

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

}  // namespace

TEST_CASE("JSON text: Quotes, backslashes and control characters are escaped, UTF-8 is kept") {
  REQUIRE(json("a \"b\" \\ \n\t\x01") == R"("a \"b\" \\ \n\u0009\u0001")");
  REQUIRE(json("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80") ==
          "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST_CASE("JSON text: What is no UTF-8 becomes one replacement for each byte") {
  REQUIRE(json("\x80") == R"("\ufffd")");
  REQUIRE(json("\xc0\xaf") == R"("\ufffd\ufffd")");            // Too long for what it is.
  REQUIRE(json("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");  // Half of a pair.
  REQUIRE(json("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
  REQUIRE(json("\xe2\x82") == R"("\ufffd\ufffd")");  // Cut off.
}

TEST_CASE("JSON text: Any bytes give a string that a strict reader reads") {
  for (uint64_t seed : test::seeds(2000)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    test::Random random(seed);
    std::string bytes(random.below(40), ' ');
    for (char& c : bytes) c = static_cast<char>(random.next());
    std::string text = json(bytes);
    REQUIRE(nlohmann::json::accept(text));
  }
}

}  // namespace jacinth::cli
