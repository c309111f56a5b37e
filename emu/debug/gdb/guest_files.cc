#include "emu/debug/gdb/guest_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "emu/debug/gdb/documents.h"
#include "emu/debug/gdb/packet.h"
#include "emu/debug/gdb/text.h"

namespace jacinth::emu::gdb {
namespace {

// Errors and flags by the protocol's own numbers (GDB manual, E.13.9).
constexpr int kNoEntry = 2;
constexpr int kBadFile = 9;
constexpr int kInvalid = 22;
constexpr int kTooManyFiles = 24;
constexpr int kReadOnly = 30;
constexpr uint64_t kWriteOnly = 1;
constexpr uint64_t kReadWrite = 2;
constexpr uint32_t kRegularReadable = 0100444;

constexpr size_t kMaxOpen = 64;

std::string error(int number) { return fmt::format("F-1,{:x}", number); }

/// Descriptor, then whatever follows.
std::optional<uint64_t> descriptor(Scanner& from) {
  std::optional<uint64_t> number = from.number();
  from.take(",");
  return number;
}

}  // namespace

std::string GuestFiles::answer(std::string_view request) {
  Scanner from(request);
  std::string_view operation = from.until(':');
  if (operation == "setfs") return "F0";  // Every process sees the same files.
  if (operation == "open") return open(from.rest());
  if (operation == "pread") return pread(from.rest());
  if (operation == "fstat") return fstat(from.rest());
  if (operation == "close") return close(from.rest());
  if (operation == "readlink") return error(kInvalid);
  return {};
}

/// /proc/PID/maps and /proc/PID/task/TID/maps.
std::optional<std::string> GuestFiles::process_text(std::string_view name) {
  constexpr std::string_view kProc = "/proc/";
  if (!name.starts_with(kProc) || !name.ends_with("/maps")) return std::nullopt;
  name.remove_prefix(kProc.size());
  uint64_t koid = 0;
  size_t used = 0;
  for (; used < name.size() && used < 19 && name[used] >= '0' && name[used] <= '9'; ++used)
    koid = koid * 10 + static_cast<uint64_t>(name[used] - '0');
  if (used == 0 || used == name.size() || name[used] != '/') return std::nullopt;
  std::vector<MemoryRegion> regions = target_.regions(koid);
  if (regions.empty()) return std::nullopt;
  return maps_text(regions);
}

std::string GuestFiles::open(std::string_view arguments) {
  Scanner from(arguments);
  std::optional<std::string> name = bytes_of_hex(from.until(','));
  std::optional<uint64_t> flags = from.number();
  if (!name || !flags) return error(kInvalid);
  if ((*flags & (kWriteOnly | kReadWrite)) != 0) return error(kReadOnly);
  if (open_.size() == kMaxOpen) return error(kTooManyFiles);
  File file{.name = *name, .text = {}, .made_up = false};
  if (std::optional<std::string> text = process_text(*name)) {
    file.text = std::move(*text);
    file.made_up = true;
  } else if (!target_.file(*name)) {
    return error(kNoEntry);
  }
  uint64_t number = 3;
  while (open_.contains(number)) ++number;
  open_.emplace(number, std::move(file));
  return fmt::format("F{:x}", number);
}

std::optional<std::span<const std::byte>> GuestFiles::contents(const File& file) {
  if (file.made_up) return std::as_bytes(std::span(file.text));
  return target_.file(file.name);
}

std::string GuestFiles::pread(std::string_view arguments) {
  Scanner from(arguments);
  std::optional<uint64_t> number = descriptor(from);
  std::optional<uint64_t> count = from.number();
  from.take(",");
  std::optional<uint64_t> offset = from.number();
  if (!number || !count || !offset) return error(kInvalid);
  auto file = open_.find(*number);
  if (file == open_.end()) return error(kBadFile);
  auto bytes = contents(file->second);
  if (!bytes) return error(kBadFile);
  uint64_t begin = std::min<uint64_t>(*offset, bytes->size());
  // Every byte may be escaped.
  uint64_t size = std::min<uint64_t>({*count, bytes->size() - begin, kMaxPayload / 2 - 32});
  auto piece = bytes->subspan(begin, size);
  return fmt::format("F{:x};", size) + escaped({reinterpret_cast<const char*>(piece.data()), piece.size()});
}

std::string GuestFiles::fstat(std::string_view arguments) {
  Scanner from(arguments);
  std::optional<uint64_t> number = descriptor(from);
  auto file = number ? open_.find(*number) : open_.end();
  if (file == open_.end()) return error(kBadFile);
  auto bytes = contents(file->second);
  if (!bytes) return error(kBadFile);
  // struct stat of the protocol: big-endian, device, inode, mode, links, user, group, device, then 64 bits each of
  // size, block size and blocks, then three times.
  std::string stat;
  auto put = [&stat](uint64_t value, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) stat += static_cast<char>(value >> shift);
  };
  for (uint32_t word : {0u, 0u, kRegularReadable, 1u, 0u, 0u, 0u}) put(word, 4);
  put(bytes->size(), 8);
  put(4096, 8);
  put((bytes->size() + 511) / 512, 8);
  for (int i = 0; i < 3; ++i) put(0, 4);
  return fmt::format("F{:x};", stat.size()) + escaped(stat);
}

std::string GuestFiles::close(std::string_view arguments) {
  Scanner from(arguments);
  std::optional<uint64_t> number = descriptor(from);
  return number && open_.erase(*number) != 0 ? "F0" : error(kBadFile);
}

}  // namespace jacinth::emu::gdb
