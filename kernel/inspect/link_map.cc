#include "kernel/inspect/link_map.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>

namespace jacinth::kernel {
namespace {

constexpr size_t kMostLibraries = 1024;
constexpr size_t kLongestName = 255;

struct Debug {
  int32_t version = 0;
  int32_t padding = 0;
  uint64_t first = 0;
};

struct Entry {
  uint64_t bias = 0;
  uint64_t name = 0;
  uint64_t dynamic = 0;
  uint64_t next = 0;
  uint64_t previous = 0;
};

template <class T>
std::optional<T> read_one(const ReadMemory& read, uint64_t from) {
  T value;
  if (read(GuestAddr(from), std::as_writable_bytes(std::span(&value, 1))) != sizeof value) return std::nullopt;
  return value;
}

std::string read_name(const ReadMemory& read, uint64_t from) {
  std::array<char, kLongestName> text = {};
  if (from == 0) return {};
  size_t got = std::min(read(GuestAddr(from), std::as_writable_bytes(std::span(text))), text.size());
  std::string name(text.data(), strnlen(text.data(), got));
  // It goes into answers to debuggers: a name that would not print is none.
  if (std::ranges::any_of(name, [](char c) { return c < ' ' || c > '~'; })) return {};
  return name;
}

}  // namespace

std::vector<LinkedLibrary> linked_libraries(uint64_t debug_address, const ReadMemory& read) {
  std::vector<LinkedLibrary> libraries;
  if (debug_address <= 1) return libraries;
  std::optional<Debug> debug = read_one<Debug>(read, debug_address);
  if (!debug) return libraries;
  std::set<uint64_t> seen;
  for (uint64_t at = debug->first; at != 0 && libraries.size() < kMostLibraries && seen.insert(at).second;) {
    std::optional<Entry> entry = read_one<Entry>(read, at);
    if (!entry) break;
    libraries.push_back(
        {.entry = at, .bias = entry->bias, .name = read_name(read, entry->name), .dynamic = entry->dynamic});
    at = entry->next;
  }
  return libraries;
}

}  // namespace jacinth::kernel
