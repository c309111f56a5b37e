// How the services' requests read in a trace.
#pragma once

#include <string>
#include <string_view>

namespace jacinth::kernel {

/// In quotation marks; what would not print is escaped.
std::string quoted(std::string_view text);
/// What fdio and launchers accept as a part of a path: not empty, ".", "..", and without a slash or a NUL.
bool good_name(std::string_view name);

}  // namespace jacinth::kernel
