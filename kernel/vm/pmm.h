// The physical memory manager: who has which page frame of guest RAM (zircon/kernel/vm/pmm_node.cc).
//
// Which frame an allocation gets is a function of the history alone: the frame freed last comes first, then the lowest
// that was never used. So RAM that a run does not need is never touched, neither by the guest nor by our records.
//
// Frames in the free list are zero. Zeroing happens when a frame is freed, not when it is handed out: what a dead
// program left behind must not stay in snapshots and digests, and the host gets the memory back at once.
//
// RAM may be several arenas (pmm_arena.cc there): frames are numbered through all of them, the lowest first, and runs
// that have to be contiguous lie within one.
//
// Left out: the page poisoning of debug kernels.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "emu/base/access.h"
#include "emu/base/check.h"
#include "kernel/platform/platform.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/page_queues.h"

namespace jacinth::kernel {

class Pmm final : public FrameSource {
 public:
  explicit Pmm(Platform& platform);
  Pmm(const Pmm&) = delete;
  Pmm& operator=(const Pmm&) = delete;

  /// One frame of zeros; nothing when all are in use.
  std::optional<Frame> allocate(FrameState state);
  /// `count` frames in a row, the first at a multiple of `alignment` bytes (a power of two, at least a page).
  std::optional<Frame> allocate_contiguous(uint64_t count, uint64_t alignment, FrameState state);
  /// The `count` frames from this address on; nothing when one of them is not free.
  std::optional<Frame> allocate_range(PhysAddr address, uint64_t count, FrameState state);
  /// Zeroes the frame and makes it free, or ready to be borrowed again. Nobody may name it any more.
  void free(Frame frame);
  /// Frames that are freed keep their contents: all of memory is about to be replaced.
  void keep_contents(bool keep) { keep_contents_ = keep; }
  /// Nothing is freed any more: what was loaded may be no state of these frames.
  void abandon(bool abandoned) { abandoned_ = abandoned; }
  bool abandoned() const { return abandoned_; }

  // Loans: a contiguous VMO lends frames that it does not need now, and gets the same ones back.

  /// A frame of the lender's that nobody names becomes one to be borrowed.
  void lend(Frame frame);
  /// A lent frame of zeros; nothing when none is left.
  std::optional<Frame> borrow();
  /// The lender takes back a frame that nobody borrows.
  void take_back(Frame frame);
  /// The lender is gone: whoever has the frame keeps it.
  void end_loan(Frame frame);

  /// One more page map names the frame; one fewer, and it is freed with the last.
  void share(Frame frame) { ++record(frame).shares; }
  void unshare(Frame frame) {
    FrameRecord& at = record(frame);
    CHECK(at.shares > 0, "frame {}", static_cast<uint32_t>(frame));
    if (--at.shares == 0) free(frame);
  }

  FrameRecord& record(Frame frame) {
    uint32_t index = static_cast<uint32_t>(frame) - 1;
    CHECK(index < used_, "frame {} was never allocated", static_cast<uint32_t>(frame));
    return (*chunks_[index / kChunk])[index % kChunk];
  }

  /// Whether the frame was ever in use: only then it has a record.
  bool known(Frame frame) const { return frame != Frame::kNone && static_cast<uint32_t>(frame) <= used_; }

  PhysAddr address(Frame frame) const {
    uint64_t index = uint64_t{static_cast<uint32_t>(frame)} - 1;
    const Part& part = index < parts_.front().pages ? parts_.front() : part_of(index);
    return part.base + (index - part.first) * kPageSize;
  }
  /// The address must lie in RAM.
  Frame frame_at(PhysAddr address) const {
    const Part& part = *part_at(address);
    return Frame{static_cast<uint32_t>(part.first + (address - part.base) / kPageSize + 1)};
  }
  /// Whether the address lies in RAM at all.
  bool contains(PhysAddr address) const { return part_at(address) != nullptr; }

  /// The bytes of a frame, to read; and to write now (Platform::writable).
  const std::byte* data(Frame frame) const { return platform_.data(address(frame)); }
  std::byte* writable(Frame frame) { return platform_.writable(address(frame)); }

  uint64_t total() const { return total_; }
  uint64_t free_count() const { return counts_[static_cast<size_t>(FrameState::kFree)]; }
  uint64_t count(FrameState state) const { return counts_[static_cast<size_t>(state)]; }

  /// Pages by age.
  PageQueues& queues() { return queues_; }
  template <class F>
  void for_each_record(F&& visit) {
    for (uint32_t index = 0; index < used_; ++index) visit((*chunks_[index / kChunk])[index % kChunk]);
  }

  // How much is left (pmm_node.cc): level n is below watermark n and above all before it, the last level above all.

  /// Watermarks in bytes, ascending. Going down, a level ends `debounce` below its watermark, going up that much above.
  void set_watermarks(std::span<const uint64_t> watermarks, uint64_t debounce);
  size_t level() const { return level_; }
  /// Whether the level has changed since the last time that this was asked for.
  bool take_level_change() { return std::exchange(level_changed_, false); }
  bool level_changed() const { return level_changed_; }

  // FrameSource: page tables.
  std::optional<PhysAddr> allocate_frame() override;
  void free_frame(PhysAddr frame) override;

  /// For tests of what happens when memory runs out: `successes` more allocations work, then none does.
  void fail_after(uint64_t successes) { allocations_left_ = successes; }
  void never_fail() { allocations_left_ = std::numeric_limits<uint64_t>::max(); }

  /// Shares are not loaded: the page maps claim theirs again.
  void state(Archive& ar);

 private:
  /// An arena, and the index of its first frame.
  struct Part {
    PhysAddr base;
    uint64_t pages = 0;
    uint64_t first = 0;

    uint64_t end() const { return first + pages; }
    bool contains(PhysAddr address) const { return address >= base && address - base < pages * kPageSize; }
    /// The first index from `from` on where a run may begin that has to be aligned.
    uint64_t aligned(uint64_t from, uint64_t alignment) const;
  };

  static constexpr uint32_t kChunk = 1024;
  using Chunk = std::array<FrameRecord, kChunk>;

  bool refuse() { return allocations_left_ == 0; }
  void note_allocated(Frame frame, FrameState state);
  /// Makes records for `count` more frames at the bottom of what was never used.
  void extend(uint64_t count);
  void link(Frame frame);
  void unlink(Frame frame);
  Frame& list_of(const FrameRecord& at) { return at.state == FrameState::kLoaned ? first_loaned_ : first_free_; }
  void move(FrameRecord& at, FrameState state);
  void enter_level(size_t level);
  void find_level();
  bool sound();
  const Part& part_of(uint64_t index) const;
  const Part* part_at(PhysAddr address) const {
    if (parts_.front().contains(address)) [[likely]]
      return &parts_.front();
    return later_part_at(address);
  }
  const Part* later_part_at(PhysAddr address) const;
  /// Whether so many frames from this index on are free, or were never used.
  bool free_run(uint64_t index, uint64_t count);
  /// Takes them.
  Frame take_run(uint64_t index, uint64_t count, FrameState state);

  Platform& platform_;
  std::vector<Part> parts_;
  uint64_t total_ = 0;
  /// Frames [1, used_] have records; the rest was never allocated.
  uint32_t used_ = 0;
  Frame first_free_ = Frame::kNone;
  Frame first_loaned_ = Frame::kNone;
  std::array<uint64_t, kFrameStates> counts_ = {};
  std::vector<std::unique_ptr<Chunk>> chunks_;
  PageQueues queues_{*this};
  std::vector<uint64_t> watermarks_;  // Options, like debounce_.
  uint64_t debounce_ = 0;
  size_t level_ = 0;
  bool level_changed_ = false;
  bool keep_contents_ = false;
  bool abandoned_ = false;
  uint64_t level_ends_below_ = 0;  ///< Free frames at which another level begins.
  uint64_t level_ends_above_ = std::numeric_limits<uint64_t>::max();
  uint64_t allocations_left_ = std::numeric_limits<uint64_t>::max();
};

}  // namespace jacinth::kernel
