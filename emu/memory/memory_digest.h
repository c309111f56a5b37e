// A digest of RAM that is cheap to take often: only pages that were written since the last time are looked at again.
//
// It is the sum of a hash for each page that is not zero, of its number and contents, so that a page's part can be
// taken out and put in again. What it comes to depends on nothing but what memory holds: not on when it was taken
// before, nor on whether the machine was saved, loaded or stopped on the way.
//
// Left out: resistance to somebody who makes pages with chosen hashes. It finds mistakes, not forgeries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "emu/memory/physical_memory.h"
#include "emu/state/archive.h"

namespace jacinth::emu {

class MemoryDigest final : public WriteWatcher {
 public:
  /// Looks at all of memory, and is its write watcher from now on: there can be no other. `memory` outlives it. No TLB
  /// may allow writes from here on: the caller flushes them.
  explicit MemoryDigest(PhysicalMemory& memory);
  ~MemoryDigest() override;
  MemoryDigest(const MemoryDigest&) = delete;
  MemoryDigest& operator=(const MemoryDigest&) = delete;

  /// The digest of what memory holds now. The caller flushes all TLBs afterwards.
  Digest take();

  void page_changes(PhysAddr page, const std::byte* contents) override;

 private:
  struct Free {
    void operator()(Digest* block) const { std::free(block); }
  };

  /// Puts what the page holds now in the place of what it held.
  void look_at(PhysAddr page);

  PhysicalMemory& memory_;
  std::unique_ptr<Digest[], Free> parts_;  // By page. From calloc: pages that nobody touches cost nothing.
  std::vector<PhysAddr> changed_;          // Since the last time; a page may stand there twice.
  Digest sum_;
};

}  // namespace jacinth::emu
