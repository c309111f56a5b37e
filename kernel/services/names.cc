#include "kernel/services/names.h"

#include <fmt/format.h>

namespace jacinth::kernel {

std::string quoted(std::string_view text) {
  std::string shown = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') shown += '\\';
    if (c >= ' ' && c <= '~') {
      shown += c;
    } else {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return shown + '"';
}

bool good_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos;
}

}  // namespace jacinth::kernel
