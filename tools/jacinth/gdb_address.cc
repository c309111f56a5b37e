#include "tools/jacinth/gdb_address.h"

#include <fmt/format.h>

#include "tools/jacinth/units.h"

namespace jacinth::cli {

std::string GdbAddress::text() const {
  if (is_path) return "unix:" + path;
  return fmt::format(fmt::runtime(host.contains(':') ? "[{}]:{}" : "{}:{}"), host, port);
}

std::expected<GdbAddress, std::string> parse_gdb_address(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  GdbAddress address;
  if (text.starts_with(kUnix)) {
    address.is_path = true;
    address.host.clear();
    address.path = text.substr(kUnix.size());
    if (address.path.empty()) return std::unexpected("unix: needs a path behind it");
    return address;
  }
  size_t colon = text.rfind(':');
  std::string_view digits = text;
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    digits = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) {
      host = host.substr(1, host.size() - 2);
    } else if (host.contains(':')) {
      return std::unexpected(fmt::format("'{}': an IPv6 address stands in brackets, [{}]:PORT", text, host));
    }
    if (!host.empty()) address.host = host;
  }
  auto port = parse_number(digits);
  if (!port || *port > 65535) return std::unexpected(fmt::format("'{}' is no [HOST:]PORT and no unix:PATH", text));
  address.port = static_cast<uint16_t>(*port);
  return address;
}

}  // namespace jacinth::cli
