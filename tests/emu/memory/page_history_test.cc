// Memory can be had back as it was at any mark, whatever was written, discarded or forgotten since.
#include "emu/memory/page_history.h"

#include <cstring>
#include <vector>

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

constexpr PhysAddr kRam(0x40000000);
constexpr uint64_t kPages = 64;

PhysAddr page(uint64_t number) { return kRam + number * kPageSize; }

void set(PhysicalMemory& memory, uint64_t number, uint8_t value) {
  *memory.writable(page(number)) = static_cast<std::byte>(value);
}
uint8_t at(const PhysicalMemory& memory, uint64_t number) { return static_cast<uint8_t>(*memory.data(page(number))); }

TEST_CASE("a rewind brings back what was written, and what was not there yet is zero again", "[memory]") {
  PhysicalMemory memory(kRam, kPages * kPageSize);
  PageHistory history(memory);
  set(memory, 1, 11);
  history.mark();
  set(memory, 1, 12);
  set(memory, 2, 22);
  history.mark();
  set(memory, 1, 13);
  memory.discard(page(2));
  REQUIRE(history.changed() == 2);

  history.rewind(1);
  REQUIRE(at(memory, 1) == 12);
  REQUIRE(at(memory, 2) == 22);
  REQUIRE(history.changed() == 0);
  history.rewind(0);
  REQUIRE(at(memory, 1) == 11);
  REQUIRE(at(memory, 2) == 0);
  REQUIRE(memory.touched_pages() == 1);
  REQUIRE(history.marks() == 1);
  REQUIRE(history.bytes() == 0);
}

TEST_CASE("a page is kept once an interval, however often it is written", "[memory]") {
  PhysicalMemory memory(kRam, kPages * kPageSize);
  PageHistory history(memory);
  set(memory, 3, 1);
  history.mark();
  for (uint8_t value = 2; value < 100; ++value) set(memory, 3, value);
  REQUIRE(history.bytes() == kPageSize);
  memory.discard(page(3));
  set(memory, 3, 200);
  REQUIRE(history.bytes() == kPageSize);
  history.rewind(0);
  REQUIRE(at(memory, 3) == 1);
}

TEST_CASE("code that comes and goes is noticed", "[memory]") {
  struct Watcher : CodeWatcher {
    PhysicalMemory& memory;
    std::vector<PhysAddr> pages;
    explicit Watcher(PhysicalMemory& of) : memory(of) {}
    void code_page_written(PhysAddr written) override {
      pages.push_back(written);
      memory.clear_notes(written, PhysicalMemory::kCode);
    }
  };
  PhysicalMemory memory(kRam, kPages * kPageSize);
  Watcher watcher(memory);
  memory.set_code_watcher(&watcher);
  PageHistory history(memory);
  set(memory, 4, 1);
  history.mark();
  set(memory, 4, 2);
  memory.set_notes(page(4), PhysicalMemory::kCode);
  history.rewind(0);
  REQUIRE(watcher.pages == std::vector<PhysAddr>{page(4)});
  memory.set_code_watcher(nullptr);
}

TEST_CASE("any history of marks, writes, rewinds and forgotten marks gives what a copy of everything gives",
          "[memory]") {
  for (uint64_t seed : test::seeds(40)) {
    INFO("seed " << seed);
    test::Random random(seed);
    PhysicalMemory memory(kRam, kPages * kPageSize);
    PageHistory history(memory);
    using Copy = std::vector<std::byte>;
    auto copy = [&] { return Copy(memory.data(kRam), memory.data(kRam) + kPages * kPageSize); };
    std::vector<Copy> copies;
    for (int step = 0; step < 600; ++step) {
      switch (random.below(12)) {
        case 0:
          history.mark();
          copies.push_back(copy());
          break;
        case 1:
          if (copies.empty()) break;
          {
            size_t to = random.below(copies.size());
            history.rewind(to);
            copies.resize(to + 1);
            REQUIRE(copy() == copies.back());
          }
          break;
        case 2:
          if (copies.empty()) break;
          {
            size_t which = random.below(copies.size());
            history.forget(which);
            copies.erase(copies.begin() + static_cast<ptrdiff_t>(which));
          }
          break;
        case 3: memory.discard(page(random.below(kPages))); break;
        default: {
          PhysAddr where = kRam + random.below(kPages * kPageSize / 8) * 8;
          uint64_t value = random.next();
          std::memcpy(memory.writable(where), &value, sizeof value);
        }
      }
      REQUIRE(history.marks() == copies.size());
    }
    while (!copies.empty()) {
      size_t to = copies.size() - 1;
      history.rewind(to);
      REQUIRE(copy() == copies.back());
      history.forget(to);
      copies.pop_back();
    }
    REQUIRE(history.bytes() == 0);
  }
}

}  // namespace
}  // namespace jacinth::emu
