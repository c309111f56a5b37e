// Numbers that mean different places have different types: a guest's virtual address is not a physical one.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace jacinth {

/// Both boards use 4 KiB pages (VMSAv8-64 with a 4 KiB granule, x86-64 four-level paging).
inline constexpr uint64_t kPageShift = 12;
inline constexpr uint64_t kPageSize = uint64_t{1} << kPageShift;
inline constexpr uint64_t kPageMask = kPageSize - 1;

/// The guest's instruction set.
enum class Arch : uint8_t { kArm64, kX86_64 };

constexpr const char* arch_name(Arch arch) { return arch == Arch::kArm64 ? "arm64" : "x86-64"; }

namespace detail {

/// An address with its own type per `Tag`: arithmetic with plain byte counts, no mixing between tags.
template <class Tag>
struct Address {
  uint64_t value = 0;

  constexpr Address() = default;
  constexpr explicit Address(uint64_t v) : value(v) {}

  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address operator+(uint64_t bytes) const { return Address(value + bytes); }
  constexpr Address operator-(uint64_t bytes) const { return Address(value - bytes); }
  constexpr uint64_t operator-(Address other) const { return value - other.value; }
  constexpr Address& operator+=(uint64_t bytes) {
    value += bytes;
    return *this;
  }

  constexpr Address page() const { return Address(value & ~kPageMask); }
  constexpr uint64_t page_offset() const { return value & kPageMask; }
  constexpr uint64_t page_number() const { return value >> kPageShift; }
  constexpr bool page_aligned() const { return page_offset() == 0; }
};

}  // namespace detail

using GuestAddr = detail::Address<struct GuestAddrTag>;
using PhysAddr = detail::Address<struct PhysAddrTag>;

constexpr uint64_t round_up_to_page(uint64_t bytes) { return (bytes + kPageMask) & ~kPageMask; }
constexpr uint64_t round_down_to_page(uint64_t bytes) { return bytes & ~kPageMask; }

}  // namespace jacinth
