#include "kernel/vm/pmm.h"

#include <algorithm>

namespace jacinth::kernel {

Pmm::Pmm(Platform& platform)
    : platform_(platform), base_(platform.ram_base()), total_(platform.ram_size() / kPageSize) {
  counts_[static_cast<size_t>(FrameState::kFree)] = total_;
}

void Pmm::extend(uint64_t count) {
  used_ += static_cast<uint32_t>(count);
  while (chunks_.size() * kChunk < used_) chunks_.push_back(std::make_unique<Chunk>());
}

void Pmm::link(Frame frame) {
  FrameRecord& at = record(frame);
  Frame& first = list_of(at);
  at.next = first;
  at.previous = Frame::kNone;
  if (first != Frame::kNone) record(first).previous = frame;
  first = frame;
}

void Pmm::unlink(Frame frame) {
  FrameRecord& at = record(frame);
  (at.previous != Frame::kNone ? record(at.previous).next : list_of(at)) = at.next;
  if (at.next != Frame::kNone) record(at.next).previous = at.previous;
  at.next = at.previous = Frame::kNone;
}

void Pmm::move(FrameRecord& at, FrameState state) {
  --counts_[static_cast<size_t>(at.state)];
  ++counts_[static_cast<size_t>(state)];
  at.state = state;
  if (free_count() < level_ends_below_ || free_count() > level_ends_above_) [[unlikely]]
    find_level();
}

void Pmm::set_watermarks(std::span<const uint64_t> watermarks, uint64_t debounce) {
  watermarks_.assign(watermarks.begin(), watermarks.end());
  debounce_ = debounce;
  find_level();
}

void Pmm::enter_level(size_t level) {
  level_ = level;
  uint64_t below = level > 0 ? watermarks_[level - 1] : 0;
  level_ends_below_ = below > debounce_ ? (below - debounce_) / kPageSize + 1 : 0;
  level_ends_above_ = level < watermarks_.size() ? (watermarks_[level] + debounce_) / kPageSize - 1
                                                 : std::numeric_limits<uint64_t>::max();
}

void Pmm::find_level() {
  size_t level = 0;
  while (level < watermarks_.size() && free_count() * kPageSize >= watermarks_[level]) ++level;
  level_changed_ = level_changed_ || level != level_;
  enter_level(level);
}

void Pmm::note_allocated(Frame frame, FrameState state) { move(record(frame), state); }

void Pmm::lend(Frame frame) {
  record(frame).loaned = true;
  free(frame);
}

std::optional<Frame> Pmm::borrow() {
  Frame frame = first_loaned_;
  if (frame == Frame::kNone) return std::nullopt;
  unlink(frame);
  move(record(frame), FrameState::kObject);
  return frame;
}

void Pmm::take_back(Frame frame) {
  FrameRecord& at = record(frame);
  CHECK(at.state == FrameState::kLoaned);
  unlink(frame);
  move(at, FrameState::kObject);
  at.loaned = false;
}

void Pmm::end_loan(Frame frame) {
  FrameRecord& at = record(frame);
  at.loaned = false;
  if (at.state != FrameState::kLoaned) return;
  unlink(frame);
  move(at, FrameState::kFree);
  link(frame);
}

std::optional<Frame> Pmm::allocate(FrameState state) {
  if (refuse()) return std::nullopt;
  Frame frame = first_free_;
  if (frame != Frame::kNone) {
    unlink(frame);
  } else {
    if (used_ == total_) return std::nullopt;
    extend(1);
    frame = Frame{used_};
  }
  --allocations_left_;
  note_allocated(frame, state);
  return frame;
}

std::optional<Frame> Pmm::allocate_contiguous(uint64_t count, uint64_t alignment, FrameState state) {
  CHECK(count > 0 && alignment >= kPageSize && (alignment & (alignment - 1)) == 0);
  if (refuse() || count > total_) return std::nullopt;
  // The index of a frame that is well placed is `phase` more than a multiple of `step`.
  uint64_t step = alignment / kPageSize;
  uint64_t phase = (step - base_.page_number() % step) % step;

  uint64_t gap = used_ % step <= phase ? phase - used_ % step : phase + step - used_ % step;
  std::optional<Frame> first;
  if (gap <= total_ - used_ && count <= total_ - used_ - gap) {
    extend(gap + count);
    first = Frame{static_cast<uint32_t>(used_ - count + 1)};
    for (uint64_t i = 0; i < gap; ++i) link(Frame{static_cast<uint32_t>(used_ - count - i)});
  } else {
    first = find_free_run(count, step, phase);
    if (!first) return std::nullopt;
    for (uint32_t i = 0; i < count; ++i) unlink(Frame{static_cast<uint32_t>(*first) + i});
  }
  --allocations_left_;
  for (uint32_t i = 0; i < count; ++i) note_allocated(Frame{static_cast<uint32_t>(*first) + i}, state);
  return first;
}

std::optional<Frame> Pmm::allocate_range(PhysAddr address, uint64_t count, FrameState state) {
  CHECK(count > 0 && address.page_aligned());
  if (refuse() || !contains(address) || count > total_ - (address - base_) / kPageSize) return std::nullopt;
  Frame first = frame_at(address);
  uint64_t end = static_cast<uint32_t>(first) - 1 + count;
  auto nth = [first](uint64_t i) { return Frame{static_cast<uint32_t>(static_cast<uint32_t>(first) + i)}; };
  for (uint64_t i = 0; i < count && known(nth(i)); ++i) {
    if (record(nth(i)).state != FrameState::kFree) return std::nullopt;
  }
  // What was never used below the end of the range is free like the rest from here on, the lowest first.
  if (end > used_) {
    uint64_t added = end - used_;
    extend(added);
    for (uint64_t i = 0; i < added; ++i) link(Frame{static_cast<uint32_t>(end - i)});
  }
  for (uint64_t i = 0; i < count; ++i) {
    unlink(nth(i));
    note_allocated(nth(i), state);
  }
  --allocations_left_;
  return first;
}

std::optional<Frame> Pmm::find_free_run(uint64_t count, uint64_t step, uint64_t phase) {
  for (uint64_t start = phase; start + count <= used_; start += step) {
    uint64_t length = 0;
    while (length < count && record(Frame{static_cast<uint32_t>(start + length + 1)}).state == FrameState::kFree)
      ++length;
    if (length == count) return Frame{static_cast<uint32_t>(start + 1)};
  }
  return std::nullopt;
}

void Pmm::free(Frame frame) {
  FrameRecord& at = record(frame);
  CHECK(at.state != FrameState::kFree && at.state != FrameState::kLoaned && at.pins == 0 && at.shares == 0, "frame {}",
        static_cast<uint32_t>(frame));
  queues_.remove(frame);
  bool loaned = at.loaned;
  move(at, loaned ? FrameState::kLoaned : FrameState::kFree);
  at = {.state = at.state, .loaned = loaned};
  platform_.discard(address(frame));
  link(frame);
}

std::optional<PhysAddr> Pmm::allocate_frame() {
  std::optional<Frame> frame = allocate(FrameState::kMmu);
  if (!frame) return std::nullopt;
  return address(*frame);
}

void Pmm::free_frame(PhysAddr frame) { free(frame_at(frame)); }

void Pmm::state(Archive& ar) {
  ar(used_, first_free_, first_loaned_, counts_);
  if (ar.loading()) {
    if (used_ > total_) ar.fail("more page frames in use than there are");
    if (!ar.ok()) used_ = 0;
    chunks_.clear();
    extend(0);
  }
  for (uint32_t index = 0; index < used_; index += kChunk) {
    ar.bytes(chunks_[index / kChunk]->data(), std::min(kChunk, used_ - index) * sizeof(FrameRecord));
  }
  if (ar.loading()) {
    for_each_record([](FrameRecord& record) { record.shares = 0; });
  }
  queues_.state(ar);
  ar(level_, level_changed_);
  if (!ar.loading()) return;
  if (level_ > watermarks_.size()) ar.fail("a level of free memory that there is not");
  enter_level(std::min(level_, watermarks_.size()));
}

}  // namespace jacinth::kernel
