#include "kernel/object/ipc_memory.h"

#include "emu/base/address.h"
#include "emu/base/check.h"
#include "emu/state/archive.h"

namespace jacinth::kernel {
namespace {

uint64_t pages_for(uint64_t bytes) { return round_up_to_page(bytes) / kPageSize; }

}  // namespace

void IpcMemory::fill(uint64_t wanted) {
  while (pages_ < wanted && (source_ == nullptr || source_->take(KernelPages::Use::kIpc))) ++pages_;
}

bool IpcMemory::take(uint64_t bytes) {
  uint64_t needed = pages_for(bytes_ + bytes);
  fill(needed);
  if (pages_ < needed) {
    give(0);  // What it took in vain.
    return false;
  }
  bytes_ += bytes;
  return true;
}

void IpcMemory::give(uint64_t bytes) {
  CHECK(bytes <= bytes_);
  bytes_ -= bytes;
  for (uint64_t kept = pages_for(bytes_) + reserve_; pages_ > kept; --pages_) {
    if (source_ != nullptr) source_->give(KernelPages::Use::kIpc);
  }
}

void IpcMemory::state(Archive& ar) {
  CHECK(!ar.loading() || bytes_ == 0, "a message outlives its kernel");
  ar(pages_);
}

}  // namespace jacinth::kernel
