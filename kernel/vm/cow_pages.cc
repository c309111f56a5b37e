#include "kernel/vm/cow_pages.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernel/object/traffic.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

CowPages::CowPages(Vm& vm, PagesKind kind, PagesId id, PagesId family, uint64_t page_count)
    : vm_(vm), kind_(kind), id_(id), family_(family), page_count_(page_count), map_(vm.pmm()) {
  vm_.enlist(*this, family_);
}

CowPages::~CowPages() {
  CHECK(viewers_.empty(), "a mapping outlives the pages it shows");
  CHECK(copies_.empty());
  if (pinned_pages_ > 0) {
    // Whoever pinned them is gone without a word: the kernel ends, or what was loaded is damaged.
    map_.for_each(0, page_count_, [this](uint64_t, Slot slot) {
      if (holds_frame(slot)) vm_.pmm().record(frame_of(slot)).pins = 0;
    });
  }
  if (kind_ == PagesKind::kContiguous) end_loans();
  if (parent_) parent_->copies_.erase(id_);
  vm_.delist(*this, family_);
}

void CowPages::end() {
  if (source_) source_->close();
  vm_.end(*this);
}

Ref<CowPages> CowPages::create_anonymous(Vm& vm, uint64_t page_count) {
  PagesId id = vm.next_pages_id();
  return Ref<CowPages>(new CowPages(vm, PagesKind::kAnonymous, id, id, page_count));
}

Result<Ref<CowPages>> CowPages::create_contiguous(Vm& vm, uint64_t page_count, uint64_t alignment) {
  std::optional<Frame> first = vm.pmm().allocate_contiguous(page_count, alignment, FrameState::kObject);
  if (!first) return Status::kNoMemory;
  PagesId id = vm.next_pages_id();
  Ref<CowPages> pages(new CowPages(vm, PagesKind::kContiguous, id, id, page_count));
  pages->physical_base_ = vm.pmm().address(*first);
  for (uint64_t page = 0; page < page_count; ++page) {
    Frame frame{static_cast<uint32_t>(static_cast<uint32_t>(*first) + page)};
    pages->own(frame, page);
    pages->map_.set(page, slot_of(frame));
  }
  return pages;
}

Ref<CowPages> CowPages::create_physical(Vm& vm, PhysAddr base, uint64_t page_count) {
  PagesId id = vm.next_pages_id();
  Ref<CowPages> pages(new CowPages(vm, PagesKind::kPhysical, id, id, page_count));
  pages->physical_base_ = base;
  return pages;
}

Ref<CowPages> CowPages::create_paged(Vm& vm, uint64_t page_count, bool traps_dirty) {
  PagesId id = vm.next_pages_id();
  Ref<CowPages> pages(new CowPages(vm, PagesKind::kPaged, id, id, page_count));
  pages->source_ = std::make_unique<PageSource>(traps_dirty);
  pages->zeros_from_ = page_count;
  return pages;
}

Ref<CowPages> CowPages::create_for_load(Vm& vm, PagesId id, PagesId family) {
  return Ref<CowPages>(new CowPages(vm, PagesKind::kAnonymous, id, family, 0));
}

std::optional<PageView> CowPages::peek(uint64_t page) const {
  CHECK(page < page_count_);
  if (kind_ == PagesKind::kPhysical) return PageView{physical_base_ + page * kPageSize, true};
  if (rests_on_pager()) {
    Seen seen = look(page);
    if (!holds_frame(seen.slot)) return std::nullopt;
    bool writable = seen.owner == this && seen.alone;
    // A write to a clean page, or the first one since somebody asked, has to be noticed.
    if (source_) writable = writable && modified_ && dirt(seen.slot) == PageDirt::kDirty;
    return PageView{vm_.pmm().address(frame_of(seen.slot)), writable};
  }
  auto [slot, alone] = map_.find_exclusive(page);
  if (!holds_frame(slot)) return std::nullopt;
  return PageView{vm_.pmm().address(frame_of(slot)), alone};
}

Result<PageView> CowPages::read_page(uint64_t page) {
  if (rests_on_pager()) {
    Seen seen = look(page);
    if (absent(seen)) return fetch(page, 1);
    if (holds_frame(seen.slot)) vm_.pmm().queues().mark_accessed(frame_of(seen.slot));
  }
  if (std::optional<PageView> view = peek(page)) return *view;
  return PageView{vm_.pmm().address(vm_.zero_frame()), false};
}

bool CowPages::reads_zero(uint64_t page) const {
  CHECK(page < page_count_);
  if (kind_ == PagesKind::kPhysical) return false;
  Seen seen = look(page);
  return !holds_frame(seen.slot) && !absent(seen);
}

Result<PageView> CowPages::write_page(uint64_t page, const PageViewer* except, uint64_t ahead) {
  CHECK(page < page_count_);
  if (kind_ == PagesKind::kPhysical) return PageView{physical_base_ + page * kPageSize, true};
  if (kind_ == PagesKind::kPaged) return write_paged(page, except, ahead);
  if (kind_ == PagesKind::kPrivateCopy) return write_copy(page, except);
  auto [slot, alone] = map_.find_exclusive(page);
  if (holds_frame(slot) && alone) return PageView{vm_.pmm().address(frame_of(slot)), true};
  if (kind_ == PagesKind::kContiguous) {
    TRY_STATUS(take_back({page, 1}, except));
    return PageView{physical_base_ + page * kPageSize, true};
  }
  return put_copy(page, slot, except);
}

std::optional<Frame> CowPages::new_frame() const {
  std::optional<Frame> frame = vm_.pmm().allocate(FrameState::kObject);
  if (!frame && vm_.pmm().free_count() == 0 && vm_.reclaim(1) > 0) frame = vm_.pmm().allocate(FrameState::kObject);
  return frame;
}

Result<PageView> CowPages::put_copy(uint64_t page, Slot original, const PageViewer* except) {
  Pmm& pmm = vm_.pmm();
  // Not reclaimed by what follows.
  bool held = holds_frame(original);
  if (held) ++pmm.record(frame_of(original)).pins;
  std::optional<Frame> frame = new_frame();
  if (held) --pmm.record(frame_of(original)).pins;
  if (!frame) return Status::kNoMemory;
  if (held) std::memcpy(pmm.writable(*frame), pmm.data(frame_of(original)), kPageSize);
  own(*frame, page);
  if (kind_ == PagesKind::kAnonymous && !held && !uncached_) pmm.queues().add_zero_fork(*frame);
  // Viewers first: the old frame may go with its last share.
  tell_changed({page, 1}, except);
  map_.set(page, slot_of(*frame));
  tell_committed(page);
  return PageView{pmm.address(*frame), true};
}

FrameRecord& CowPages::own(Frame frame, uint64_t page) {
  FrameRecord& record = vm_.pmm().record(frame);
  record.shares = 1;
  record.owner = id_;
  record.owner_page = page;
  return record;
}

void CowPages::tell_committed(uint64_t page) const {
  if (ObjectWatcher* watcher = vm_.core().object_watcher(); watcher != nullptr) [[unlikely]]
    watcher->page_committed(static_cast<uint64_t>(id_), page);
}

Status CowPages::commit(PageRange pages) {
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    if (rests_on_pager()) {
      if (absent(look(page))) return fetch(page, pages.end() - page);
      // Zeros without a frame get one, and are dirty from then on.
      if (kind_ == PagesKind::kPaged && holds_frame(map_.find(page))) continue;
    }
    if (kind_ == PagesKind::kContiguous) {
      // What is missing in a row comes back in one request.
      uint64_t next = map_.next_in(page, pages.end() - page).value_or(pages.end());
      if (next > page) TRY_STATUS(take_back({page, next - page}));
      page = next;
      continue;
    }
    Result<PageView> view = write_page(page);
    if (!view) return view.status();
  }
  return Status::kOk;
}

void CowPages::drop(PageRange pages) {
  CHECK(pages.end() <= page_count_);
  tell_changed(pages);
  map_.erase(pages.first, pages.count);
}

Status CowPages::decommit(PageRange pages) {
  CHECK(kind_ == PagesKind::kAnonymous || kind_ == PagesKind::kContiguous);
  if (any_pinned(pages)) return Status::kBadState;
  if (kind_ == PagesKind::kContiguous) {
    lend(pages);
  } else {
    drop(pages);
  }
  return Status::kOk;
}

Status CowPages::zero(PageRange pages) {
  CHECK(kind_ != PagesKind::kPhysical && pages.end() <= page_count_);
  // Up to here an empty page is not simply zeros.
  uint64_t limit = kind_ == PagesKind::kPaged         ? zeros_from_
                   : kind_ == PagesKind::kPrivateCopy ? parent_end_
                   : kind_ == PagesKind::kContiguous  ? page_count_
                                                      : 0;
  if (kind_ == PagesKind::kPrivateCopy && pages.first < parent_end_ && pages.end() >= parent_end_) {
    // The end of what shows through: it need not show at all.
    tell_changed({pages.first, parent_end_ - pages.first});
    limit = parent_end_ = pages.first;
  }
  for (; pages.count > 0 && pages.first < limit; ++pages.first, --pages.count) TRY_STATUS(zero_page(pages.first));
  if (pages.count == 0) return Status::kOk;
  modified_ = modified_ || source_;
  if (!any_pinned(pages)) {
    drop(pages);
    return Status::kOk;
  }
  std::vector<std::pair<uint64_t, Frame>> held;
  map_.for_each(pages.first, pages.count, [&](uint64_t page, Slot slot) { held.emplace_back(page, frame_of(slot)); });
  for (auto [page, frame] : held) {
    if (frame != Frame::kNone && vm_.pmm().record(frame).pins > 0) {
      std::memset(vm_.pmm().writable(frame), 0, kPageSize);
    } else {
      drop({page, 1});
    }
  }
  return Status::kOk;
}

Status CowPages::zero_page(uint64_t page) {
  Slot slot = map_.find(page);
  if (slot == Slot::kZero || (slot == Slot::kEmpty && kind_ == PagesKind::kContiguous)) return Status::kOk;
  if (kind_ == PagesKind::kPrivateCopy) {
    bool shows = holds_frame(parent_->look(page + parent_first_).slot);
    bool pinned = holds_frame(slot) && vm_.pmm().record(frame_of(slot)).pins > 0;
    if (shows && !pinned) {
      tell_changed({page, 1});
      map_.set(page, Slot::kZero);
      return Status::kOk;
    }
    // What the parent gets later must not show: this takes a frame.
    if (slot == Slot::kEmpty) return put_copy(page, Slot::kZero, nullptr).status();
  }
  PageView view = TRY(write_page(page));
  std::memset(vm_.platform().writable(view.address), 0, kPageSize);
  return Status::kOk;
}

Status CowPages::resize(uint64_t page_count) {
  modified_ = modified_ || source_;
  if (page_count >= page_count_) {
    page_count_ = page_count;
    return Status::kOk;
  }
  PageRange gone = {page_count, page_count_ - page_count};
  if (any_pinned(gone)) return Status::kBadState;
  std::vector<PageRange> awaited;  // What goes before it has come; the rest was answered when it came.
  if (source_ && !source_->idle()) {
    uint64_t next = gone.first;
    auto add_up_to = [&](uint64_t page) {
      if (page > next) awaited.push_back({next, page - next});
      next = page + 1;
    };
    map_.for_each(gone.first, gone.count, [&](uint64_t page, Slot) { add_up_to(page); });
    add_up_to(gone.end());
  }
  drop(gone);
  page_count_ = page_count;
  parent_end_ = std::min(parent_end_, page_count);
  // What the end of this one showed does not come back, even if it grows again.
  for (auto& [id, copy] : copies_) {
    uint64_t shows = page_count > copy->parent_first_ ? page_count - copy->parent_first_ : 0;
    copy->parent_end_ = std::min(copy->parent_end_, shows);
  }
  if (source_) {
    move_zeros_from(std::min(zeros_from_, page_count));
    awaiting_end_ = std::min(awaiting_end_, page_count);
    if (awaiting_end_ <= zeros_from_) awaiting_end_ = 0;
    // Whoever waits for these pages finds that there are none.
    for (PageRange pages : awaited) source_->resolve(PageRequestKind::kRead, pages);
    source_->resolve(PageRequestKind::kDirty, gone);
  }
  return Status::kOk;
}

Status CowPages::pin(PageRange pages) {
  TRY_STATUS(settle(pages));
  ever_pinned_ = true;
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    Slot slot = map_.find(page);
    CHECK(holds_frame(slot), "page {} is not committed", page);
    FrameRecord& record = vm_.pmm().record(frame_of(slot));
    if (record.pins == kMaxPins) {
      unpin({pages.first, page - pages.first});
      return Status::kUnavailable;
    }
    ++record.pins;
    ++pinned_pages_;
    if (record.pins == 1) requeue(frame_of(slot));
  }
  return Status::kOk;
}

void CowPages::unpin(PageRange pages) {
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    Frame frame = frame_of(map_.find(page));
    FrameRecord& record = vm_.pmm().record(frame);
    CHECK(record.pins > 0 && pinned_pages_ > 0);
    --record.pins;
    --pinned_pages_;
    if (record.pins == 0) requeue(frame);
  }
}

bool CowPages::claim_pins(PageRange pages) const {
  bool all = true;
  for (uint64_t page = pages.first; page < pages.end() && all; ++page) {
    Slot slot = map_.find(page);
    all = holds_frame(slot) && vm_.claim_pin(frame_of(slot));
  }
  return all;
}

bool CowPages::any_pinned(PageRange pages) const {
  bool any = false;
  if (pinned_pages_ == 0) return any;
  map_.for_each(pages.first, pages.count, [&](uint64_t, Slot slot) {
    any = any || (holds_frame(slot) && vm_.pmm().record(frame_of(slot)).pins > 0);
  });
  return any;
}

Ref<CowPages> CowPages::snapshot(uint64_t first, uint64_t page_count) {
  CHECK(kind_ == PagesKind::kAnonymous);
  Ref<CowPages> child(new CowPages(vm_, PagesKind::kAnonymous, vm_.next_pages_id(), family_, page_count));
  PageRange visible = PageRange{0, page_count_}.intersect({first, page_count});
  if (visible.count == 0) return child;
  for_each_viewer_of(visible, [&](PageViewer& viewer) { viewer.pages_shared(visible.intersect(viewer.viewed())); });
  child->map_ = map_.snapshot(first, visible.count);
  return child;
}

uint64_t CowPages::attributed_pages(PageRange pages) const {
  std::vector<const PageMap*> older;
  vm_.for_each_of_family(family_, [&](const CowPages& member) {
    if (member.id_ < id_) older.push_back(&member.map_);
  });
  return map_.count_unseen_by(older, pages.first, pages.count);
}

uint64_t CowPages::committed_pages(PageRange pages) const { return map_.count_unseen_by({}, pages.first, pages.count); }

uint64_t CowPages::heap_bytes() const { return sizeof(*this) + map_.node_bytes(); }

void CowPages::add_viewer(PageViewer& viewer, PageRange pages) {
  viewer.viewed_ = pages;
  longest_view_ = std::max(longest_view_, pages.count);
  bool last = viewers_.empty() || viewers_.rbegin()->first <= pages.first;
  viewer.place_ =
      viewers_.emplace_hint(last ? viewers_.end() : viewers_.upper_bound(pages.first), pages.first, &viewer);
}

void CowPages::remove_viewer(PageViewer& viewer) {
  viewers_.erase(viewer.place_);
  if (viewers_.empty()) longest_view_ = 0;
}

void CowPages::tell_changed(PageRange pages, const PageViewer* except) const {
  for_each_viewer_of(pages, [&](PageViewer& viewer) {
    if (&viewer != except) viewer.pages_changed(pages.intersect(viewer.viewed()));
  });
  if (!copies_.empty()) tell_copies(pages);
}

void CowPages::state(Archive& ar, PageMap::Sharing& sharing) {
  ar(kind_, page_count_, physical_base_.value, pinned_pages_, ever_pinned_, evictions_, discardable_since_,
     discardable_time_, discarded_);
  if (ar.loading() && (kind_ > PagesKind::kPrivateCopy || page_count_ > PageMap::kMaxPages)) {
    kind_ = PagesKind::kAnonymous;
    page_count_ = 0;
    ar.fail("a page container out of range");
  }
  if (ar.loading() && kind_ == PagesKind::kContiguous) {
    Pmm& pmm = vm_.pmm();
    bool in_ram = physical_base_.page_aligned() && page_count_ > 0 && page_count_ <= pmm.total() &&
                  pmm.contains(physical_base_) && pmm.contains(physical_base_ + (page_count_ - 1) * kPageSize) &&
                  pmm.known(pmm.frame_at(physical_base_ + (page_count_ - 1) * kPageSize));
    if (!in_ram) {
      kind_ = PagesKind::kAnonymous;
      ar.fail("contiguous pages outside RAM");
    }
  }
  map_.state(ar, sharing);
  if (kind_ == PagesKind::kPaged) state_paged(ar);
  if (kind_ == PagesKind::kPrivateCopy) state_copy(ar);
  if (!ar.loading() || pinned_pages_ == 0) return;
  uint64_t pins = 0;
  map_.for_each(0, page_count_, [&](uint64_t, Slot slot) {
    if (holds_frame(slot)) pins += vm_.pmm().record(frame_of(slot)).pins;
  });
  if (pins != pinned_pages_) ar.fail("pins that nobody counted");
}

}  // namespace jacinth::kernel
