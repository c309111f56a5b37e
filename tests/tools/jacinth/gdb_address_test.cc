// Where debuggers are told to connect.
#include "tools/jacinth/gdb_address.h"

#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

TEST_CASE("a debugger's port is of this host alone unless another address is named") {
  REQUIRE(*parse_gdb_address("1234") == GdbAddress{.host = "127.0.0.1", .port = 1234});
  REQUIRE(*parse_gdb_address(":1234") == GdbAddress{.host = "127.0.0.1", .port = 1234});
  REQUIRE(*parse_gdb_address("0") == GdbAddress{.host = "127.0.0.1", .port = 0});
  REQUIRE(*parse_gdb_address("0.0.0.0:1234") == GdbAddress{.host = "0.0.0.0", .port = 1234});
  REQUIRE(*parse_gdb_address("localhost:1") == GdbAddress{.host = "localhost", .port = 1});
  REQUIRE(*parse_gdb_address("[::1]:1234") == GdbAddress{.host = "::1", .port = 1234});
  REQUIRE(parse_gdb_address("unix:/tmp/a:b")->path == "/tmp/a:b");
}

TEST_CASE("an address of a debugger is written as it is read") {
  for (const char* text : {"127.0.0.1:1234", "[::1]:65535", "unix:/tmp/socket"})
    REQUIRE(parse_gdb_address(text)->text() == text);
}

TEST_CASE("what is no address of a debugger is refused") {
  for (const char* text : {"", "x", ":", "host:", "65536", "-1", "::1:1234", "unix:", "1234:host"}) {
    INFO(text);
    REQUIRE_FALSE(parse_gdb_address(text));
  }
}

}  // namespace
}  // namespace jacinth::cli
