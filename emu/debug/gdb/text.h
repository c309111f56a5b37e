// The small words of the GDB remote protocol: hexadecimal numbers and bytes, thread ids, XML.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jacinth::emu::gdb {

/// A thread id as it stands in a packet: 0 is any, kAll is every one.
struct ThreadChoice {
  static constexpr uint64_t kAny = 0;
  static constexpr uint64_t kAll = ~uint64_t{0};
  uint64_t process = kAny;
  uint64_t thread = kAny;
  bool operator==(const ThreadChoice&) const = default;
};

void put_hex(std::string& out, std::span<const std::byte> bytes);
std::string hex_of(std::string_view bytes);
/// Null: an odd number of digits, or something else than digits.
std::optional<std::string> bytes_of_hex(std::string_view digits);

/// With '}' before what would end or begin something, each such byte with bit 5 turned.
std::string escaped(std::string_view bytes);
std::string xml_escaped(std::string_view text);

/// Takes the text of a packet apart, from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  /// Whether `word` comes next; it is behind us then.
  bool take(std::string_view word);
  /// A hexadecimal number of at most 64 bits.
  std::optional<uint64_t> number();
  /// All up to `end`, which is behind us then; all there is when it does not come.
  std::string_view until(char end);
  /// "p1f.2a", "2a", "-1", "p1f.-1", "p1f": the last is every thread of it.
  std::optional<ThreadChoice> thread();

 private:
  std::optional<uint64_t> id();
  std::string_view rest_;
};

}  // namespace jacinth::emu::gdb
