// Numbers as people write them on a command line: durations, sizes, seeds. Each parser takes the whole text or says
// what is wrong with it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "emu/time/time.h"

namespace jacinth::cli {

/// "10s", "1.5ms", "2m", "100us", "5ns", "1h"; a bare number is seconds, as for timeout(1). Never negative.
std::expected<Duration, std::string> parse_duration(std::string_view text);

/// "512M", "1G", "64K", "2GiB": powers of 1024. The unit must be there, since tools differ on what a bare number means.
std::expected<uint64_t, std::string> parse_size(std::string_view text);

/// Decimal, or hexadecimal behind "0x".
std::expected<uint64_t, std::string> parse_number(std::string_view text);

/// "NAME=VALUE"; the value may be empty and hold more "=".
std::expected<std::pair<std::string, std::string>, std::string> parse_assignment(std::string_view text);

/// "512 MiB", "1 GiB", "1000 bytes".
std::string size_text(uint64_t bytes);

/// "10s", "1.500000000s": for messages about limits.
std::string duration_text(Duration duration);
/// "1.000000250s", since the machine began.
std::string time_text(Time time);

}  // namespace jacinth::cli
