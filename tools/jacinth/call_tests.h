// Which tests show that a system call works: gathered from the sources at build time by tools/gen/call_tests.py.
#pragma once

#include <span>
#include <string_view>

namespace jacinth::cli {

struct CallTest {
  std::string_view call;  // "zx_port_wait"
  std::string_view test;
};

/// By call, then by test.
std::span<const CallTest> call_tests();

}  // namespace jacinth::cli
