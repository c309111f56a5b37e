// The kernel's memory for what programs send each other: messages in channels, data in sockets
// (zircon/kernel/object/buffer_chain.h keeps it in pages of its own, too).
//
// A reserve of free pages is kept (kernel.bufferchain.reserve-pages): conversations go on, and exceptions are told,
// when programs have taken all other memory.
//
// Left out: which bytes lie in which page, and that a short message there fills a page by itself.
#pragma once

#include <cstdint>

#include "kernel/object/kernel_pages.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class IpcMemory {
 public:
  /// `reserve`: how many pages it keeps beyond what is in use.
  explicit IpcMemory(uint64_t reserve) : reserve_(reserve) {}
  IpcMemory(const IpcMemory&) = delete;
  IpcMemory& operator=(const IpcMemory&) = delete;

  /// Where pages come from; it must outlive all that is sent. Without one they cost nothing.
  void set_source(KernelPages* source) { source_ = source; }
  /// Takes the reserve, as far as there is one.
  void fill_reserve() { fill(reserve_); }

  /// Room for so many bytes; false, and none of it, when the machine has no more.
  bool take(uint64_t bytes);
  void give(uint64_t bytes);

  uint64_t pages() const { return pages_; }

  /// The pages, which the source has loaded already. What is loaded afterwards takes its room in them.
  void state(Archive& ar);
  /// Of all pages, without giving any back: they were not what they seemed.
  void forget() { pages_ = 0; }

 private:
  /// Takes pages until there are so many, or no more to be had.
  void fill(uint64_t wanted);

  uint64_t reserve_;
  KernelPages* source_ = nullptr;
  uint64_t bytes_ = 0;
  uint64_t pages_ = 0;
};

}  // namespace jacinth::kernel
