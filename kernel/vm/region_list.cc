#include "kernel/vm/region_list.h"

#include <algorithm>
#include <utility>

#include "kernel/object/core.h"
#include "kernel/vm/address_region.h"
#include "kernel/vm/mapping.h"

namespace jacinth::kernel {

RegionEntry::RegionEntry(std::unique_ptr<Mapping> the_mapping) : mapping(std::move(the_mapping)) {}
RegionEntry::RegionEntry(Ref<AddressRegion> the_region) : region(std::move(the_region)) {}
RegionEntry::RegionEntry(RegionEntry&&) noexcept = default;
RegionEntry& RegionEntry::operator=(RegionEntry&&) noexcept = default;
RegionEntry::~RegionEntry() = default;

GuestAddr RegionEntry::base() const { return mapping ? mapping->base() : region->base(); }
uint64_t RegionEntry::size() const { return mapping ? mapping->size() : region->size(); }

RegionEntry* RegionList::find(GuestAddr address) {
  auto at = first_at(address);
  return at != entries_.end() && at->first <= address ? &at->second : nullptr;
}

RegionList::iterator RegionList::first_at(GuestAddr address) {
  auto at = entries_.upper_bound(address);
  if (at == entries_.begin()) return at;
  auto before = std::prev(at);
  return before->second.end() > address ? before : at;
}

void RegionList::insert(RegionEntry entry) {
  GuestAddr base = entry.base();
  bool inserted = entries_.emplace(base, std::move(entry)).second;
  CHECK(inserted);
}

RegionList::iterator RegionList::erase(iterator at) {
  packed_end_ = std::min(packed_end_, at->first);
  return entries_.erase(at);
}

void RegionList::clear() {
  entries_.clear();
  packed_end_ = {};
}

bool RegionList::available(GuestAddr base, uint64_t size) {
  auto at = first_at(base);
  return at == entries_.end() || at->first >= base + size;
}

std::optional<GuestAddr> RegionList::choose(const Search& search, Core* chance) {
  if (search.limit < search.base || search.size > search.limit - search.base) return std::nullopt;
  if (chance == nullptr) return place_number(search, 0).place;
  uint64_t places = uint64_t{1} << search.entropy_bits;
  uint64_t align = uint64_t{1} << search.align_log2;
  uint64_t first = (search.base.value + align - 1) & ~(align - 1);

  // Most of a large region is free: a few shots in the dark hit without looking at what is in it.
  for (int shot = 0; shot < 3; ++shot) {
    uint64_t number = chance->random64() & (places - 1);
    uint64_t room = search.limit.value - search.size;  // The highest place there may be.
    if (first > room || number > (room - first) >> search.align_log2) continue;
    GuestAddr place(first + (number << search.align_log2));
    if (available(place, search.size)) return place;
  }
  uint64_t number = chance->random64() & (places - 1);
  Found found = place_number(search, number);
  if (found.place || found.count == 0) return found.place;
  return place_number(search, chance->random64() % found.count).place;
}

RegionList::Found RegionList::place_number(const Search& search, uint64_t number) {
  uint64_t align = uint64_t{1} << search.align_log2;
  Found found;
  // False ends the search: the place is found, or what follows lies too high.
  auto look = [&](GuestAddr gap, GuestAddr gap_end) {
    uint64_t begin = (gap.value + align - 1) & ~(align - 1);
    uint64_t end = std::min(gap_end, search.limit).value;
    if (begin < gap.value || begin >= search.limit.value) return false;
    if (begin > end || end - begin < search.size) return true;
    uint64_t places = ((end - begin - search.size) >> search.align_log2) + 1;
    if (number < places) {
      found.place = GuestAddr(begin + (number << search.align_log2));
      return false;
    }
    number -= places;
    found.count += places;
    return true;
  };

  packed_end_ = std::max(packed_end_, search.base);
  auto at = first_at(packed_end_);
  for (; at != entries_.end() && at->first <= packed_end_; ++at) packed_end_ = at->second.end();
  GuestAddr gap = packed_end_;
  for (; at != entries_.end(); ++at) {
    if (at->first > gap && !look(gap, at->first)) return found;
    gap = at->second.end();
  }
  if (gap < search.limit) look(gap, search.limit);
  return found;
}

}  // namespace jacinth::kernel
