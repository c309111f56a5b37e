#include "kernel/vm/region_list.h"

#include <algorithm>
#include <utility>

#include "kernel/object/core.h"
#include "kernel/vm/address_region.h"
#include "kernel/vm/mapping.h"

namespace jacinth::kernel {

RegionEntry::RegionEntry(std::unique_ptr<Mapping> the_mapping)
    : mapping(std::move(the_mapping)), end_(mapping->end()) {}
RegionEntry::RegionEntry(Ref<AddressRegion> the_region) : region(std::move(the_region)), end_(region->end()) {}
RegionEntry::RegionEntry(RegionEntry&&) noexcept = default;
RegionEntry& RegionEntry::operator=(RegionEntry&&) noexcept = default;
RegionEntry::~RegionEntry() = default;

GuestAddr RegionEntry::base() const { return mapping ? mapping->base() : region->base(); }

RegionEntry* RegionList::find(GuestAddr address) {
  auto at = first_at(address);
  return at != entries_.end() && at->first <= address ? &at->second : nullptr;
}

RegionList::iterator RegionList::first_at(GuestAddr address) {
  if (near_ != entries_.end() && near_->first <= address && address < near_->second.end()) return near_;
  near_ = entries_.upper_bound(address);
  if (near_ == entries_.begin()) return near_;
  auto before = std::prev(near_);
  if (before->second.end() > address) near_ = before;
  return near_;
}

RegionList::iterator RegionList::insert(RegionEntry entry) {
  size_t size = entries_.size();
  GuestAddr base = entry.base();
  near_ = entries_.emplace_hint(near_, base, std::move(entry));
  CHECK(entries_.size() == size + 1, "two things at {:#x}", base.value);
  return near_;
}

RegionList::iterator RegionList::split(iterator at, GuestAddr address) {
  std::unique_ptr<Mapping> rest = at->second.mapping->split(address);
  at->second.end_ = address;
  near_ = std::next(at);
  return insert(std::move(rest));
}

RegionList::iterator RegionList::erase(iterator at) {
  packed_end_ = std::min(packed_end_, at->first);
  bool near = near_ == at;
  auto next = entries_.erase(at);
  if (near) near_ = next;
  return next;
}

void RegionList::clear() {
  entries_.clear();
  near_ = entries_.end();
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
