// The digest of memory depends on what memory holds, and on nothing else.
#include "emu/memory/memory_digest.h"

#include <memory>

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

constexpr PhysAddr kRam(0x40000000);
constexpr uint64_t kPages = 64;

PhysAddr page(uint64_t number) { return kRam + number * kPageSize; }

void set(PhysicalMemory& memory, uint64_t number, uint8_t value, uint64_t at = 0) {
  *memory.writable(page(number) + at) = static_cast<std::byte>(value);
}

Digest of(PhysicalMemory& memory) {
  MemoryDigest digest(memory);
  return digest.take();
}

TEST_CASE("a write changes the digest, and taking it back brings the old one back", "[memory]") {
  PhysicalMemory memory(kRam, kPages * kPageSize);
  MemoryDigest digest(memory);
  Digest empty = digest.take();
  set(memory, 3, 1);
  Digest one = digest.take();
  REQUIRE(one != empty);
  REQUIRE(digest.take() == one);
  set(memory, 3, 2);
  REQUIRE(digest.take() != one);
  set(memory, 3, 1);
  REQUIRE(digest.take() == one);
  set(memory, 3, 0);
  REQUIRE(digest.take() == empty);
}

TEST_CASE("the digest tells where something lies", "[memory]") {
  PhysicalMemory memory(kRam, kPages * kPageSize);
  MemoryDigest digest(memory);
  set(memory, 3, 1);
  Digest there = digest.take();
  set(memory, 3, 0);
  set(memory, 4, 1);
  Digest beside = digest.take();
  REQUIRE(there != beside);
  set(memory, 4, 0);
  set(memory, 3, 1, 1);
  REQUIRE(digest.take() != there);
}

TEST_CASE("pages that are discarded leave the digest", "[memory]") {
  PhysicalMemory memory(kRam, kPages * kPageSize);
  MemoryDigest digest(memory);
  Digest empty = digest.take();
  set(memory, 7, 1);
  static_cast<void>(digest.take());
  memory.discard(page(7));
  REQUIRE(digest.take() == empty);
  // Written and gone between two looks, and the other way round.
  set(memory, 8, 1);
  memory.discard(page(8));
  REQUIRE(digest.take() == empty);
  set(memory, 9, 1);
  Digest nine = digest.take();
  memory.discard(page(9));
  set(memory, 9, 1);
  REQUIRE(digest.take() == nine);
}

TEST_CASE("whatever happened, the digest is that of a memory looked at for the first time", "[memory][random]") {
  for (uint64_t seed : test::seeds(100)) {
    INFO("seed " << seed);
    test::Random random(seed);
    PhysicalMemory memory(kRam, kPages * kPageSize);
    auto digest = std::make_unique<MemoryDigest>(memory);
    for (int i = 0; i < 200; ++i) {
      uint64_t number = random.below(kPages);
      switch (random.below(8)) {
        case 0: memory.discard(page(number)); break;
        case 1: {
          Digest kept = digest->take();
          digest.reset();
          REQUIRE(of(memory) == kept);
          digest = std::make_unique<MemoryDigest>(memory);
          break;
        }
        case 2: static_cast<void>(digest->take()); break;
        default: set(memory, number, static_cast<uint8_t>(random.below(3)), random.below(kPageSize)); break;
      }
    }
  }
}

}  // namespace
}  // namespace jacinth::emu
