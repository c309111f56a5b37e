// The page frames that the kernel takes for itself when it makes packets, waits and messages
// (kernel/object/kernel_pages.h).
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "kernel/object/kernel_pages.h"
#include "kernel/vm/frame.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Pmm;

class KernelPageFrames final : public KernelPages {
 public:
  explicit KernelPageFrames(Pmm& pmm) : pmm_(pmm) {}
  KernelPageFrames(const KernelPageFrames&) = delete;
  KernelPageFrames& operator=(const KernelPageFrames&) = delete;

  bool take(Use use) override;
  void give(Use use) override;
  uint64_t count(Use use) const override { return frames_[static_cast<size_t>(use)].size(); }

  /// After the frames themselves (Pmm::state()).
  void state(Archive& ar);

 private:
  Pmm& pmm_;
  std::array<std::vector<Frame>, 2> frames_;  // By use, the last taken at the end.
};

}  // namespace jacinth::kernel
