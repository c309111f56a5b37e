// A source of pages for the kernel's own memory that counts them (kernel/object/kernel_pages.h).
#pragma once

#include <cstdint>

#include "kernel/object/kernel_pages.h"

namespace jacinth::kernel {

/// So many pages, for one use.
struct CountedPages final : KernelPages {
  CountedPages(Use use, uint64_t count) : left(count), only(use) {}
  bool take(Use use) override {
    if (use != only || left == 0) return false;
    --left;
    ++taken;
    return true;
  }
  void give(Use) override {
    ++left;
    --taken;
  }
  uint64_t count(Use) const override { return taken; }

  uint64_t left;
  uint64_t taken = 0;
  Use only;
};

}  // namespace jacinth::kernel
