#include "tools/jacinth/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace jacinth::cli {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr auto kTimeUnits = std::to_array<Unit>({
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
});

constexpr auto kSizeUnits = std::to_array<Unit>({
    {"K", 1ull << 10},
    {"KiB", 1ull << 10},
    {"M", 1ull << 20},
    {"MiB", 1ull << 20},
    {"G", 1ull << 30},
    {"GiB", 1ull << 30},
    {"T", 1ull << 40},
    {"TiB", 1ull << 40},
});

/// A decimal number with up to nine digits behind the point, times a unit. False when it is no such thing, or too much.
template <size_t N>
bool scaled(std::string_view text, const std::array<Unit, N>& units, uint64_t& result) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  uint64_t whole = 0;
  auto [at, error] = std::from_chars(begin, end, whole);
  if (error != std::errc()) return false;
  uint64_t fraction = 0;
  uint64_t parts = 1;
  if (at != end && *at == '.') {
    for (++at; at != end && *at >= '0' && *at <= '9'; ++at) {
      if (parts == 1'000'000'000) return false;
      fraction = fraction * 10 + static_cast<uint64_t>(*at - '0');
      parts *= 10;
    }
    if (parts == 1) return false;
  }
  std::string_view name(at, static_cast<size_t>(end - at));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    uint64_t part = 0;
    if (__builtin_mul_overflow(whole, unit.factor, &result)) return false;
    // 128 bits: a fraction of a terabyte has more digits than 64 bits hold.
    part = static_cast<uint64_t>(static_cast<unsigned __int128>(fraction) * unit.factor / parts);
    return !__builtin_add_overflow(result, part, &result);
  }
  return false;
}

}  // namespace

std::expected<Duration, std::string> parse_duration(std::string_view text) {
  uint64_t ns = 0;
  if (!scaled(text, kTimeUnits, ns) || ns > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return std::unexpected(fmt::format("'{}' is no duration: give a number and ns, us, ms, s, m or h", text));
  return Duration{static_cast<int64_t>(ns)};
}

std::expected<uint64_t, std::string> parse_size(std::string_view text) {
  uint64_t bytes = 0;
  if (!scaled(text, kSizeUnits, bytes))
    return std::unexpected(fmt::format("'{}' is no size: give a number and K, M, G or T", text));
  return bytes;
}

std::expected<uint64_t, std::string> parse_number(std::string_view text) {
  std::string_view digits = text;
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    base = 16;
  }
  uint64_t value = 0;
  auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || at != digits.data() + digits.size())
    return std::unexpected(fmt::format("'{}' is no number from 0 to 2^64 - 1", text));
  return value;
}

std::expected<std::pair<std::string, std::string>, std::string> parse_assignment(std::string_view text) {
  size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return std::unexpected(fmt::format("'{}' is no NAME=VALUE", text));
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

std::string size_text(uint64_t bytes) {
  constexpr auto kShown = std::to_array<Unit>({{"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}});
  for (const Unit& unit : kShown)
    if (bytes != 0 && bytes % unit.factor == 0) return fmt::format("{} {}", bytes / unit.factor, unit.name);
  return fmt::format("{} bytes", bytes);
}

std::string duration_text(Duration duration) {
  constexpr auto kShown = std::to_array<Unit>({{"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}});
  for (const Unit& unit : kShown) {
    auto factor = static_cast<int64_t>(unit.factor);
    if (duration.ns != 0 && duration.ns % factor == 0) return fmt::format("{}{}", duration.ns / factor, unit.name);
  }
  return fmt::format("{}ns", duration.ns);
}

std::string time_text(Time time) { return fmt::format("{}.{:09}s", time.ns / 1'000'000'000, time.ns % 1'000'000'000); }

}  // namespace jacinth::cli
