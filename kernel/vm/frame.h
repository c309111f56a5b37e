// A page frame: one page of guest RAM, by number, and what the kernel knows of it.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernel/vm/pages_id.h"

namespace jacinth::kernel {

/// A page of RAM, counted from 1 at the bottom, so that zero can mean "no frame".
enum class Frame : uint32_t { kNone = 0 };

/// What a frame is used for: zx_info_kmem_stats_t adds them up by this.
enum class FrameState : uint8_t {
  kFree,    ///< In the free list, all zero.
  kObject,  ///< Holds a page of a VMO.
  kMmu,     ///< A page table.
  kWired,   ///< The kernel's own, for good: the shared page of zeros.
  kSlab,    ///< Packets and waits of ports.
  kIpc,     ///< Messages.
  kLoaned,  ///< A contiguous VMO has lent it, and nobody borrows it now; all zero.
};
inline constexpr unsigned kFrameStates = 7;

/// Whether what the frame holds differs from what the pager that it came from has: for pages of pagers alone.
enum class PageDirt : uint8_t {
  kClean,
  kDirty,          ///< Written to.
  kAwaitingClean,  ///< The pager is about to write it back; a write before it is done makes it dirty again.
};

/// VM_PAGE_OBJECT_MAX_PIN_COUNT of Zircon.
inline constexpr uint8_t kMaxPins = 31;

/// Plain data, 32 bytes: the only host memory that grows with guest RAM, and only as far as RAM was ever used.
struct FrameRecord {
  FrameState state = FrameState::kFree;
  PageDirt dirt = PageDirt::kClean;
  /// How many DMA users hold the frame in place.
  uint8_t pins = 0;
  /// A program said that it needs the page always.
  bool always_need : 1 = false;
  /// It belongs to a contiguous VMO that has lent it: whoever has it now must be able to give it back.
  bool loaned : 1 = false;
  /// The queue of pages that it is in (page_queues.h); 0 for none.
  uint8_t queue : 4 = 0;
  /// An access has brought it back to the newest queue.
  bool came_back : 1 = false;
  uint8_t reserved : 1 = 0;  // Saved and hashed as it lies: no bit may be anybody's guess.
  /// How many leaves of page maps name the frame. One: whoever reaches it alone may write to it.
  uint32_t shares = 0;
  /// The container that the frame was put into, and where: as long as it is a contiguous or a paged one, it is there.
  PagesId owner = PagesId::kNone;
  uint64_t owner_page = 0;
  /// Links of the list that the frame is in: free, lent, or a queue of pages.
  Frame next = Frame::kNone;
  Frame previous = Frame::kNone;
};
static_assert(sizeof(FrameRecord) == 32 && std::has_unique_object_representations_v<FrameRecord>);

}  // namespace jacinth::kernel
