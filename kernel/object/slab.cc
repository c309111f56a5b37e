#include "kernel/object/slab.h"

#include "emu/base/check.h"
#include "emu/state/archive.h"

namespace jacinth::kernel {

abi::Status Slab::take() {
  if (in_use_ >= pages_ * per_page_) {
    if (source_ != nullptr && !source_->take(KernelPages::Use::kSlab)) return abi::Status::kNoMemory;
    ++pages_;
  }
  ++in_use_;
  return abi::Status::kOk;
}

void Slab::give() {
  CHECK(in_use_ > 0);
  --in_use_;
  uint64_t filled = (in_use_ + per_page_ - 1) / per_page_;
  if (pages_ <= filled + reserve_) return;
  if (source_ != nullptr) source_->give(KernelPages::Use::kSlab);
  --pages_;
}

void Slab::state(Archive& ar) {
  CHECK(!ar.loading() || in_use_ == 0, "something of a slab outlives its kernel");
  ar(pages_);
}

}  // namespace jacinth::kernel
