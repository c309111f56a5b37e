// Addresses: arithmetic, pages, and what must not compile.
#include "emu/base/address.h"

#include <concepts>

#include "tests/support/test.h"

namespace jacinth {
namespace {

template <class A, class B>
concept Comparable = requires(A a, B b) { a == b; };
template <class A, class B>
concept Subtractable = requires(A a, B b) { a - b; };
template <class A, class B>
concept Addable = requires(A a, B b) { a + b; };

static_assert(Comparable<GuestAddr, GuestAddr> && !Comparable<GuestAddr, PhysAddr>);
static_assert(Subtractable<PhysAddr, PhysAddr> && !Subtractable<PhysAddr, GuestAddr>);
static_assert(Addable<GuestAddr, uint64_t> && !Addable<GuestAddr, GuestAddr>);
static_assert(!std::convertible_to<uint64_t, GuestAddr> && !std::convertible_to<GuestAddr, uint64_t>);

TEST_CASE("an address splits into its page and the offset in it") {
  constexpr GuestAddr address(0x1234'5678'9abc);
  REQUIRE(address.page() == GuestAddr(0x1234'5678'9000));
  REQUIRE(address.page_offset() == 0xabc);
  REQUIRE(address.page_number() == 0x1234'5678'9);
  REQUIRE(address.page() + address.page_offset() == address);
  REQUIRE_FALSE(address.page_aligned());
  REQUIRE(address.page().page_aligned());
}

TEST_CASE("addresses wrap around at 2^64, as the hardware's do") {
  REQUIRE(GuestAddr(~uint64_t{0}) + 2 == GuestAddr(1));
  REQUIRE(GuestAddr(1) - 2 == GuestAddr(~uint64_t{0}));
  REQUIRE(GuestAddr(5) - GuestAddr(3) == 2);
}

TEST_CASE("sizes round to whole pages") {
  REQUIRE(round_up_to_page(0) == 0);
  REQUIRE(round_up_to_page(1) == kPageSize);
  REQUIRE(round_up_to_page(kPageSize) == kPageSize);
  REQUIRE(round_down_to_page(kPageSize - 1) == 0);
  REQUIRE(round_down_to_page(kPageSize + 1) == kPageSize);
}

}  // namespace
}  // namespace jacinth
