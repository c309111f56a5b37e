#include "emu/debug/gdb/text.h"

namespace jacinth::emu::gdb {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void put_hex(std::string& out, std::span<const std::byte> bytes) {
  for (std::byte byte : bytes) {
    out += kDigits[std::to_integer<size_t>(byte >> 4)];
    out += kDigits[std::to_integer<size_t>(byte & std::byte{15})];
  }
}

std::string hex_of(std::string_view bytes) {
  std::string out;
  put_hex(out, std::as_bytes(std::span(bytes)));
  return out;
}

std::optional<std::string> bytes_of_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    int high = digit(digits[i]);
    int low = digit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::string escaped(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (char c : bytes) {
    if (c == '$' || c == '#' || c == '}' || c == '*') {
      out += '}';
      c = static_cast<char>(c ^ 0x20);
    }
    out += c;
  }
  return out;
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      // XML 1.0 has no other control characters, and names that guests give need not be text.
      default: out += c >= ' ' && c <= '~' ? c : '?'; break;
    }
  }
  return out;
}

bool Scanner::take(std::string_view word) {
  if (!rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

std::optional<uint64_t> Scanner::number() {
  uint64_t value = 0;
  size_t used = 0;
  for (; used < rest_.size(); ++used) {
    int next = digit(rest_[used]);
    if (next < 0) break;
    if (value >> 60 != 0) return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(next);
  }
  if (used == 0) return std::nullopt;
  rest_.remove_prefix(used);
  return value;
}

std::string_view Scanner::until(char end) {
  size_t at = rest_.find(end);
  std::string_view found = rest_.substr(0, at);
  rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + 1);
  return found;
}

std::optional<uint64_t> Scanner::id() { return take("-1") ? std::optional(ThreadChoice::kAll) : number(); }

std::optional<ThreadChoice> Scanner::thread() {
  ThreadChoice choice;
  if (take("p")) {
    std::optional<uint64_t> process = id();
    if (!process) return std::nullopt;
    choice.process = *process;
    choice.thread = ThreadChoice::kAll;
    if (!take(".")) return choice;
  }
  std::optional<uint64_t> thread = id();
  if (!thread) return std::nullopt;
  choice.thread = *thread;
  return choice;
}

}  // namespace jacinth::emu::gdb
