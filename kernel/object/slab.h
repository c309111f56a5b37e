// The kernel's memory for many small things of one kind: pages that hold so many each, some kept back when they are
// free (zircon/kernel/lib/object_cache).
//
// Left out: which thing lies in which page. Pages count as filled one after the other, so that what is held depends on
// numbers alone.
#pragma once

#include <cstdint>

#include "kernel/abi/status.h"
#include "kernel/object/kernel_pages.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Slab {
 public:
  Slab(uint64_t things_per_page, uint64_t reserve_pages) : per_page_(things_per_page), reserve_(reserve_pages) {}
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  /// Where pages come from; it must outlive all things. Without one they cost nothing.
  void set_source(KernelPages* source) { source_ = source; }

  /// Room for one more; kNoMemory when it needs a page and none is left.
  abi::Status take();
  /// One fewer. Free pages beyond the reserve go back.
  void give();

  uint64_t in_use() const { return in_use_; }
  uint64_t pages() const { return pages_; }

  /// The pages, which the source has loaded already. What is loaded afterwards takes its room in them.
  void state(Archive& ar);
  /// Of all pages, without giving any back: they were not what they seemed.
  void forget() { pages_ = 0; }

 private:
  uint64_t per_page_;
  uint64_t reserve_;
  KernelPages* source_ = nullptr;
  uint64_t in_use_ = 0;
  uint64_t pages_ = 0;
};

}  // namespace jacinth::kernel
