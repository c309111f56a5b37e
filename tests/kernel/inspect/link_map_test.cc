// The dynamic linker's list of what it has loaded: read as it stands, and harmless when it is a lie.
#include "kernel/inspect/link_map.h"

#include <cstring>
#include <map>

#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kBase = 0x10000;

struct Memory {
  std::vector<std::byte> bytes = std::vector<std::byte>(4096);
  size_t reads = 0;

  template <class T>
  void put(uint64_t at, T value) {
    std::memcpy(bytes.data() + (at - kBase), &value, sizeof value);
  }
  void put_text(uint64_t at, std::string_view text) {
    std::memcpy(bytes.data() + (at - kBase), text.data(), text.size());
  }
  void put_entry(uint64_t at, uint64_t bias, uint64_t name, uint64_t next) {
    put(at, bias);
    put(at + 8, name);
    put(at + 16, bias + 0x100);
    put(at + 24, next);
  }
  ReadMemory reader() {
    return [this](GuestAddr from, std::span<std::byte> to) -> size_t {
      ++reads;
      if (from.value < kBase || from.value >= kBase + bytes.size()) return 0;
      size_t size = std::min<size_t>(to.size(), kBase + bytes.size() - from.value);
      std::memcpy(to.data(), bytes.data() + (from.value - kBase), size);
      return size;
    };
  }
};

}  // namespace

TEST_CASE("a linker's list is read in its order, with names and where things lie") {
  Memory memory;
  memory.put(kBase, int32_t{1});
  memory.put(kBase + 8, kBase + 0x100);
  memory.put_entry(kBase + 0x100, 0x40000, 0, kBase + 0x200);
  memory.put_entry(kBase + 0x200, 0x50000, kBase + 0x300, 0);
  memory.put_text(kBase + 0x300, "libfdio.so");
  std::vector<LinkedLibrary> libraries = linked_libraries(kBase, memory.reader());
  REQUIRE(libraries.size() == 2);
  REQUIRE(libraries[0].name.empty());
  REQUIRE(libraries[0].bias == 0x40000);
  REQUIRE(libraries[1].name == "libfdio.so");
  REQUIRE(libraries[1].entry == kBase + 0x200);
  REQUIRE(libraries[1].dynamic == 0x50100);
}

TEST_CASE("before the linker has said where its list is, there is none") {
  Memory memory;
  REQUIRE(linked_libraries(0, memory.reader()).empty());
  REQUIRE(linked_libraries(1, memory.reader()).empty());
  REQUIRE(memory.reads == 0);
  REQUIRE(linked_libraries(~uint64_t{0}, memory.reader()).empty());
}

TEST_CASE("a list that turns back on itself ends, and so does one without an end") {
  Memory memory;
  memory.put(kBase + 8, kBase + 0x100);
  memory.put_entry(kBase + 0x100, 1, kBase + 0x300, kBase + 0x140);
  memory.put_entry(kBase + 0x140, 2, ~uint64_t{0}, kBase + 0x100);
  memory.put_text(kBase + 0x300, "a\x01");
  std::vector<LinkedLibrary> libraries = linked_libraries(kBase, memory.reader());
  REQUIRE(libraries.size() == 2);
  REQUIRE(libraries[0].name.empty());

  // Every eight bytes another entry, for as long as memory goes on.
  size_t reads = 0;
  auto endless = [&reads](GuestAddr from, std::span<std::byte> to) -> size_t {
    ++reads;
    std::memset(to.data(), 'x', to.size());
    uint64_t next = from.value + 8;
    if (to.size() >= 32) std::memcpy(to.data() + 24, &next, sizeof next);
    if (to.size() == 16) std::memcpy(to.data() + 8, &next, sizeof next);
    return to.size();
  };
  REQUIRE(linked_libraries(kBase, endless).size() == 1024);
  REQUIRE(reads < 3000);
}

TEST_CASE("random memory gives some list or none") {
  for (uint64_t seed : test::seeds(300)) {
    test::Random random(seed);
    Memory memory;
    for (size_t at = 0; at < memory.bytes.size(); at += 8)
      memory.put(kBase + at, random.one_in(2) ? kBase + random.below(4096) : random.next());
    REQUIRE(linked_libraries(kBase + random.below(4096), memory.reader()).size() <= 1024);
  }
}

}  // namespace jacinth::kernel
