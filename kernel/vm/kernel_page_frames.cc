#include "kernel/vm/kernel_page_frames.h"

#include <algorithm>
#include <optional>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/vm/pmm.h"

namespace jacinth::kernel {
namespace {

FrameState state_of(KernelPages::Use use) {
  return use == KernelPages::Use::kSlab ? FrameState::kSlab : FrameState::kIpc;
}

}  // namespace

bool KernelPageFrames::take(Use use) {
  std::optional<Frame> frame = pmm_.allocate(state_of(use));
  if (frame) frames_[static_cast<size_t>(use)].push_back(*frame);
  return frame.has_value();
}

void KernelPageFrames::give(Use use) {
  std::vector<Frame>& frames = frames_[static_cast<size_t>(use)];
  CHECK(!frames.empty(), "the kernel gives back a page that it never took");
  Frame frame = frames.back();
  frames.pop_back();
  pmm_.free(frame);
}

void KernelPageFrames::state(Archive& ar) {
  for (Use use : {Use::kSlab, Use::kIpc}) {
    std::vector<Frame>& frames = frames_[static_cast<size_t>(use)];
    ar(frames);
    if (!ar.loading()) continue;
    std::vector<Frame> sorted = frames;
    std::ranges::sort(sorted);
    bool good = std::ranges::adjacent_find(sorted) == sorted.end() && sorted.size() == pmm_.count(state_of(use));
    for (Frame frame : sorted) good = good && pmm_.known(frame) && pmm_.record(frame).state == state_of(use);
    if (good) continue;
    ar.fail("page frames of the kernel's own that it does not have");
    frames.clear();
  }
}

}  // namespace jacinth::kernel
