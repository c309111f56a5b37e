#include "emu/memory/bus.h"

#include <algorithm>

#include "emu/base/check.h"

namespace jacinth::emu {

void Bus::add(PhysAddr base, uint64_t size, std::string_view name, MmioHandler& handler) {
  CHECK(base.page_aligned() && size > 0 && size % kPageSize == 0, "{}: {:#x} bytes at {:#x}", name, size, base.value);
  CHECK(base.value + (size - 1) >= base.value, "{} wraps around", name);
  auto next = std::upper_bound(regions_.begin(), regions_.end(), base,
                               [](PhysAddr address, const Region& region) { return address < region.base; });
  CHECK(next == regions_.end() || next->base - base >= size, "{} overlaps {}", name, next->name);
  CHECK(next == regions_.begin() || base - std::prev(next)->base >= std::prev(next)->size, "{} overlaps {}", name,
        std::prev(next)->name);
  regions_.insert(next, Region{base, size, std::string(name), &handler});
}

const Bus::Region* Bus::find(PhysAddr address) const {
  auto next = std::upper_bound(regions_.begin(), regions_.end(), address,
                               [](PhysAddr a, const Region& region) { return a < region.base; });
  if (next == regions_.begin()) return nullptr;
  const Region& region = *std::prev(next);
  return address - region.base < region.size ? &region : nullptr;
}

const Bus::Region* Bus::find_whole(PhysAddr address, unsigned size) const {
  CHECK(size == 1 || size == 2 || size == 4 || size == 8, "{} bytes", size);
  const Region* region = find(address);
  return region != nullptr && size <= region->size - (address - region->base) ? region : nullptr;
}

uint64_t Bus::read(PhysAddr address, unsigned size) {
  const Region* region = find_whole(address, size);
  if (region == nullptr) {
    count_ignored(address, size, false);
    return 0;
  }
  uint64_t value = region->handler->mmio_read(address - region->base, size);
  return size == 8 ? value : value & ((uint64_t{1} << (8 * size)) - 1);
}

void Bus::write(PhysAddr address, unsigned size, uint64_t value) {
  const Region* region = find_whole(address, size);
  if (region == nullptr) return count_ignored(address, size, true);
  region->handler->mmio_write(address - region->base, size, value);
}

std::vector<Bus::Ignored> Bus::ignored() const {
  std::vector<Ignored> rows;
  rows.reserve(ignored_.size() + 1);
  for (const auto& [access, count] : ignored_) rows.push_back({access.address, access.size, access.is_write, count});
  if (elsewhere_ > 0) rows.push_back({.count = elsewhere_});
  return rows;
}

void Bus::count_ignored(PhysAddr address, unsigned size, bool is_write) {
  Access access{address.value, size, is_write ? 1u : 0u};
  if (auto row = ignored_.find(access); row != ignored_.end()) {
    ++row->second;
  } else if (ignored_.size() < kMaxIgnored) {
    ignored_.emplace(access, 1);
  } else {
    ++elsewhere_;
  }
}

void Bus::state(Archive& ar) { ar(ignored_, elsewhere_); }

}  // namespace jacinth::emu
