// The bus: who answers, and who is missed.
#include "emu/memory/bus.h"

#include <vector>

#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

/// Answers with all ones and writes down what it was asked.
struct Recorder final : MmioHandler {
  struct Access {
    uint64_t offset;
    unsigned size;
    std::optional<uint64_t> written;
    bool operator==(const Access&) const = default;
  };
  std::vector<Access> accesses;

  uint64_t mmio_read(uint64_t offset, unsigned size) override {
    accesses.push_back({offset, size, std::nullopt});
    return ~uint64_t{0};
  }
  void mmio_write(uint64_t offset, unsigned size, uint64_t value) override {
    accesses.push_back({offset, size, value});
  }
};

struct Rig {
  Recorder low;
  Recorder high;
  Bus bus;
  Rig() {
    bus.add(PhysAddr(0x9010000), 0x2000, "high", high);  // Not in order: the bus sorts.
    bus.add(PhysAddr(0x9000000), 0x1000, "low", low);
  }
};

TEST_CASE("an access goes to the region that holds it, by its offset there") {
  Rig rig;
  REQUIRE(rig.bus.read(PhysAddr(0x9000018), 4) == 0xffffffff);
  rig.bus.write(PhysAddr(0x9011ffc), 4, 0x1234);
  REQUIRE(rig.low.accesses == std::vector<Recorder::Access>{{0x18, 4, std::nullopt}});
  REQUIRE(rig.high.accesses == std::vector<Recorder::Access>{{0x1ffc, 4, 0x1234}});
  REQUIRE(rig.bus.ignored().empty());
}

TEST_CASE("a device gives no more bits than it was asked for") {
  Rig rig;
  REQUIRE(rig.bus.read(PhysAddr(0x9000000), 1) == 0xff);
  REQUIRE(rig.bus.read(PhysAddr(0x9000000), 2) == 0xffff);
  REQUIRE(rig.bus.read(PhysAddr(0x9000000), 8) == ~uint64_t{0});
}

TEST_CASE("regions are found from their first byte to their last") {
  Rig rig;
  REQUIRE(rig.bus.find(PhysAddr(0x8ffffff)) == nullptr);
  REQUIRE(rig.bus.find(PhysAddr(0x9000000))->name == "low");
  REQUIRE(rig.bus.find(PhysAddr(0x9000fff))->name == "low");
  REQUIRE(rig.bus.find(PhysAddr(0x9001000)) == nullptr);
  REQUIRE(rig.bus.find(PhysAddr(0x9010000))->name == "high");
  REQUIRE(rig.bus.find(PhysAddr(0x9012000)) == nullptr);
  REQUIRE(rig.bus.regions()[0].name == "low");
  REQUIRE(Bus().find(PhysAddr(0)) == nullptr);
}

TEST_CASE("what nobody answers reads as zero and is counted by address, width and direction") {
  Rig rig;
  REQUIRE(rig.bus.read(PhysAddr(0x1000), 4) == 0);
  REQUIRE(rig.bus.read(PhysAddr(0x1000), 4) == 0);
  rig.bus.write(PhysAddr(0x1000), 4, 1);
  rig.bus.write(PhysAddr(0x1000), 2, 1);
  rig.bus.write(PhysAddr(0x9000ffc), 8, 1);  // Half of it would reach the device: none does.
  REQUIRE(rig.low.accesses.empty());

  auto rows = rig.bus.ignored();
  REQUIRE(rows.size() == 4);
  auto is = [&](size_t i, uint64_t address, uint32_t size, bool write, uint64_t count) {
    return rows[i].address == address && rows[i].size == size && (rows[i].is_write != 0) == write &&
           rows[i].count == count;
  };
  REQUIRE(is(0, 0x1000, 2, true, 1));
  REQUIRE(is(1, 0x1000, 4, false, 2));
  REQUIRE(is(2, 0x1000, 4, true, 1));
  REQUIRE(is(3, 0x9000ffc, 8, true, 1));
}

TEST_CASE("a guest that probes everything cannot make the report grow without end") {
  Rig rig;
  for (uint64_t i = 0; i < Bus::kMaxIgnored + 10; ++i) rig.bus.read(PhysAddr(0x100000 + 8 * i), 8);
  rig.bus.read(PhysAddr(0x100000), 8);  // One that has its row.
  auto rows = rig.bus.ignored();
  REQUIRE(rows.size() == Bus::kMaxIgnored + 1);
  REQUIRE(rows.front().count == 2);
  REQUIRE(rows.back().size == 0);
  REQUIRE(rows.back().count == 10);
}

TEST_CASE("the counters are state, the regions are not") {
  Rig rig;
  Digest empty = digest_of(rig.bus);
  REQUIRE(digest_of(rig.bus) == empty);
  rig.bus.read(PhysAddr(0x1000), 4);
  REQUIRE(digest_of(rig.bus) != empty);

  Writer writer;
  writer(rig.bus);
  Bus other;
  Reader reader(writer.data());
  reader(other);
  REQUIRE(reader.at_end());
  REQUIRE(digest_of(other) == digest_of(rig.bus));
  REQUIRE(other.ignored().size() == 1);
  REQUIRE(other.regions().empty());
}

}  // namespace
}  // namespace jacinth::emu
