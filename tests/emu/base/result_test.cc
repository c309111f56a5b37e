// TRY: the value, or out with the error.
#include "emu/base/result.h"

#include <memory>
#include <string>

#include "tests/support/test.h"

namespace jacinth {
namespace {

enum class Code { kOk = 0, kBad = 7 };
template <class T>
using Expected = std::expected<T, Code>;

Expected<int> positive(int value) {
  if (value <= 0) return std::unexpected(Code::kBad);
  return value;
}

TEST_CASE("TRY yields the value and goes on") {
  auto twice = [](int value) -> Expected<int> { return 2 * TRY(positive(value)); };
  REQUIRE(twice(21) == 42);
  REQUIRE(twice(-1) == std::unexpected(Code::kBad));
}

TEST_CASE("TRY passes a failure on into another value type, or as the bare error") {
  auto text = [](int value) -> Expected<std::string> { return std::to_string(TRY(positive(value))); };
  REQUIRE(text(3) == "3");
  REQUIRE(text(0) == std::unexpected(Code::kBad));

  auto bare = [](int value) -> Code {
    TRY(positive(value));
    return Code::kOk;
  };
  REQUIRE(bare(1) == Code::kOk);
  REQUIRE(bare(0) == Code::kBad);
}

TEST_CASE("TRY evaluates its expression once and stops the function there") {
  int calls = 0;
  bool reached = false;
  auto run = [&](int value) -> Expected<void> {
    auto count = [&]() -> Expected<int> {
      ++calls;
      return positive(value);
    };
    TRY(count());
    reached = true;
    return {};
  };
  REQUIRE_FALSE(run(0).has_value());
  REQUIRE(calls == 1);
  REQUIRE_FALSE(reached);
  REQUIRE(run(1).has_value());
  REQUIRE(calls == 2);
  REQUIRE(reached);
}

TEST_CASE("TRY moves what can only be moved, and copies from a named result") {
  auto make = [](bool good) -> Expected<std::unique_ptr<int>> {
    if (!good) return std::unexpected(Code::kBad);
    return std::make_unique<int>(5);
  };
  auto take = [&](bool good) -> Expected<int> {
    std::unique_ptr<int> pointer = TRY(make(good));
    return *pointer;
  };
  REQUIRE(take(true) == 5);
  REQUIRE(take(false) == std::unexpected(Code::kBad));

  Expected<std::string> named = std::string(100, 'x');
  auto copy = [&]() -> Expected<std::string> { return TRY(named); };
  REQUIRE(copy() == named);
  REQUIRE(named->size() == 100);
}

}  // namespace
}  // namespace jacinth
