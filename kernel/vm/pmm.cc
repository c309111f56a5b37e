#include "kernel/vm/pmm.h"

#include <algorithm>
#include <utility>

namespace jacinth::kernel {

Pmm::Pmm(Platform& platform) : platform_(platform) {
  for (const Arena& arena : platform.arenas()) {
    CHECK(arena.size > 0 && arena.size % kPageSize == 0 && arena.base.page_aligned());
    CHECK(parts_.empty() || arena.base - parts_.back().base >= parts_.back().pages * kPageSize, "arenas overlap");
    parts_.push_back({arena.base, arena.size / kPageSize, total_});
    total_ += parts_.back().pages;
  }
  CHECK(!parts_.empty() && total_ < UINT32_MAX, "a machine without RAM, or with more than frames have numbers for");
  counts_[static_cast<size_t>(FrameState::kFree)] = total_;
}

uint64_t Pmm::Part::aligned(uint64_t from, uint64_t alignment) const {
  uint64_t address = base.value + (std::max(from, first) - first) * kPageSize;
  return first + (((address + alignment - 1) & ~(alignment - 1)) - base.value) / kPageSize;
}

const Pmm::Part& Pmm::part_of(uint64_t index) const {
  for (const Part& part : parts_)
    if (index < part.end()) return part;
  return parts_.front();  // Frame::kNone, or what a damaged snapshot says: nobody looks there.
}

const Pmm::Part* Pmm::later_part_at(PhysAddr address) const {
  for (const Part& part : parts_)
    if (part.contains(address)) return &part;
  return nullptr;
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
  // What was never used comes first; then wherever there is room.
  for (uint64_t from : {uint64_t{used_}, uint64_t{0}}) {
    for (const Part& part : parts_) {
      for (uint64_t index = part.aligned(from, alignment); index + count <= part.end();
           index += alignment / kPageSize) {
        if (free_run(index, count)) return take_run(index, count, state);
      }
    }
  }
  return std::nullopt;
}

std::optional<Frame> Pmm::allocate_range(PhysAddr address, uint64_t count, FrameState state) {
  CHECK(count > 0 && address.page_aligned());
  const Part* part = part_at(address);
  if (refuse() || part == nullptr) return std::nullopt;
  uint64_t index = part->first + (address - part->base) / kPageSize;
  if (count > part->end() - index || !free_run(index, count)) return std::nullopt;
  return take_run(index, count, state);
}

bool Pmm::free_run(uint64_t index, uint64_t count) {
  for (uint64_t i = index; i < std::min<uint64_t>(index + count, used_); ++i)
    if (record(Frame{static_cast<uint32_t>(i + 1)}).state != FrameState::kFree) return false;
  return true;
}

Frame Pmm::take_run(uint64_t index, uint64_t count, FrameState state) {
  auto frame = [](uint64_t at) { return Frame{static_cast<uint32_t>(at + 1)}; };
  // What was never used below the end of the run is free like the rest from here on, the lowest first.
  uint64_t end = index + count;
  uint64_t known = used_;
  if (end > known) {
    extend(end - known);
    for (uint64_t i = end; i > known; --i) link(frame(i - 1));
  }
  for (uint64_t i = index; i < end; ++i) {
    unlink(frame(i));
    note_allocated(frame(i), state);
  }
  --allocations_left_;
  return frame(index);
}

void Pmm::free(Frame frame) {
  if (abandoned_) return;
  FrameRecord& at = record(frame);
  CHECK(at.state != FrameState::kFree && at.state != FrameState::kLoaned && at.pins == 0 && at.shares == 0, "frame {}",
        static_cast<uint32_t>(frame));
  queues_.remove(frame);
  bool loaned = at.loaned;
  move(at, loaned ? FrameState::kLoaned : FrameState::kFree);
  at = {.state = at.state, .loaned = loaned};
  if (!keep_contents_) platform_.discard(address(frame));
  link(frame);
}

std::optional<PhysAddr> Pmm::allocate_frame() {
  std::optional<Frame> frame = allocate(FrameState::kMmu);
  if (!frame) return std::nullopt;
  return address(*frame);
}

void Pmm::free_frame(PhysAddr frame) { free(frame_at(frame)); }

/// Whether what is counted and linked is what the records say.
bool Pmm::sound() {
  std::array<uint64_t, kFrameStates> counts = {};
  for (uint32_t index = 0; index < used_; ++index) {
    auto state = static_cast<size_t>(record(Frame{index + 1}).state);
    if (state >= kFrameStates) return false;
    ++counts[state];
  }
  for (auto [first, state] :
       {std::pair(first_free_, FrameState::kFree), std::pair(first_loaned_, FrameState::kLoaned)}) {
    uint64_t linked = 0;
    Frame before = Frame::kNone;
    for (Frame frame = first; frame != Frame::kNone; before = frame, frame = record(frame).next) {
      if (!known(frame) || record(frame).state != state || record(frame).previous != before) return false;
      ++linked;
    }
    if (linked != counts[static_cast<size_t>(state)]) return false;
  }
  counts[static_cast<size_t>(FrameState::kFree)] += total_ - used_;
  return std::ranges::equal(counts, counts_);
}

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
  if (ar.loading() && !sound()) ar.fail("page frames that are not what is counted");
  queues_.state(ar);
  ar(level_, level_changed_);
  if (!ar.loading()) return;
  if (level_ > watermarks_.size()) ar.fail("a level of free memory that there is not");
  enter_level(std::min(level_, watermarks_.size()));
}

}  // namespace jacinth::kernel
