// Statuses, the results that carry them, and TRY between the two.
#include "kernel/abi/status.h"

#include <expected>
#include <memory>
#include <string>

#include "kernel/abi/format.h"
#include "tests/support/test.h"

namespace jacinth::abi {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Status::kInvalidArgs;
  return n / 2;
}

Result<std::unique_ptr<int>> half_on_heap(int n) {
  int h = TRY(half(n));
  return std::make_unique<int>(h);
}

Status check_half(int n, int expected) {
  std::unique_ptr<int> h = TRY(half_on_heap(n));
  return *h == expected ? Status::kOk : Status::kBadState;
}

Result<std::string> say_half(int n) {
  TRY_STATUS(check_half(n, n / 2));
  return "half";
}

std::expected<std::string, std::string> say(bool fail) {
  if (fail) return std::unexpected("no");
  return "yes";
}

std::expected<size_t, std::string> length_of_say(bool fail) {
  std::string text = TRY(say(fail));
  return text.size();
}

std::expected<std::string, std::string> say_twice(bool fail) {
  std::string text = TRY(say(fail));
  return text + text;
}

TEST_CASE("a result carries a value or the status that says why there is none") {
  REQUIRE(half(8).value() == 4);
  REQUIRE(half(8).status() == Status::kOk);
  REQUIRE_FALSE(half(7).has_value());
  REQUIRE(half(7).status() == Status::kInvalidArgs);
}

TEST_CASE("TRY unwraps and passes failures on between results and bare statuses") {
  REQUIRE(**half_on_heap(8) == 4);
  REQUIRE(half_on_heap(7).status() == Status::kInvalidArgs);
  REQUIRE(check_half(8, 4) == Status::kOk);
  REQUIRE(check_half(8, 5) == Status::kBadState);
  REQUIRE(check_half(7, 3) == Status::kInvalidArgs);
  REQUIRE(say_half(8).value() == "half");
  REQUIRE(say_half(7).status() == Status::kInvalidArgs);
}

TEST_CASE("TRY keeps an error that has the type of the value") {
  REQUIRE(say_twice(false).value() == "yesyes");
  REQUIRE_FALSE(say_twice(true).has_value());
  REQUIRE(say_twice(true).error() == "no");
  REQUIRE(length_of_say(true).error() == "no");
  REQUIRE(length_of_say(false).value() == 3);
}

TEST_CASE("statuses have the names of the public headers") {
  REQUIRE(status_name(Status::kOk) == "ZX_OK");
  REQUIRE(status_name(Status::kBadHandle) == "ZX_ERR_BAD_HANDLE");
  REQUIRE(status_name(Status::kInterruptedRetry) == "ZX_ERR_INTERRUPTED_RETRY");
  REQUIRE(status_name(Status::kConnectionAborted) == "ZX_ERR_CONNECTION_ABORTED");
}

TEST_CASE("a number that no status has is printed as the number") {
  REQUIRE(status_name(static_cast<Status>(-7)).empty());
  REQUIRE(format_status(static_cast<Status>(-7)) == "-7");
  REQUIRE(format_status(static_cast<Status>(217)) == "217");
  REQUIRE(format_status(Status::kTimedOut) == "ZX_ERR_TIMED_OUT");
}

TEST_CASE("the mark of a parked thread is no status that a guest could see") {
  REQUIRE(status_name(Status::kParked).empty());
}

}  // namespace
}  // namespace jacinth::abi
