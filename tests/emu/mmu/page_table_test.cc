// The editor: what it maps, what it refuses, what it owns.
#include "emu/mmu/page_table.h"

#include <cstring>
#include <vector>

#include "tests/support/frame_pool.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using test::FramePool;

constexpr PhysAddr kRam(0x40000000);
constexpr PhysAddr kFrame(0x40200000);
constexpr uint64_t kRamPages = 64;
constexpr GuestAddr kPage(0x1234'5678'9000);
constexpr PagePermissions kRW = {true, true, false};
constexpr PagePermissions kR = {true, false, false};

struct Rig {
  explicit Rig(Arch a) : arch(a), table(PageTable::create(a, memory, frames)) {}

  Arch arch;
  PhysicalMemory memory{kRam, kRamPages* kPageSize};
  FramePool frames{kRam, kRamPages};
  std::unique_ptr<PageTable> table;

  auto walk(GuestAddr address, AccessKind access) { return emu::walk(arch, memory, table->root(), address, access); }
  std::vector<uint64_t> present(GuestAddr page, uint64_t count) const {
    std::vector<uint64_t> pages;
    table->for_each(page, count, [&](GuestAddr at, const Translation&) { pages.push_back(at.page_number()); });
    return pages;
  }
};

constexpr Arch kBoth[] = {Arch::kArm64, Arch::kX86_64};

TEST_CASE("a mapped page translates with the permissions it was given, and a few the format adds") {
  for (Arch arch : kBoth) {
    for (unsigned wanted = 0; wanted < 8; ++wanted) {
      for (MemoryType type : {MemoryType::kNormal, MemoryType::kUncached, MemoryType::kDevice}) {
        Rig rig(arch);
        PagePermissions given = {(wanted & 1) != 0, (wanted & 2) != 0, (wanted & 4) != 0};
        PagePermissions expected = given;
        if (given.write) expected.read = true;
        if (given.execute && arch == Arch::kX86_64) expected.read = true;
        CAPTURE(arch_name(arch), wanted);

        REQUIRE(rig.table->map(kPage, kFrame, given, type));
        Translation fresh = {.address = kFrame + 0x123,
                             .block_size = kPageSize,
                             .permissions = expected,
                             .type = type,
                             .accessed = false,
                             .dirty = false};
        REQUIRE(rig.table->query(kPage + 0x123) == fresh);

        for (AccessKind access : {AccessKind::kRead, AccessKind::kWrite, AccessKind::kExecute}) {
          auto result = rig.walk(kPage + 0x123, access);
          REQUIRE(result.has_value() == permits(expected, access));
          if (!result) REQUIRE(result.error() == WalkFault{WalkFault::Kind::kPermission, 3});
        }
        REQUIRE(rig.table->query(kPage)->accessed == (expected != PagePermissions{}));
        REQUIRE(rig.table->query(kPage)->dirty == expected.write);
      }
    }
  }
}

TEST_CASE("protect changes permissions and keeps accessed, dirty, type and frame") {
  for (Arch arch : kBoth) {
    for (unsigned before = 0; before < 8; ++before) {
      for (unsigned after = 0; after < 8; ++after) {
        for (bool written : {false, true}) {
          Rig rig(arch);
          PagePermissions from = {true, (before & 2) != 0 || written, (before & 4) != 0};
          PagePermissions to = {(after & 1) != 0, (after & 2) != 0, (after & 4) != 0};
          REQUIRE(rig.table->map(kPage, kFrame, from, MemoryType::kUncached));
          if (written) REQUIRE(rig.walk(kPage, AccessKind::kWrite).has_value());
          CAPTURE(arch_name(arch), before, after, written);

          rig.table->protect(kPage, 1, to);

          Rig fresh(arch);
          REQUIRE(fresh.table->map(kPage, kFrame, to, MemoryType::kUncached));
          Translation expected = *fresh.table->query(kPage);
          expected.accessed = written;
          expected.dirty = written;
          REQUIRE(rig.table->query(kPage) == expected);

          // And back: a dirty page that was read-only for a while is still dirty, a clean one still clean.
          rig.table->protect(kPage, 1, kRW);
          REQUIRE(rig.table->query(kPage)->dirty == written);
          REQUIRE(rig.walk(kPage, AccessKind::kRead)->dirty == written);
          REQUIRE(rig.walk(kPage, AccessKind::kWrite)->dirty);
        }
      }
    }
  }
}

TEST_CASE("mapping over a page replaces it, clean and not accessed") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    REQUIRE(rig.table->map(kPage, kFrame, kRW, MemoryType::kNormal));
    REQUIRE(rig.walk(kPage, AccessKind::kWrite).has_value());

    REQUIRE(rig.table->map(kPage, kFrame + kPageSize, kRW, MemoryType::kNormal));
    REQUIRE(rig.table->query(kPage)->address == kFrame + kPageSize);
    REQUIRE_FALSE(rig.table->query(kPage)->accessed);
    REQUIRE_FALSE(rig.table->query(kPage)->dirty);
    REQUIRE(rig.table->table_pages() == 4);
  }
}

TEST_CASE("the accessed bit can be taken back, and comes again with the next access") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    REQUIRE_FALSE(rig.table->test_and_clear_accessed(kPage));
    REQUIRE(rig.table->map(kPage, kFrame, kRW, MemoryType::kNormal));
    REQUIRE_FALSE(rig.table->test_and_clear_accessed(kPage));

    REQUIRE(rig.walk(kPage, AccessKind::kWrite).has_value());
    REQUIRE(rig.table->test_and_clear_accessed(kPage));
    REQUIRE_FALSE(rig.table->query(kPage)->accessed);
    REQUIRE(rig.table->query(kPage)->dirty);
    REQUIRE_FALSE(rig.table->test_and_clear_accessed(kPage));

    REQUIRE(rig.walk(kPage, AccessKind::kRead).has_value());
    REQUIRE(rig.table->test_and_clear_accessed(kPage));
  }
}

TEST_CASE("unmap and protect tell whether a TLB can hold what they changed") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    CAPTURE(arch_name(arch));
    REQUIRE(rig.table->map(kPage, kFrame, kRW, MemoryType::kNormal));
    REQUIRE(rig.table->map(kPage + kPageSize, kFrame, kRW, MemoryType::kNormal));
    REQUIRE_FALSE(rig.table->protect(kPage, 2, kR));

    REQUIRE(rig.walk(kPage, AccessKind::kRead).has_value());
    REQUIRE_FALSE(rig.table->protect(kPage, 2, kR));  // Nothing changes.
    REQUIRE(rig.table->protect(kPage, 2, kRW));
    REQUIRE_FALSE(rig.table->protect(kPage + kPageSize, 1, kR));
    REQUIRE_FALSE(rig.table->unmap(kPage + kPageSize, 1));
    REQUIRE(rig.table->unmap(kPage, 1));
    REQUIRE_FALSE(rig.table->unmap(kPage, 1));

    // A table that goes as a whole is not looked into.
    REQUIRE(rig.table->map(kPage, kFrame, kRW, MemoryType::kNormal));
    REQUIRE(rig.table->unmap(GuestAddr(kPage.value & ~uint64_t{0x3fff'ffff}), 1 << 18));
  }
}

TEST_CASE("tables come and go with the pages in them") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    REQUIRE(rig.table->table_pages() == 1);
    REQUIRE(rig.table->map(kPage, kFrame, kR, MemoryType::kNormal));
    REQUIRE(rig.table->table_pages() == 4);
    // The neighbours share tables as far as their addresses agree.
    REQUIRE(rig.table->map(kPage + kPageSize, kFrame, kR, MemoryType::kNormal));
    REQUIRE(rig.table->table_pages() == 4);
    REQUIRE(rig.table->map(kPage + (2 << 20), kFrame, kR, MemoryType::kNormal));
    REQUIRE(rig.table->table_pages() == 5);
    REQUIRE(rig.table->map(kPage + (1 << 30), kFrame, kR, MemoryType::kNormal));
    REQUIRE(rig.table->table_pages() == 7);
    REQUIRE(rig.table->map(kPage + (uint64_t{1} << 39), kFrame, kR, MemoryType::kNormal));
    REQUIRE(rig.table->table_pages() == 10);
    REQUIRE(rig.frames.used() == 10);

    rig.table->unmap(kPage, 1);
    REQUIRE(rig.table->table_pages() == 10);  // Its neighbour still needs them.
    rig.table->unmap(kPage, 2);
    REQUIRE(rig.table->table_pages() == 9);
    REQUIRE(rig.table->consistent());
    rig.table->unmap(GuestAddr(0), PageTable::limit(arch).page_number());
    REQUIRE(rig.table->table_pages() == 1);
    REQUIRE(rig.frames.used() == 1);
    REQUIRE_FALSE(rig.table->query(kPage + (1 << 30)).has_value());

    rig.table.reset();
    REQUIRE(rig.frames.used() == 0);
  }
}

TEST_CASE("unmap takes exactly its range, wherever the range begins and ends") {
  // Around the borders of a last-level table and of a second-level one.
  const uint64_t first = (uint64_t{1} << 18) - 3;
  for (Arch arch : kBoth) {
    for (uint64_t begin = 0; begin <= 6; ++begin) {
      for (uint64_t count = 0; count <= 6 - begin; ++count) {
        Rig rig(arch);
        for (uint64_t i = 0; i < 6; ++i) {
          REQUIRE(rig.table->map(GuestAddr((first + i) << kPageShift), kFrame, kR, MemoryType::kNormal));
        }
        rig.table->unmap(GuestAddr((first + begin) << kPageShift), count);

        std::vector<uint64_t> expected;
        for (uint64_t i = 0; i < 6; ++i) {
          if (i < begin || i >= begin + count) expected.push_back(first + i);
        }
        CAPTURE(begin, count);
        REQUIRE(rig.present(GuestAddr(0), PageTable::limit(arch).page_number()) == expected);
        REQUIRE(rig.table->consistent());
      }
    }
  }
}

TEST_CASE("unmap of nearly all that a table covers spares the rest") {
  for (Arch arch : kBoth) {
    for (uint64_t covered : {uint64_t{1} << 9, uint64_t{1} << 18, uint64_t{1} << 27}) {
      for (bool spare_first : {false, true}) {
        Rig rig(arch);
        const uint64_t first = 2 * covered;
        const uint64_t last = first + covered - 1;
        REQUIRE(rig.table->map(GuestAddr(first << kPageShift), kFrame, kR, MemoryType::kNormal));
        REQUIRE(rig.table->map(GuestAddr(last << kPageShift), kFrame, kR, MemoryType::kNormal));
        rig.table->unmap(GuestAddr((first + (spare_first ? 1 : 0)) << kPageShift), covered - 1);
        REQUIRE(rig.present(GuestAddr(0), PageTable::limit(arch).page_number()) ==
                std::vector<uint64_t>{spare_first ? first : last});
        REQUIRE(rig.table->consistent());
      }
    }
  }
}

TEST_CASE("both ends of the address space can be mapped") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    GuestAddr last = PageTable::limit(arch) - kPageSize;
    REQUIRE(rig.table->map(GuestAddr(0), kFrame, kR, MemoryType::kNormal));
    REQUIRE(rig.table->map(last, kFrame + kPageSize, kR, MemoryType::kNormal));
    REQUIRE(rig.walk(last + 0xfff, AccessKind::kRead)->address == kFrame + kPageSize + 0xfff);
    REQUIRE(rig.present(GuestAddr(0), PageTable::limit(arch).page_number()) ==
            std::vector<uint64_t>{0, last.page_number()});
    rig.table->protect(last, 1, kRW);
    rig.table->unmap(GuestAddr(0), 1);
    rig.table->unmap(last, 1);
    REQUIRE(rig.table->table_pages() == 1);
  }
}

TEST_CASE("when frames run out at any allocation, map changes nothing") {
  for (Arch arch : kBoth) {
    // The four tables of a first page, then those of others that share one, two or three levels with it.
    const uint64_t distances[] = {0, 2 << 20, 1 << 30, uint64_t{1} << 39};
    for (uint64_t distance : distances) {
      for (uint64_t allowed = 0;; ++allowed) {
        Rig rig(arch);
        if (distance != 0) REQUIRE(rig.table->map(kPage, kFrame, kR, MemoryType::kNormal));
        uint64_t pages = rig.table->table_pages();
        rig.frames.allow(allowed);
        CAPTURE(arch_name(arch), distance, allowed);

        bool mapped = rig.table->map(kPage + distance, kFrame, kR, MemoryType::kNormal);
        REQUIRE(rig.frames.used() == rig.table->table_pages());
        REQUIRE(rig.table->consistent());
        if (mapped) break;
        REQUIRE(rig.table->table_pages() == pages);
        REQUIRE_FALSE(rig.table->query(kPage + distance).has_value());
        REQUIRE(rig.table->query(kPage).has_value() == (distance != 0));
        REQUIRE(allowed < 3);
      }
    }
    FramePool dry(kRam, 0);
    PhysicalMemory memory(kRam, kPageSize);
    REQUIRE(PageTable::create(arch, memory, dry) == nullptr);
  }
}

TEST_CASE("map_range maps one frame per page, across tables, as far as frames for tables reach") {
  for (Arch arch : kBoth) {
    const GuestAddr start((uint64_t{1} << 30) - 2 * kPageSize);  // Two pages below a border of three tables.
    const std::vector<PhysAddr> frames = {kFrame + 7 * kPageSize, kFrame, kFrame + 3 * kPageSize, kFrame};
    Rig rig(arch);
    REQUIRE(rig.table->map_range(start, frames, kRW, MemoryType::kNormal) == 4);
    for (uint64_t i = 0; i < 4; ++i) REQUIRE(rig.table->query(start + i * kPageSize)->address == frames[i]);
    REQUIRE(rig.table->map_range(start, {}, kRW, MemoryType::kNormal) == 0);

    Rig poor(arch);
    poor.frames.allow(3);
    REQUIRE(poor.table->map_range(start, frames, kRW, MemoryType::kNormal) == 2);
    REQUIRE(poor.present(start, 4) == std::vector<uint64_t>{start.page_number(), start.page_number() + 1});
    REQUIRE(poor.table->consistent());
  }
}

TEST_CASE("for_each tells what query would") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    REQUIRE(rig.table->map(kPage, kFrame, kRW, MemoryType::kDevice));
    REQUIRE(rig.walk(kPage, AccessKind::kWrite).has_value());
    int visits = 0;
    rig.table->for_each(kPage, 1, [&](GuestAddr page, const Translation& translation) {
      REQUIRE(page == kPage);
      REQUIRE(translation == rig.table->query(kPage));
      ++visits;
    });
    REQUIRE(visits == 1);
  }
}

TEST_CASE("table pages are cleared, whatever their frames held") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    rig.table.reset();
    for (uint64_t i = 0; i < kRamPages; ++i) std::memset(rig.memory.writable(kRam + i * kPageSize), 0xff, kPageSize);
    rig.table = PageTable::create(arch, rig.memory, rig.frames);
    REQUIRE(rig.table->map(kPage, kFrame, kR, MemoryType::kNormal));
    REQUIRE(rig.present(GuestAddr(0), PageTable::limit(arch).page_number()) ==
            std::vector<uint64_t>{kPage.page_number()});
  }
}

TEST_CASE("a table saved with its memory is adopted and goes on") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    REQUIRE(rig.table->map(kPage, kFrame, kRW, MemoryType::kNormal));
    REQUIRE(rig.walk(kPage, AccessKind::kWrite).has_value());
    Writer saved;
    saved(rig.memory);

    PhysicalMemory memory(kRam, kRamPages * kPageSize);
    FramePool frames(kRam, kRamPages);
    for (uint64_t i = 0; i < rig.table->table_pages(); ++i) REQUIRE(rig.frames.owns(*frames.allocate_frame()));
    Reader reader(saved.data());
    reader(memory);
    REQUIRE(reader.ok());

    auto table = PageTable::adopt(arch, memory, frames, rig.table->root(), rig.table->table_pages());
    REQUIRE(table != nullptr);
    REQUIRE(table->query(kPage) == rig.table->query(kPage));
    REQUIRE(table->table_pages() == 4);
    table->unmap(kPage, 1);
    REQUIRE(table->table_pages() == 1);
    table.reset();
    REQUIRE(frames.used() == 0);
  }
}

TEST_CASE("damaged tables are not adopted") {
  for (Arch arch : kBoth) {
    Rig rig(arch);
    REQUIRE(rig.table->map(kPage, kFrame, kRW, MemoryType::kNormal));
    REQUIRE(rig.table->map(kPage + (1 << 30), kFrame, kRW, MemoryType::kNormal));
    const uint64_t pages = rig.table->table_pages();
    const PhysAddr root = rig.table->root();
    auto adopted = [&](PhysAddr at, uint64_t count) {
      return PageTable::adopt(arch, rig.memory, rig.frames, at, count) != nullptr;
    };

    REQUIRE_FALSE(adopted(root, pages - 1));
    REQUIRE_FALSE(adopted(root, pages + 1));
    REQUIRE_FALSE(adopted(root, 0));
    REQUIRE_FALSE(adopted(root, UINT64_MAX));
    REQUIRE_FALSE(adopted(root + 8, pages));
    REQUIRE_FALSE(adopted(PhysAddr(0), pages));

    // Each entry in use, changed to each of some bad values.
    const uint64_t table_bits = arch == Arch::kArm64 ? 0b11 : 0b111;
    for (uint64_t at = kRam.value; at < kRam.value + pages * kPageSize; at += 8) {
      uint64_t good = 0;
      std::memcpy(&good, rig.memory.data(PhysAddr(at)), 8);
      if (good == 0) continue;
      bool in_last_level = (good & 0xffff'ffff'f000) == kFrame.value;
      for (uint64_t bad : {uint64_t{0}, uint64_t{0x1000} | table_bits, root.value | table_bits, uint64_t{2}}) {
        if (in_last_level && (bad & 1) != 0) continue;  // Pages may be mapped anywhere.
        CAPTURE(arch_name(arch), at, good, bad);
        std::memcpy(rig.memory.writable(PhysAddr(at)), &bad, 8);
        REQUIRE_FALSE(adopted(root, pages));
      }
      std::memcpy(rig.memory.writable(PhysAddr(at)), &good, 8);
    }
    REQUIRE(rig.table->consistent());
  }
}

}  // namespace
}  // namespace jacinth::emu
