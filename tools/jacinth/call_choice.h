// Which system calls a trace shows, as it is said on a command line.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace jacinth::cli {

/// "zx_port_*,!zx_port_wait": names, patterns and families. By number, whether a call is meant. Later words win;
/// without a first positive one, all calls are that no word takes away.
std::expected<std::vector<bool>, std::string> chosen_calls(const std::string& list);

}  // namespace jacinth::cli
