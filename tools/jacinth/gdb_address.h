// Where debuggers connect: a TCP port, of this host alone unless another address is named, or a Unix socket.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace jacinth::cli {

struct GdbAddress {
  bool is_path = false;
  std::string host = "127.0.0.1";
  uint16_t port = 0;  ///< 0: the host chooses one.
  std::string path;
  bool operator==(const GdbAddress&) const = default;

  /// As it is written: "127.0.0.1:1234", "[::1]:1234", "unix:/tmp/socket".
  std::string text() const;
};

/// "[HOST:]PORT" or "unix:PATH"; HOST may be a name, an IPv4 address, or an IPv6 address in brackets.
std::expected<GdbAddress, std::string> parse_gdb_address(std::string_view text);

}  // namespace jacinth::cli
