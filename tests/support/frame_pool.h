// Frames for page tables in tests: hands out the last freed first, can run dry at will, and knows each frame it gave.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "emu/base/access.h"
#include "tests/support/test.h"

namespace jacinth::test {

class FramePool final : public FrameSource {
 public:
  FramePool(PhysAddr first, uint64_t count) {
    for (uint64_t i = count; i-- > 0;) free_.push_back(first + i * kPageSize);
  }

  std::optional<PhysAddr> allocate_frame() override {
    if (free_.empty() || allowance_ == 0) return std::nullopt;
    --allowance_;
    PhysAddr frame = free_.back();
    free_.pop_back();
    used_.insert(frame);
    return frame;
  }

  void free_frame(PhysAddr frame) override {
    REQUIRE(used_.erase(frame) == 1);  // Freed twice, or never handed out.
    free_.push_back(frame);
  }

  /// The next `count` allocations succeed, then none.
  void allow(uint64_t count) { allowance_ = count; }
  uint64_t used() const { return used_.size(); }
  bool owns(PhysAddr frame) const { return used_.contains(frame); }

 private:
  std::vector<PhysAddr> free_;
  std::set<PhysAddr> used_;
  uint64_t allowance_ = UINT64_MAX;
};

}  // namespace jacinth::test
