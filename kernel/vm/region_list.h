// What lies in an address region: mappings and smaller regions, by address, and the search for room between them.
//
// A program that does not ask for a place gets one of the lowest 2^n that would do, drawn by chance (Zircon's "aslr"
// options; n is 30, or 8 in a compact region), or the very lowest when chance is switched off.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "emu/base/address.h"
#include "kernel/object/ref.h"

namespace jacinth::kernel {

class AddressRegion;
class Core;
class Mapping;

/// One thing in a region: a mapping, or else a smaller region.
struct RegionEntry {
  RegionEntry(std::unique_ptr<Mapping> mapping);  // NOLINT(google-explicit-constructor): either is an entry.
  RegionEntry(Ref<AddressRegion> region);         // NOLINT(google-explicit-constructor)
  RegionEntry(RegionEntry&&) noexcept;
  RegionEntry& operator=(RegionEntry&&) noexcept;
  ~RegionEntry();

  GuestAddr base() const;
  GuestAddr end() const { return end_; }

  std::unique_ptr<Mapping> mapping;
  Ref<AddressRegion> region;

 private:
  friend class RegionList;
  GuestAddr end_;  ///< Beside what it is derived from: a search looks at many entries, and ends at one.
};

class RegionList {
 public:
  using Entries = std::map<GuestAddr, RegionEntry>;
  using iterator = Entries::iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  Entries::const_iterator begin() const { return entries_.begin(); }
  Entries::const_iterator end() const { return entries_.end(); }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  /// The entry at `address`; null when nothing lies there.
  RegionEntry* find(GuestAddr address);
  /// The first entry that ends behind `address`.
  iterator first_at(GuestAddr address);
  iterator insert(RegionEntry entry);
  /// Cuts the mapping there: `at` keeps what is below `address`, and the entry of the rest is the answer.
  iterator split(iterator at, GuestAddr address);
  iterator erase(iterator at);
  void clear();

  bool available(GuestAddr base, uint64_t size);

  struct Search {
    GuestAddr base;           ///< The region's.
    GuestAddr limit;          ///< The place must end here or below.
    uint64_t size = 0;        ///< Whole pages.
    unsigned align_log2 = 0;  ///< At least a page.
    unsigned entropy_bits = 0;
  };
  /// A place for something new; nothing when there is no room. With `chance` null, the lowest.
  std::optional<GuestAddr> choose(const Search& search, Core* chance);

 private:
  /// Places in the gaps, lowest first: place number `number`, or how many there are when that are fewer.
  struct Found {
    std::optional<GuestAddr> place;
    uint64_t count = 0;
  };
  Found place_number(const Search& search, uint64_t number);

  Entries entries_;
  /// The entry found last, or else what follows the gap that was looked at: most calls come to the same place several
  /// times. Derived.
  iterator near_ = entries_.end();
  /// There is no gap below this address. Derived: it saves the way past what is packed.
  GuestAddr packed_end_;
};

}  // namespace jacinth::kernel
