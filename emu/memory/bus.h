// The MMIO bus: which device answers at which physical address, and what nobody answers.
//
// An access that no device claims reads as zero, writes nothing, and is counted by address and width: a guest that
// pokes hardware we lack must show up in the report at exit.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "emu/base/address.h"
#include "emu/state/archive.h"

namespace jacinth::emu {

/// Answers loads and stores inside one region. Offsets are relative to the region; sizes are 1, 2, 4 or 8 bytes.
class MmioHandler {
 public:
  virtual ~MmioHandler() = default;
  virtual uint64_t mmio_read(uint64_t offset, unsigned size) = 0;
  virtual void mmio_write(uint64_t offset, unsigned size, uint64_t value) = 0;
};

class Bus {
 public:
  struct Region {
    PhysAddr base;
    uint64_t size = 0;
    std::string name;
    MmioHandler* handler = nullptr;  ///< Not owned; outlives the bus.
  };

  /// One address that nobody answered, and how often. A row of size 0 sums up the addresses that got no row of their
  /// own.
  struct Ignored {
    uint64_t address = 0;
    uint32_t size = 0;
    uint32_t is_write = 0;
    uint64_t count = 0;
  };

  /// Adds a region; regions must not overlap and sizes are whole pages (engines map pages).
  void add(PhysAddr base, uint64_t size, std::string_view name, MmioHandler& handler);

  /// `size` bytes, zero-extended. An access that runs over the end of its region counts as unanswered.
  uint64_t read(PhysAddr address, unsigned size);
  void write(PhysAddr address, unsigned size, uint64_t value);

  /// The region that holds `address`, or null.
  const Region* find(PhysAddr address) const;
  const std::vector<Region>& regions() const { return regions_; }

  /// What was ignored so far, by address; accesses beyond the first kMaxIgnored distinct ones share the last row.
  std::vector<Ignored> ignored() const;
  static constexpr size_t kMaxIgnored = 1024;

  /// The counters; regions are wiring.
  void state(Archive& ar);

 private:
  struct Access {
    uint64_t address = 0;
    uint32_t size = 0;
    uint32_t is_write = 0;
    auto operator<=>(const Access&) const = default;
  };
  const Region* find_whole(PhysAddr address, unsigned size) const;
  void count_ignored(PhysAddr address, unsigned size, bool is_write);

  std::vector<Region> regions_;  // By base address.
  std::map<Access, uint64_t> ignored_;
  uint64_t elsewhere_ = 0;
};

}  // namespace jacinth::emu
