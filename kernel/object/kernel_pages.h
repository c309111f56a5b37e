// The kernel's own use of the machine's memory, as kernel objects see it: so many page frames, taken and given back.
//
// What they would hold lies in the host's memory. Taking the frames all the same makes a program that fills queues
// without end run out of the machine's memory, not of ours, and tells zx_info_kmem_stats_t what is where.
#pragma once

#include <cstdint>

namespace jacinth::kernel {

class KernelPages {
 public:
  enum class Use : uint8_t {
    kSlab,  ///< Small things of one kind (slab.h).
    kIpc,   ///< Messages.
  };

  virtual ~KernelPages() = default;
  /// False when no frame is left.
  virtual bool take(Use use) = 0;
  virtual void give(Use use) = 0;
  /// How many are taken.
  virtual uint64_t count(Use use) const = 0;
};

}  // namespace jacinth::kernel
