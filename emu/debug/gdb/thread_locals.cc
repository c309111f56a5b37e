#include "emu/debug/gdb/thread_locals.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace jacinth::emu::gdb {
namespace {

constexpr uint32_t kThreadLocal = 7;          // PT_TLS
constexpr uint64_t kThreadControlBlock = 16;  // What arm64 keeps before the variables.
constexpr uint64_t kMostAlignment = uint64_t{1} << 32;

/// The guest made the file: what it lacks is zero.
template <class T>
T at(std::span<const std::byte> file, uint64_t offset) {
  T value = {};
  if (offset < file.size() && file.size() - offset >= sizeof value)
    std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

uint64_t round_up(uint64_t value, uint64_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

}  // namespace

std::optional<uint64_t> thread_local_address(Arch arch, uint64_t thread_pointer, std::span<const std::byte> executable,
                                             uint64_t offset) {
  constexpr uint64_t kHeaderSize = 56;
  auto headers = at<uint64_t>(executable, 32);
  auto count = at<uint16_t>(executable, 56);
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t header = headers + i * kHeaderSize;
    if (at<uint32_t>(executable, header) != kThreadLocal) continue;
    auto size = at<uint64_t>(executable, header + 40);
    auto alignment = std::max<uint64_t>(at<uint64_t>(executable, header + 48), 1);
    if (!std::has_single_bit(alignment) || alignment > kMostAlignment) return std::nullopt;
    if (arch == Arch::kArm64) return thread_pointer + round_up(kThreadControlBlock, alignment) + offset;
    return thread_pointer - round_up(size, alignment) + offset;
  }
  return std::nullopt;
}

}  // namespace jacinth::emu::gdb
