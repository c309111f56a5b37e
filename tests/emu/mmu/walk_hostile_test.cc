// The walker against the one written from the manuals, on tables that nobody in their right mind would build: random
// bits, tables that contain themselves and each other, entries that lead out of RAM.
#include <cstring>
#include <map>

#include "emu/mmu/walk.h"
#include "tests/support/manual_walker.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using test::Random;

constexpr PhysAddr kRam(0x40000000);
constexpr uint64_t kPages = 8;  // Few, so that random tables meet themselves.

/// RAM full of entries that are mostly plausible, so that walks get far before they go wrong.
class HostileTables {
 public:
  HostileTables(Arch arch, uint64_t seed) : arch_(arch), random_(seed) {
    for (uint64_t at = 0; at < kPages * kPageSize; at += 8) {
      if (random_.one_in(4)) continue;
      store(at, entry());
    }
  }

  /// An address in the lower half, in the upper, or anywhere.
  GuestAddr address() {
    if (random_.one_in(16)) return GuestAddr(random_.next());
    uint64_t address = random_.next() & ((uint64_t{1} << 48) - 1);
    if (random_.one_in(4)) address |= 0xffff'8000'0000'0000;
    return GuestAddr(address);
  }

  AccessKind access() { return static_cast<AccessKind>(random_.below(3)); }
  PhysAddr root() { return random_.one_in(64) ? PhysAddr(random_.next() & ~kPageMask) : page(); }

  PhysicalMemory memory{kRam, kPages* kPageSize};

 private:
  PhysAddr page() { return kRam + random_.below(kPages) * kPageSize; }
  void store(uint64_t offset, uint64_t entry) { std::memcpy(memory.writable(kRam + offset), &entry, sizeof entry); }

  uint64_t entry() {
    if (random_.one_in(8)) return random_.next();
    uint64_t entry = page().value;
    if (random_.one_in(10)) entry = random_.next() & 0xffff'ffff'f000;
    if (random_.one_in(4)) entry &= ~uint64_t{0x3fff'f000};  // A base that a large page may have.
    uint64_t low = random_.next() & 0xfff;
    uint64_t high = random_.next() & 0xfff0'0000'0000'0000;
    if (arch_ == Arch::kArm64) {
      high |= (random_.next() & 1) << 51;
      if (!random_.one_in(8)) low |= 1;                         // Mostly valid,
      if (!random_.one_in(4)) low |= 2;                         // mostly a table or a page,
      if (!random_.one_in(4)) high &= ~(uint64_t{0b11} << 61);  // mostly without APTable.
      if (random_.one_in(2)) low |= 1 << 6;
    } else {
      if (!random_.one_in(8)) low |= 0b111;
      if (!random_.one_in(4)) low &= ~uint64_t{1 << 7};
      if (random_.one_in(16)) high |= uint64_t{1} << (48 + random_.below(4));
    }
    return entry | low | high;
  }

  Arch arch_;
  Random random_;
};

/// What RAM holds, by address of each word.
std::map<uint64_t, uint64_t> words(const PhysicalMemory& memory) {
  std::map<uint64_t, uint64_t> all;
  for (uint64_t at = kRam.value; at < kRam.value + kPages * kPageSize; at += 8) {
    std::memcpy(&all[at], memory.data(PhysAddr(at)), 8);
  }
  return all;
}

/// Outcomes are counted by block size, or by this for faults.
int outcome(WalkFault::Kind kind, int level) { return -10 * static_cast<int>(kind) - level - 1; }

void compare(Arch arch, uint64_t seed, std::map<int, uint64_t>& seen) {
  HostileTables tables(arch, seed);
  auto model = words(tables.memory);
  auto read = [&](uint64_t at) -> std::optional<uint64_t> {
    auto word = model.find(at);
    return word == model.end() ? std::nullopt : std::optional(word->second);
  };
  for (int i = 0; i < 200; ++i) {
    PhysAddr root = tables.root();
    GuestAddr address = tables.address();
    AccessKind access = tables.access();
    INFO("JACINTH_TEST_SEED=" << seed << " " << arch_name(arch) << " step " << i << std::hex << " root " << root.value
                              << " address " << address.value);

    auto expected = test::manual_walk(arch, read, root.value, address.value, access);
    auto probed = probe(arch, tables.memory, root, address);
    auto result = walk(arch, tables.memory, root, address, access);
    REQUIRE(result == expected.result);
    for (const auto& [at, word] : expected.changed) model[at] = word;
    if (expected.result) {
      // Probing before found the same place; it does not know of permissions.
      REQUIRE(probed.has_value());
      REQUIRE(probed->address == result->address);
      REQUIRE(probed->permissions == result->permissions);
      seen[static_cast<int>(result->block_size >> kPageShift)]++;
    } else {
      seen[outcome(result.error().kind, result.error().level)]++;
      if (result.error().kind == WalkFault::Kind::kPermission)
        REQUIRE(probed.has_value());
      else
        REQUIRE(probed == result);
    }
  }
  REQUIRE(words(tables.memory) == model);
}

TEST_CASE("hostile tables: the walker agrees with the manuals, entry by entry") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    std::map<int, uint64_t> seen;
    std::vector<uint64_t> seeds = test::seeds(300);
    for (uint64_t seed : seeds) compare(arch, seed, seen);
    if (seeds.size() == 1) continue;
    // The test is worth something only if it got everywhere: all page sizes, all faults at every level they have.
    REQUIRE(seen[1] > 100);
    REQUIRE(seen[512] > 100);
    REQUIRE(seen[512 * 512] > 100);
    for (int level = 0; level <= 3; ++level) {
      CAPTURE(arch_name(arch), level);
      REQUIRE(seen[outcome(WalkFault::Kind::kTranslation, level)] > 10);
      if (level > 0) REQUIRE(seen[outcome(WalkFault::Kind::kPermission, level)] > 10);
      if (level < 3) REQUIRE(seen[outcome(WalkFault::Kind::kAddressSize, level)] > 10);
      if (arch == Arch::kX86_64) REQUIRE(seen[outcome(WalkFault::Kind::kReservedBits, level)] > 10);
    }
  }
}

TEST_CASE("a table that contains itself is walked four levels deep, no further") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    PhysicalMemory memory(kRam, kPageSize);
    uint64_t entry = kRam.value | (arch == Arch::kArm64 ? 0x443 : 0x007);
    for (uint64_t at = 0; at < kPageSize; at += 8) std::memcpy(memory.writable(kRam + at), &entry, sizeof entry);
    auto result = walk(arch, memory, kRam, GuestAddr(0x1234'5678'9abc), AccessKind::kWrite);
    REQUIRE(result.has_value());
    REQUIRE(result->address == kRam + 0xabc);  // The guest may write to its own tables: the next walk uses them.
  }
}

}  // namespace
}  // namespace jacinth::emu
