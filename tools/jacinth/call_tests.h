// What shows that a system call works: tests that say so, gathered from the sources, and the failures and options that
// the ABI names, each with a unit test that saw it. Made at build time by tools/gen/call_tests.py.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace jacinth::cli {

struct CallTest {
  std::string_view call;  // "zx_port_wait"
  std::string_view test;
};

/// By call, then by test.
std::span<const CallTest> call_tests();

/// Something that a call's documentation promises.
struct CallFact {
  enum class Kind : uint8_t { kError, kOption };
  std::string_view call;
  Kind kind;
  std::string_view name;  // "ZX_ERR_BAD_HANDLE", "ZX_WAIT_ASYNC_EDGE"
  std::string_view when;  // A failure: in a few words.
  std::string_view test;  // A unit test where the call failed so, or succeeded with the option; empty: none.
};

/// By call; failures before options.
std::span<const CallFact> call_facts();

/// How many of a call's failures and options a unit test has seen.
struct CallCoverage {
  size_t errors = 0;
  size_t errors_seen = 0;
  size_t options = 0;
  size_t options_seen = 0;
};
CallCoverage coverage_of(std::string_view call);

}  // namespace jacinth::cli
