// Which system calls a trace shows, as it is said on a command line.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/abi/syscall_info.h"

namespace jacinth::cli {

/// "zx_port_*,!zx_port_wait": names, patterns and families. By number, whether a call is meant. Later words win;
/// without a first positive one, all calls are that no word takes away.
std::expected<std::vector<bool>, std::string> chosen_calls(const std::string& list);

/// The call of this name, with or without its prefix; null when there is none.
const abi::SyscallInfo* named_call(std::string_view name);

/// What reaches the kernel where a program calls a function of the vDSO that makes calls of other names
/// ("zx_channel_call"): those names. Empty for what makes none, and for what has no such function.
std::span<const std::string_view> calls_behind(std::string_view name);

}  // namespace jacinth::cli
