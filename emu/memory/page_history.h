// What pages of RAM were: marks in time to which memory can be brought back.
//
//   mark 0 ---- writes ---- mark 1 ---- writes ---- mark 2 ---- writes ---- now
//       [what they changed]     [what they changed]     [what they changed]
//
// Each interval keeps the old contents of the pages that were written in it, once each, taken at the first write (the
// TLB hands out read-only entries until then). A mark costs nothing but that, however much memory there is, and going
// back copies only what changed. Forgetting a mark merges the intervals on its two sides.
//
// Left out: going forward again, since a run that is made again writes the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "emu/memory/physical_memory.h"

namespace jacinth::emu {

class PageHistory final : public WriteWatcher {
 public:
  /// Without a mark nothing is kept. `memory` outlives it.
  explicit PageHistory(PhysicalMemory& memory);
  ~PageHistory() override;
  PageHistory(const PageHistory&) = delete;
  PageHistory& operator=(const PageHistory&) = delete;

  /// Memory as it is now can be had back. No TLB may allow writes any more from here on: the caller flushes them.
  void mark();
  size_t marks() const { return intervals_.size(); }
  /// Memory is as it was at mark `number`, which is the last one from now on. The caller flushes all TLBs.
  void rewind(size_t number);
  /// Forgets a mark; those behind it move up by one.
  void forget(size_t number);
  /// Of memory that is kept, without the bookkeeping.
  size_t bytes() const { return kept_pages_ * kPageSize; }
  /// Pages that were written since the last mark.
  size_t changed() const { return intervals_.empty() ? 0 : intervals_.back().size(); }

  void page_changes(PhysAddr page, const std::byte* contents) override;

 private:
  struct Page {
    uint32_t number = 0;
    std::byte* contents = nullptr;  ///< Null: zero.
  };
  using Interval = std::vector<Page>;

  std::byte* take();
  void give_back(std::byte* contents);
  size_t index(PhysAddr page) const { return (page - memory_.base()) >> kPageShift; }
  PhysAddr address(uint32_t number) const { return memory_.base() + (uint64_t{number} << kPageShift); }
  /// Begins a set of pages: none is in it.
  void begin_set() { ++set_; }
  /// Whether the page is new in the set.
  bool insert(size_t page) {
    if (in_set_[page] == set_) return false;
    in_set_[page] = set_;
    return true;
  }

  struct Free {
    void operator()(uint64_t* block) const { std::free(block); }
  };

  PhysicalMemory& memory_;
  std::vector<Interval> intervals_;
  /// By page: the last set that it was in. While nothing else is done, the set is what the last interval holds.
  std::unique_ptr<uint64_t[], Free> in_set_;  // From calloc: a large machine must not pay for pages it never writes.
  uint64_t set_ = 1;
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::vector<std::byte*> free_;
  size_t kept_pages_ = 0;
};

}  // namespace jacinth::emu
