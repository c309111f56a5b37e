// The walker on tables made by hand: permissions, large pages, accessed and dirty bits, memory types.
#include "emu/mmu/walk.h"

#include <cstring>

#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

constexpr PhysAddr kRam(0x40000000);
constexpr GuestAddr kAddress(0x0000'1234'5678'9abc);
constexpr uint64_t kArmTable = 0b11;
constexpr uint64_t kX86Table = 0b111;

/// Four tables in a row that lead to kAddress; the leaf may be put at any level.
struct Tables {
  PhysicalMemory memory{kRam, 16 * kPageSize};
  Arch arch;

  explicit Tables(Arch a) : arch(a) {
    for (unsigned level = 0; level < kLastLevel; ++level) {
      set(level, table(level + 1).value | (arch == Arch::kArm64 ? kArmTable : kX86Table));
    }
  }

  static PhysAddr table(unsigned level) { return kRam + level * kPageSize; }
  static PhysAddr place(unsigned level) { return table(level) + entry_index(kAddress.value, level) * 8; }
  void set(unsigned level, uint64_t entry) { std::memcpy(memory.writable(place(level)), &entry, sizeof entry); }
  uint64_t at(unsigned level) const {
    uint64_t entry = 0;
    std::memcpy(&entry, memory.data(place(level)), sizeof entry);
    return entry;
  }
  auto walk(AccessKind access, GuestAddr address = kAddress) {
    return emu::walk(arch, memory, table(0), address, access);
  }
  auto probe(GuestAddr address = kAddress) const { return emu::probe(arch, memory, table(0), address); }
};

constexpr AccessKind kAllAccesses[] = {AccessKind::kRead, AccessKind::kWrite, AccessKind::kExecute};

std::unexpected<WalkFault> fault(WalkFault::Kind kind, unsigned level) {
  return std::unexpected(WalkFault{kind, static_cast<uint8_t>(level)});
}

/// Tries all three accesses on fresh copies of the same tables.
template <class Prepare>
PagePermissions what_works(Arch arch, Prepare&& prepare) {
  bool works[3] = {};
  for (AccessKind access : kAllAccesses) {
    Tables t(arch);
    prepare(t);
    auto result = t.walk(access);
    works[static_cast<int>(access)] = result.has_value();
    if (!result) REQUIRE(result == fault(WalkFault::Kind::kPermission, kLastLevel));
  }
  return {.read = works[0], .write = works[1], .execute = works[2]};
}

constexpr PagePermissions kNone = {false, false, false};
constexpr PagePermissions kR = {true, false, false};
constexpr PagePermissions kRW = {true, true, false};
constexpr PagePermissions kRX = {true, false, true};
constexpr PagePermissions kRWX = {true, true, true};
constexpr PagePermissions kX = {false, false, true};

TEST_CASE("arm64: AP, DBM and UXN of a page decide what EL0 may do") {
  // By AP[2:1], DBM, UXN: ARM DDI 0487, D8.4.1 and D8.5.
  struct Row {
    uint64_t ap, dbm, uxn;
    PagePermissions expected;
  };
  const Row rows[] = {
      {0b00, 0, 0, kX},   {0b00, 0, 1, kNone}, {0b00, 1, 0, kX},   {0b00, 1, 1, kNone},
      {0b01, 0, 0, kRWX}, {0b01, 0, 1, kRW},   {0b01, 1, 0, kRWX}, {0b01, 1, 1, kRW},
      {0b10, 0, 0, kX},   {0b10, 0, 1, kNone}, {0b10, 1, 0, kX},   {0b10, 1, 1, kNone},
      {0b11, 0, 0, kRX},  {0b11, 0, 1, kR},    {0b11, 1, 0, kRWX}, {0b11, 1, 1, kRW},
  };
  for (const Row& row : rows) {
    uint64_t leaf = 0x50000403 | row.ap << 6 | row.dbm << 51 | row.uxn << 54;
    CAPTURE(row.ap, row.dbm, row.uxn);
    REQUIRE(what_works(Arch::kArm64, [&](Tables& t) { t.set(3, leaf); }) == row.expected);
  }
}

TEST_CASE("arm64: a table's APTable and UXNTable forbid at every level below") {
  const uint64_t writable_code = 0x50000403 | 0b01 << 6;
  for (unsigned level = 0; level < kLastLevel; ++level) {
    for (uint64_t restriction = 0; restriction < 8; ++restriction) {
      bool no_write = (restriction & 4) != 0;    // APTable[1], bit 62
      bool no_el0 = (restriction & 2) != 0;      // APTable[0], bit 61
      bool no_execute = (restriction & 1) != 0;  // UXNTable, bit 60
      CAPTURE(level, restriction);
      PagePermissions expected = {!no_el0, !no_el0 && !no_write, !no_execute};
      REQUIRE(what_works(Arch::kArm64, [&](Tables& t) {
                t.set(3, writable_code);
                t.set(level, t.at(level) | restriction << 60);
              }) == expected);
    }
  }
}

TEST_CASE("x86-64: R/W, U/S and XD count at every level") {
  for (unsigned level = 0; level <= kLastLevel; ++level) {
    for (unsigned granted = 0; granted < 8; ++granted) {
      bool write = (granted & 1) != 0;
      bool user = (granted & 2) != 0;
      bool xd = (granted & 4) != 0;
      CAPTURE(level, granted);
      PagePermissions expected = {user, user && write, user && !xd};
      REQUIRE(what_works(Arch::kX86_64, [&](Tables& t) {
                t.set(3, 0x50000007);
                uint64_t rest = t.at(level) & ~uint64_t{6};
                t.set(level, rest | (write ? 2u : 0u) | (user ? 4u : 0u) | (xd ? uint64_t{1} << 63 : 0));
              }) == expected);
    }
  }
}

TEST_CASE("an absent entry faults at its own level") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (unsigned level = 0; level <= kLastLevel; ++level) {
      // Everything but the valid bit may be set.
      for (uint64_t entry : {uint64_t{0}, ~uint64_t{1}}) {
        Tables t(arch);
        t.set(3, arch == Arch::kArm64 ? 0x50000443 : 0x50000007);
        t.set(level, entry);
        for (AccessKind access : kAllAccesses) {
          REQUIRE(t.walk(access) == fault(WalkFault::Kind::kTranslation, level));
        }
        REQUIRE(t.probe() == fault(WalkFault::Kind::kTranslation, level));
      }
    }
  }
}

TEST_CASE("large pages translate every address inside them") {
  struct Row {
    Arch arch;
    unsigned level;
    uint64_t size;
    uint64_t leaf;
  };
  const uint64_t dirty_arm = 0b01 << 6 | 1 << 10 | 0b01;
  const uint64_t large_x86 = 1 << 7 | 0b111;
  const Row rows[] = {
      {Arch::kArm64, 1, 1 << 30, 0x1'4000'0000 | dirty_arm},
      {Arch::kArm64, 2, 2 << 20, 0x1'4060'0000 | dirty_arm},
      {Arch::kArm64, 3, 4 << 10, 0x1'4060'3000 | dirty_arm | 0b11},
      {Arch::kX86_64, 1, 1 << 30, 0x1'4000'0000 | large_x86},
      {Arch::kX86_64, 2, 2 << 20, 0x1'4060'0000 | large_x86},
      {Arch::kX86_64, 3, 4 << 10, 0x1'4060'3000 | 0b111},
  };
  for (const Row& row : rows) {
    Tables t(row.arch);
    t.set(row.level, row.leaf);
    uint64_t base = kAddress.value & ~(row.size - 1);
    uint64_t target = row.leaf & 0xffff'ffff'f000;
    CAPTURE(arch_name(row.arch), row.level);
    for (uint64_t offset : {uint64_t{0}, uint64_t{0xabc}, row.size / 2 + 1, row.size - 1}) {
      auto result = t.walk(AccessKind::kRead, GuestAddr(base + offset));
      REQUIRE(result.has_value());
      REQUIRE(result->address == PhysAddr(target + offset));
      REQUIRE(result->block_size == row.size);
    }
    if (base > 0) REQUIRE(t.walk(AccessKind::kRead, GuestAddr(base - 1)).has_value() == false);
    REQUIRE(t.walk(AccessKind::kRead, GuestAddr(base + row.size)).has_value() == false);
  }
}

TEST_CASE("a large page where the format has none is refused at its level") {
  Tables arm(Arch::kArm64);
  arm.set(0, 0x50000441);
  REQUIRE(arm.walk(AccessKind::kRead) == fault(WalkFault::Kind::kTranslation, 0));
  Tables arm_last(Arch::kArm64);
  arm_last.set(3, 0x50000441);
  REQUIRE(arm_last.walk(AccessKind::kRead) == fault(WalkFault::Kind::kTranslation, 3));
  Tables x86(Arch::kX86_64);
  for (uint64_t base : {uint64_t{0}, uint64_t{0x50000000}, uint64_t{1} << 39}) {
    x86.set(0, base | 0x87);
    REQUIRE(x86.walk(AccessKind::kRead) == fault(WalkFault::Kind::kReservedBits, 0));
  }
}

TEST_CASE("x86-64: each reserved bit faults at its level, each other bit does not") {
  for (unsigned level = 0; level <= kLastLevel; ++level) {
    for (bool large : {false, true}) {
      if (large && (level == 0 || level == kLastLevel)) continue;
      for (int bit = 0; bit < 64; ++bit) {
        if (bit == 7 && (level == 1 || level == 2)) continue;  // PS: makes it another entry.
        Tables t(Arch::kX86_64);
        t.set(3, 0x50000007);
        if (large) t.set(level, 0x40000087);
        t.set(level, t.at(level) | uint64_t{1} << bit);
        bool reserved = bit >= 48 && bit <= 51;
        if (level == 0 && bit == 7) reserved = true;
        if (large && level == 1 && bit >= 13 && bit <= 29) reserved = true;
        if (large && level == 2 && bit >= 13 && bit <= 20) reserved = true;
        CAPTURE(level, large, bit);
        auto result = t.walk(AccessKind::kRead);
        REQUIRE((result == fault(WalkFault::Kind::kReservedBits, level)) == reserved);
      }
    }
  }
}

TEST_CASE("arm64: the contiguous hint and the ignored bits change nothing") {
  Tables plain(Arch::kArm64);
  plain.set(3, 0x50000443);
  auto expected = plain.walk(AccessKind::kRead);
  for (int bit : {11, 48, 49, 50, 52, 53, 56, 57, 58, 59, 60, 61, 62, 63}) {
    Tables t(Arch::kArm64);
    t.set(3, 0x50000443 | uint64_t{1} << bit);
    CAPTURE(bit);
    REQUIRE(t.walk(AccessKind::kRead) == expected);
  }
}

TEST_CASE("addresses outside the table's half") {
  Tables arm(Arch::kArm64);
  arm.set(3, 0x50000443);
  Tables x86(Arch::kX86_64);
  x86.set(3, 0x50000007);
  for (int bit = 48; bit < 64; ++bit) {
    GuestAddr address(kAddress.value | uint64_t{1} << bit);
    CAPTURE(bit);
    REQUIRE(arm.walk(AccessKind::kRead, address) == fault(WalkFault::Kind::kTranslation, 0));
    REQUIRE(x86.walk(AccessKind::kRead, address) == fault(WalkFault::Kind::kNonCanonical, 0));
  }
  GuestAddr highest_low((uint64_t{1} << 47) - 1);
  REQUIRE(x86.walk(AccessKind::kRead, highest_low) == fault(WalkFault::Kind::kTranslation, 0));
  REQUIRE(x86.walk(AccessKind::kRead, highest_low + 1) == fault(WalkFault::Kind::kNonCanonical, 0));
  GuestAddr lowest_high(0xffff'8000'0000'0000);
  REQUIRE(x86.walk(AccessKind::kRead, lowest_high) == fault(WalkFault::Kind::kTranslation, 0));
  REQUIRE(x86.walk(AccessKind::kRead, lowest_high - 1) == fault(WalkFault::Kind::kNonCanonical, 0));
}

TEST_CASE("a table outside RAM ends the walk at the entry that names it") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    uint64_t kind = arch == Arch::kArm64 ? kArmTable : kX86Table;
    for (unsigned level = 0; level < kLastLevel; ++level) {
      for (uint64_t target : {uint64_t{0}, kRam.value - kPageSize, kRam.value + 16 * kPageSize, 0xffff'ffff'f000u}) {
        Tables t(arch);
        t.set(level, target | kind);
        CAPTURE(arch_name(arch), level, target);
        REQUIRE(t.walk(AccessKind::kRead) == fault(WalkFault::Kind::kAddressSize, level));
        REQUIRE(t.probe() == fault(WalkFault::Kind::kAddressSize, level));
      }
    }
    Tables t(arch);
    REQUIRE(walk(arch, t.memory, PhysAddr(0x1000), kAddress, AccessKind::kRead) ==
            fault(WalkFault::Kind::kAddressSize, 0));
  }
}

TEST_CASE("a page may be mapped outside RAM: devices live there") {
  Tables arm(Arch::kArm64);
  arm.set(3, 0x0900'0000 | 1 << 10 | 0b01 << 6 | 0b11);
  REQUIRE(arm.walk(AccessKind::kWrite)->address == PhysAddr(0x0900'0abc));
  Tables x86(Arch::kX86_64);
  x86.set(3, 0xfee0'0007);
  REQUIRE(x86.walk(AccessKind::kWrite)->address == PhysAddr(0xfee0'0abc));
}

TEST_CASE("arm64: a read sets the access flag, the first write the dirty state") {
  const uint64_t clean = 0x50000003 | uint64_t{1} << 51 | 0b11 << 6;  // DBM, AP[2:1] = read-only until written
  Tables t(Arch::kArm64);
  t.set(3, clean);
  REQUIRE(t.probe()->accessed == false);
  REQUIRE(t.at(3) == clean);  // Looking is not accessing.

  auto read = t.walk(AccessKind::kRead);
  REQUIRE(read->accessed);
  REQUIRE(read->permissions.write);  // It may be written ...
  REQUIRE_FALSE(read->dirty);        // ... but a TLB must still send the first write here.
  REQUIRE(t.at(3) == (clean | 1 << 10));

  auto written = t.walk(AccessKind::kWrite);
  REQUIRE(written->dirty);
  REQUIRE(t.at(3) == ((clean | 1 << 10) & ~uint64_t{1 << 7}));
  REQUIRE(t.walk(AccessKind::kRead)->dirty);
}

TEST_CASE("arm64: a page without DBM is dirty exactly when it is writable") {
  Tables t(Arch::kArm64);
  t.set(3, 0x50000403 | 0b01 << 6);
  REQUIRE(t.walk(AccessKind::kRead)->dirty);
  t.set(3, 0x50000403 | 0b11 << 6);
  REQUIRE_FALSE(t.walk(AccessKind::kRead)->dirty);
}

TEST_CASE("x86-64: A is set at every level, D in the leaf by the first write") {
  Tables t(Arch::kX86_64);
  t.set(3, 0x50000007);
  REQUIRE(t.probe()->accessed == false);
  REQUIRE(t.at(3) == 0x50000007);

  auto read = t.walk(AccessKind::kRead);
  REQUIRE(read->accessed);
  REQUIRE(read->permissions.write);
  REQUIRE_FALSE(read->dirty);
  for (unsigned level = 0; level < kLastLevel; ++level) {
    REQUIRE(t.at(level) == (Tables::table(level + 1).value | kX86Table | 1 << 5));
  }
  REQUIRE(t.at(3) == (0x50000007 | 1 << 5));

  REQUIRE(t.walk(AccessKind::kWrite)->dirty);
  REQUIRE(t.at(3) == (0x50000007 | 1 << 5 | 1 << 6));
  REQUIRE(t.at(2) == (Tables::table(3).value | kX86Table | 1 << 5));  // D means nothing above the leaf.
}

TEST_CASE("an access that faults leaves no trace in the tables") {
  struct Row {
    Arch arch;
    uint64_t leaf;
  };
  for (const Row& row : {Row{Arch::kArm64, 0x50000003 | 0b11 << 6}, Row{Arch::kX86_64, 0x50000005}}) {
    Tables t(row.arch);
    t.set(3, row.leaf);
    Digest before = digest_of(t.memory);
    REQUIRE_FALSE(t.walk(AccessKind::kWrite).has_value());
    REQUIRE_FALSE(t.walk(AccessKind::kRead, kAddress + kPageSize).has_value());
    REQUIRE(digest_of(t.memory) == before);
  }
}

TEST_CASE("memory types follow MAIR_EL1 and the PAT") {
  const MemoryType arm[] = {MemoryType::kDevice, MemoryType::kUncached, MemoryType::kNormal, MemoryType::kDevice,
                            MemoryType::kDevice, MemoryType::kDevice,   MemoryType::kDevice, MemoryType::kDevice};
  for (uint64_t index = 0; index < 8; ++index) {
    Tables t(Arch::kArm64);
    t.set(3, 0x50000443 | index << 2);
    CAPTURE(index);
    REQUIRE(t.walk(AccessKind::kRead)->type == arm[index]);
  }
  // WB, WT, UC-, UC, WB, WT, UC-, WC, by PAT, PCD, PWT.
  const MemoryType x86[] = {MemoryType::kNormal, MemoryType::kNormal, MemoryType::kUncached, MemoryType::kDevice,
                            MemoryType::kNormal, MemoryType::kNormal, MemoryType::kUncached, MemoryType::kUncached};
  for (uint64_t index = 0; index < 8; ++index) {
    uint64_t pwt_pcd = (index & 3) << 3;
    Tables t(Arch::kX86_64);
    t.set(3, 0x50000007 | pwt_pcd | (index >> 2) << 7);
    CAPTURE(index);
    REQUIRE(t.walk(AccessKind::kRead)->type == x86[index]);
    t.set(2, 0x40000087 | pwt_pcd | (index >> 2) << 12);
    REQUIRE(t.walk(AccessKind::kRead)->type == x86[index]);
  }
}

}  // namespace
}  // namespace jacinth::emu
