// Guest RAM: its digest is that of what it holds, whatever way it came to hold it.
#include "emu/memory/physical_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

constexpr PhysAddr kRam(0x40000000);

PhysAddr page(uint64_t number) { return kRam + number * kPageSize; }

uint8_t byte_at(const PhysicalMemory& memory, PhysAddr address) { return static_cast<uint8_t>(*memory.data(address)); }
void set_byte(PhysicalMemory& memory, PhysAddr address, uint8_t value) {
  *memory.writable(address) = static_cast<std::byte>(value);
}

/// Host pages that the memory occupies.
uint64_t resident_pages(PhysicalMemory& memory) {
  std::vector<unsigned char> pages(memory.page_count());
  REQUIRE(mincore(memory.host_base(), memory.size(), pages.data()) == 0);
  return static_cast<uint64_t>(std::count_if(pages.begin(), pages.end(), [](unsigned char p) { return (p & 1) != 0; }));
}

TEST_CASE("contains knows both ends and does not wrap") {
  PhysicalMemory memory(kRam, 4 * kPageSize);
  REQUIRE(memory.contains(kRam));
  REQUIRE(memory.contains(page(4) - 1));
  REQUIRE(memory.contains(kRam, 4 * kPageSize));
  REQUIRE_FALSE(memory.contains(kRam - 1));
  REQUIRE_FALSE(memory.contains(page(4)));
  REQUIRE_FALSE(memory.contains(kRam, 4 * kPageSize + 1));
  REQUIRE_FALSE(memory.contains(page(1), 4 * kPageSize));
  REQUIRE_FALSE(memory.contains(page(1), ~uint64_t{0}));
  REQUIRE_FALSE(memory.contains(PhysAddr(~uint64_t{0}), 2));
}

TEST_CASE("memory is zero at first and costs the host nothing until it is touched") {
  PhysicalMemory memory(kRam, uint64_t{64} << 30);
  REQUIRE(byte_at(memory, page(memory.page_count()) - 1) == 0);
  REQUIRE(memory.touched_pages() == 0);
  set_byte(memory, page(12345) + 7, 9);
  REQUIRE(byte_at(memory, page(12345) + 7) == 9);
  REQUIRE(memory.touched_pages() == 1);
}

TEST_CASE("the digest sees every byte and where it lies") {
  PhysicalMemory memory(kRam, 8 * kPageSize);
  std::vector<Digest> digests = {digest_of(memory)};
  for (uint64_t at : {uint64_t{0}, uint64_t{1}, kPageSize - 1, kPageSize, 7 * kPageSize, 8 * kPageSize - 1}) {
    set_byte(memory, kRam + at, 1);
    digests.push_back(digest_of(memory));
    set_byte(memory, kRam + at, 0);
  }
  std::memset(memory.writable(kRam), 0xaa, kPageSize);  // Alike everywhere, but not zero.
  digests.push_back(digest_of(memory));
  std::sort(digests.begin(), digests.end());
  REQUIRE(std::adjacent_find(digests.begin(), digests.end()) == digests.end());
}

TEST_CASE("a page that was touched but is zero counts as untouched") {
  PhysicalMemory memory(kRam, 8 * kPageSize);
  Digest untouched = digest_of(memory);
  set_byte(memory, page(3), 1);
  REQUIRE(digest_of(memory) != untouched);
  set_byte(memory, page(3), 0);
  REQUIRE(digest_of(memory) == untouched);
  memory.note_write(page(5));
  REQUIRE(digest_of(memory) == untouched);
}

TEST_CASE("discard makes a page zero and forgets its notes") {
  PhysicalMemory memory(kRam, 8 * kPageSize);
  Digest untouched = digest_of(memory);
  std::memset(memory.writable(page(2)), 0xaa, kPageSize);
  memory.set_notes(page(2), PhysicalMemory::kTracked | PhysicalMemory::kWritableInTlb);
  memory.discard(page(2));
  REQUIRE(memory.notes(page(2)) == 0);
  REQUIRE(memory.touched_pages() == 0);
  REQUIRE(std::all_of(memory.data(page(2)), memory.data(page(2)) + kPageSize,
                      [](std::byte b) { return b == std::byte{}; }));
  REQUIRE(digest_of(memory) == untouched);
  memory.discard(page(2));
  REQUIRE(memory.touched_pages() == 0);
}

TEST_CASE("memory that is no longer used goes back to the host") {
  constexpr uint64_t kUsed = 64 << 20;
  PhysicalMemory memory(kRam, 2 * kUsed);
  for (uint64_t i = 0; i < kUsed / kPageSize; ++i) set_byte(memory, page(i), 1);
  REQUIRE(resident_pages(memory) >= kUsed / kPageSize);
  for (uint64_t i = 0; i < kUsed / kPageSize; ++i) memory.discard(page(i));
  REQUIRE(resident_pages(memory) * kPageSize <= 8u << 20);
}

TEST_CASE("a page handed to and fro stays with the host") {
  PhysicalMemory memory(kRam, 64 << 20);
  for (int i = 0; i < 100; ++i) {
    set_byte(memory, page(3), 1);
    memory.discard(page(3));
    REQUIRE(resident_pages(memory) > 0);
  }
}

TEST_CASE("the first write after a snapshot clears the note that asks for it") {
  PhysicalMemory memory(kRam, 8 * kPageSize);
  set_byte(memory, page(1), 1);
  memory.set_notes(page(1), PhysicalMemory::kTracked);
  memory.set_notes(page(2), PhysicalMemory::kTracked | PhysicalMemory::kWritableInTlb);
  REQUIRE(byte_at(memory, page(1)) == 1);
  REQUIRE(memory.notes(page(1)) == (PhysicalMemory::kTouched | PhysicalMemory::kTracked));

  set_byte(memory, page(1), 2);
  memory.note_write(page(2) + 123);
  REQUIRE(memory.notes(page(1)) == PhysicalMemory::kTouched);
  REQUIRE(memory.notes(page(2)) == (PhysicalMemory::kTouched | PhysicalMemory::kWritableInTlb));
}

TEST_CASE("whoever translated code hears once that its page changes, and by whatever means") {
  struct Watcher final : CodeWatcher {
    explicit Watcher(PhysicalMemory& m) : memory(m) {}
    void code_page_written(PhysAddr at) override {
      REQUIRE((memory.notes(at) & PhysicalMemory::kCode) != 0);
      written.push_back(at);
    }
    PhysicalMemory& memory;
    std::vector<PhysAddr> written;
  };
  PhysicalMemory memory(kRam, 8 * kPageSize);
  Watcher watcher(memory);
  memory.set_code_watcher(&watcher);
  Writer empty;
  empty(memory);

  memory.set_notes(page(1), PhysicalMemory::kCode);
  set_byte(memory, page(1) + 5, 1);
  set_byte(memory, page(1) + 6, 1);
  REQUIRE(watcher.written == std::vector{page(1)});
  REQUIRE(memory.notes(page(1)) == PhysicalMemory::kTouched);

  memory.set_notes(page(1), PhysicalMemory::kCode);
  memory.discard(page(1));
  memory.discard(page(1));
  REQUIRE(watcher.written == std::vector{page(1), page(1)});

  memory.set_notes(page(3), PhysicalMemory::kCode);
  Reader reader(empty.data());
  reader(memory);
  REQUIRE(watcher.written == std::vector{page(1), page(1), page(3)});
  REQUIRE(memory.notes(page(3)) == 0);
  memory.set_code_watcher(nullptr);
}

TEST_CASE("memory comes back from a snapshot, and what was not in it is zero") {
  for (uint64_t seed : test::seeds(20)) {
    test::Random random(seed);
    INFO("JACINTH_TEST_SEED=" << seed);
    // Odd sizes, so that the last 2 MiB are not whole.
    const uint64_t pages = 700 + random.below(1000);
    PhysicalMemory memory(kRam, pages * kPageSize);
    for (int i = 0; i < 100; ++i) {
      PhysAddr at = page(random.below(pages)) + random.below(kPageSize);
      if (random.one_in(4))
        memory.discard(at.page());
      else
        set_byte(memory, at, static_cast<uint8_t>(random.below(3)));
    }
    Writer writer;
    writer(memory);

    PhysicalMemory other(kRam, pages * kPageSize);
    for (int i = 0; i < 50; ++i) set_byte(other, page(random.below(pages)) + random.below(kPageSize), 1);
    Reader reader(writer.data());
    reader(other);
    REQUIRE(reader.ok());
    REQUIRE(reader.at_end());
    REQUIRE(digest_of(other) == digest_of(memory));
    REQUIRE(std::memcmp(other.data(kRam), memory.data(kRam), pages * kPageSize) == 0);
    REQUIRE(other.touched_pages() <= memory.touched_pages());

    // Going on from there is the same too.
    set_byte(memory, page(0), 77);
    set_byte(other, page(0), 77);
    memory.discard(page(1));
    other.discard(page(1));
    REQUIRE(digest_of(other) == digest_of(memory));
  }
}

TEST_CASE("a snapshot of other RAM, a damaged or a truncated one is refused") {
  PhysicalMemory memory(kRam, 8 * kPageSize);
  set_byte(memory, page(2), 1);
  set_byte(memory, page(5), 1);
  Writer writer;
  writer(memory);
  auto refused = [](std::span<const std::byte> bytes, PhysAddr base, uint64_t pages) {
    PhysicalMemory other(base, pages * kPageSize);
    Reader reader(bytes);
    reader(other);
    return !reader.ok();
  };
  REQUIRE_FALSE(refused(writer.data(), kRam, 8));
  REQUIRE(refused(writer.data(), kRam, 9));
  REQUIRE(refused(writer.data(), PhysAddr(0), 8));
  for (size_t size = 0; size < writer.data().size(); size += 97) {
    REQUIRE(refused(std::span(writer.data()).first(size), kRam, 8));
  }

  // Base, size, count, then the page numbers: out of order, twice the same, outside.
  constexpr size_t kNumbers = 3 * sizeof(uint64_t);
  for (auto [first, second] : {std::pair(5, 2), std::pair(2, 2), std::pair(2, 8), std::pair(-1, 2)}) {
    std::vector<std::byte> bytes = writer.data();
    int64_t numbers[2] = {first, second};
    std::memcpy(bytes.data() + kNumbers, numbers, sizeof numbers);
    REQUIRE(refused(bytes, kRam, 8));
  }
}

}  // namespace
}  // namespace jacinth::emu
