// The part of a container that rests on a pager: bringing pages in, keeping track of what was written, and copies that
// look through (zircon/kernel/vm/vm_cow_pages.cc: SupplyPages, PrepareForWrite, DirtyPages, WritebackBegin and so on).
//
//   absent --supply--> clean --write--> dirty --writeback begin--> awaiting clean --writeback end--> clean
//                        ^ (asks first,   ^                               |
//                        |  if trapped)   '------------- write -----------'
//
// Slot::kZero is a clean page of zeros without a frame. What a container gained by growing is dirty, and zeros, until
// it is written back: zeros_from_ is where that begins.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "kernel/vm/cow_pages.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

CowPages::Seen CowPages::look(uint64_t page) const {
  const CowPages* at = this;
  for (;;) {
    auto [slot, alone] = at->map_.find_exclusive(page);
    if (slot != Slot::kEmpty || !at->parent_ || page >= at->parent_end_) return {at, page, slot, alone};
    page += at->parent_first_;
    at = at->parent_.get();
  }
}

PageDirt CowPages::dirt(Slot slot) const {
  return holds_frame(slot) ? vm_.pmm().record(frame_of(slot)).dirt : PageDirt::kClean;
}

Status CowPages::need(PageRequestKind kind, PageRange pages) const {
  if (source_->detached()) return vm_.july_2020() ? Status::kNotFound : Status::kBadState;
  PageRequest* request = vm_.page_request();
  return request != nullptr ? request->wait_for(const_cast<CowPages&>(*this), kind, pages) : Status::kShouldWait;
}

bool CowPages::zeros_instead(const CowPages& owner) const {
  return &owner != this && owner.source_->detached() && vm_.july_2020();
}

Status CowPages::fetch(uint64_t page, uint64_t run) {
  const CowPages* at = this;
  for (;;) {
    // As far as nobody on the way has something else to show.
    if (std::optional<uint64_t> next = at->map_.next_in(page, run)) run = *next - page;
    if (at->source_) break;
    run = std::min(run, at->parent_end_ - page);
    page += at->parent_first_;
    at = at->parent_.get();
  }
  return at->need(PageRequestKind::kRead, {page, std::min(run, at->zeros_from_ - page)});
}

Result<PageView> CowPages::write_paged(uint64_t page, const PageViewer* except, uint64_t ahead) {
  auto [slot, alone] = map_.find_exclusive(page);
  if (slot == Slot::kEmpty && page < zeros_from_) return fetch(page, 1);
  if (dirt(slot) != PageDirt::kDirty && source_->traps_dirty()) {
    // With those behind it that are going to be written too, and are here and not dirty.
    uint64_t run = 1;
    for (; run < ahead && page + run < page_count_; ++run) {
      Slot next = map_.find(page + run);
      if (dirt(next) == PageDirt::kDirty || (next == Slot::kEmpty && page + run < zeros_from_)) break;
    }
    return need(PageRequestKind::kDirty, {page, run});
  }
  Pmm& pmm = vm_.pmm();
  // What is dirty cannot be taken back: it does not stay in a borrowed frame.
  if (!holds_frame(slot) || !alone || pmm.record(frame_of(slot)).loaned) {
    TRY(put_copy(page, slot, except));
    slot = map_.find(page);
  }
  modified_ = true;
  if (dirt(slot) != PageDirt::kDirty) {
    pmm.record(frame_of(slot)).dirt = PageDirt::kDirty;
    requeue(frame_of(slot));
  }
  return PageView{pmm.address(frame_of(slot)), true};
}

Result<PageView> CowPages::write_copy(uint64_t page, const PageViewer* except) {
  auto [slot, alone] = map_.find_exclusive(page);
  if (holds_frame(slot) && alone) return PageView{vm_.pmm().address(frame_of(slot)), true};
  Seen seen = look(page);
  if (absent(seen)) return fetch(page, 1);
  return put_copy(page, seen.slot, except);
}

Ref<CowPages> CowPages::private_copy(uint64_t first, uint64_t page_count) {
  CHECK(rests_on_pager());
  PagesId id = vm_.next_pages_id();
  Ref<CowPages> copy(new CowPages(vm_, PagesKind::kPrivateCopy, id, id, page_count));
  copy->parent_ = Ref<CowPages>(this);
  copy->parent_first_ = first;
  copy->parent_end_ = PageRange{0, page_count_}.intersect({first, page_count}).count;
  copies_.emplace(id, copy.get());
  return copy;
}

void CowPages::tell_copies(PageRange pages) const {
  for_each_view_of_copies(pages, [](PageViewer& viewer, PageRange seen) { viewer.pages_changed(seen); });
}

void CowPages::requeue(Frame frame) {
  PageQueues& queues = vm_.pmm().queues();
  const FrameRecord& record = vm_.pmm().record(frame);
  bool reclaimable = source_ && !source_->detached() && record.dirt == PageDirt::kClean && record.pins == 0;
  if (!reclaimable) return queues.remove(frame);
  if (record.queue == 0) queues.add_reclaimable(frame);
}

// --- what the pager does ---

Status CowPages::supply(PageRange pages, CowPages& from, uint64_t from_first) {
  CHECK(kind_ == PagesKind::kPaged && pages.end() <= page_count_);
  Pmm& pmm = vm_.pmm();
  // Pages of zeros cost no frames, but a note each: not more of them than the kernel could have memory for.
  if (pages.count > pmm.total() * 16) return Status::kNoMemory;
  Ref<CowPages> hold(this);
  from.tell_changed({from_first, pages.count});
  PageRange run;  // Of pages that are new.
  auto announce = [&] {
    if (run.count == 0) return;
    tell_changed(run);
    source_->resolve(PageRequestKind::kRead, run);
    run = {};
  };
  for (uint64_t i = 0; i < pages.count; ++i) {
    uint64_t page = pages.first + i;
    Frame frame = from.map_.take(from_first + i);
    if (page < zeros_from_ && map_.find(page) == Slot::kEmpty) {
      if (frame != Frame::kNone && vm_.borrows() && may_borrow()) {
        if (std::optional<Frame> borrowed = pmm.borrow()) {
          std::memcpy(pmm.writable(*borrowed), pmm.data(frame), kPageSize);
          pmm.free(std::exchange(frame, *borrowed));
        }
      }
      if (frame != Frame::kNone) {
        own(frame, page);
        pmm.queues().remove(frame);
        requeue(frame);
      }
      map_.set(page, frame != Frame::kNone ? slot_of(frame) : Slot::kZero);
      if (frame != Frame::kNone) tell_committed(page);
      if (run.count == 0) run.first = page;
      ++run.count;
    } else {
      // What is there stays.
      if (frame != Frame::kNone) pmm.free(frame);
      announce();
    }
  }
  from.map_.erase(from_first, pages.count);
  announce();
  return Status::kOk;
}

Status CowPages::dirty(PageRange pages) {
  CHECK(kind_ == PagesKind::kPaged);
  if (!source_->traps_dirty()) return Status::kNotSupported;
  Pmm& pmm = vm_.pmm();
  // All or nothing: first whether all are there, then the frames for those that have none.
  uint64_t missing = pages.count;
  uint64_t before = PageRange{0, zeros_from_}.intersect(pages).count;
  uint64_t present = 0;
  map_.for_each(pages.first, pages.count, [&](uint64_t page, Slot slot) {
    if (page < zeros_from_) ++present;
    if (holds_frame(slot)) --missing;
  });
  if (present < before) return Status::kNotFound;
  TRY_STATUS(settle(pages));
  if (missing > pmm.free_count()) return Status::kNoMemory;
  std::vector<Frame> frames;
  for (; missing > 0; --missing) {
    std::optional<Frame> frame = pmm.allocate(FrameState::kObject);
    if (!frame) {
      for (Frame unused : frames) pmm.free(unused);
      return Status::kNoMemory;
    }
    frames.push_back(*frame);
  }

  Ref<CowPages> hold(this);
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    Slot slot = map_.find(page);
    if (!holds_frame(slot)) {
      tell_changed({page, 1});
      slot = slot_of(frames.back());
      own(frames.back(), page);
      frames.pop_back();
      map_.set(page, slot);
      tell_committed(page);
    }
    pmm.record(frame_of(slot)).dirt = PageDirt::kDirty;
    requeue(frame_of(slot));
  }
  source_->resolve(PageRequestKind::kDirty, pages);
  return Status::kOk;
}

void CowPages::move_zeros_from(uint64_t page) {
  zeros_from_ = page;
  if (awaiting_end_ <= zeros_from_) awaiting_end_ = 0;
}

void CowPages::advance_zeros_from(PageRange pages) {
  uint64_t page = zeros_from_;
  if (page < pages.first) return;
  while (page < pages.end() && holds_frame(map_.find(page))) ++page;
  if (page != zeros_from_) move_zeros_from(page);
}

void CowPages::writeback_begin(PageRange pages) {
  CHECK(kind_ == PagesKind::kPaged);
  Pmm& pmm = vm_.pmm();
  map_.for_each(pages.first, pages.count, [&](uint64_t, Slot slot) {
    // What a device may still write to stays dirty.
    if (dirt(slot) == PageDirt::kDirty && pmm.record(frame_of(slot)).pins == 0)
      pmm.record(frame_of(slot)).dirt = PageDirt::kAwaitingClean;
  });
  advance_zeros_from(pages);
  if (zeros_from_ >= pages.first && zeros_from_ < pages.end())
    awaiting_end_ = map_.next_in(zeros_from_, pages.end() - zeros_from_).value_or(pages.end());
  // The next write has to be noticed.
  for_each_viewer_of(pages, [&](PageViewer& viewer) { viewer.pages_shared(pages.intersect(viewer.viewed())); });
}

void CowPages::writeback_end(PageRange pages) {
  CHECK(kind_ == PagesKind::kPaged);
  auto clean = [&](PageRange range) {
    map_.for_each(range.first, range.count, [&](uint64_t, Slot slot) {
      if (dirt(slot) != PageDirt::kAwaitingClean) return;
      vm_.pmm().record(frame_of(slot)).dirt = PageDirt::kClean;
      requeue(frame_of(slot));
    });
  };
  advance_zeros_from(pages);
  // Zeros are written back from their beginning on, or not at all.
  if (pages.first > zeros_from_) return;
  clean(PageRange{0, zeros_from_}.intersect(pages));
  if (pages.end() <= zeros_from_ || awaiting_end_ == 0) return;
  // Those that were written back are absent now: the pager has them.
  uint64_t cleaned = std::min(awaiting_end_, pages.end());
  tell_changed({zeros_from_, cleaned - zeros_from_});
  move_zeros_from(cleaned);
  advance_zeros_from({cleaned, pages.end() - cleaned});
  clean({cleaned, zeros_from_ - cleaned});
}

bool CowPages::modified(bool reset) {
  bool was = modified_;
  if (reset) {
    modified_ = false;
    PageRange all = {0, page_count_};
    for_each_viewer_of(all, [&](PageViewer& viewer) { viewer.pages_shared(all.intersect(viewer.viewed())); });
  }
  return was;
}

CowPages::Shown CowPages::shown_of_pager(PageRange pages) const {
  uint64_t shift = 0;
  const CowPages* at = this;
  for (; at->parent_; at = at->parent_.get()) {
    pages = pages.intersect({0, at->parent_end_ > shift ? at->parent_end_ - shift : 0});
    shift += at->parent_first_;
  }
  pages = pages.intersect({0, at->zeros_from_ > shift ? at->zeros_from_ - shift : 0});
  return {pages, at, shift};
}

Status CowPages::always_need(PageRange pages, uint64_t& done) {
  uint64_t end = shown_of_pager(pages).pages.count;
  for (; done < end; ++done) {
    if (need_always(pages.first + done) == Status::kParked) return Status::kParked;
  }
  return Status::kOk;
}

Status CowPages::need_always(uint64_t page) {
  Result<PageView> view = read_page(page);
  if (!view) return view.status();
  // What a copy has made its own is not the pager's, and not reclaimed anyway.
  Seen seen = look(page);
  if (!seen.owner->source_ || !holds_frame(seen.slot)) return Status::kOk;
  auto* owner = const_cast<CowPages*>(seen.owner);
  TRY_STATUS(owner->settle(seen.page));
  vm_.pmm().record(frame_of(owner->map_.find(seen.page))).always_need = true;
  return Status::kOk;
}

void CowPages::detach() {
  CHECK(kind_ == PagesKind::kPaged);
  Ref<CowPages> hold(this);
  source_->detach(end_of_waits());
  if (vm_.july_2020()) return;
  tell_changed({0, page_count_});
  std::vector<uint64_t> gone;
  map_.for_each(0, page_count_, [&](uint64_t page, Slot slot) {
    bool held = holds_frame(slot) && vm_.pmm().record(frame_of(slot)).pins > 0;
    if (dirt(slot) == PageDirt::kClean && !held) gone.push_back(page);
  });
  for (uint64_t page : gone) map_.erase(page, 1);
}

Status CowPages::end_of_waits() const { return vm_.july_2020() ? Status::kOk : Status::kBadState; }

// --- saved state ---

void CowPages::state_paged(Archive& ar) {
  if (ar.loading()) source_ = std::make_unique<PageSource>(false);
  source_->state(ar);
  ar(zeros_from_, awaiting_end_, modified_);
  if (!ar.loading() || (zeros_from_ <= page_count_ && awaiting_end_ <= page_count_)) return;
  zeros_from_ = page_count_;
  awaiting_end_ = 0;
  ar.fail("a paged container out of range");
}

void CowPages::state_copy(Archive& ar) {
  Ref<CowPages> parent = parent_;
  state_ref(ar, vm_, parent);
  ar(parent_first_, parent_end_);
  if (!ar.loading()) return;
  bool fits = parent && parent.get() != this && parent->rests_on_pager() && parent_end_ <= page_count_ &&
              (parent_end_ == 0 ||
               (parent_first_ <= parent->page_count_ && parent_end_ <= parent->page_count_ - parent_first_));
  if (!fits) {
    kind_ = PagesKind::kAnonymous;
    parent_end_ = 0;
    return ar.fail("a copy of pages that are not there");
  }
  parent_ = parent;
  parent_->copies_.emplace(id_, this);
}

}  // namespace jacinth::kernel
