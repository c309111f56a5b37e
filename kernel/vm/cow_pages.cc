#include "kernel/vm/cow_pages.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernel/vm/vm.h"

namespace jacinth::kernel {

CowPages::CowPages(Vm& vm, PagesKind kind, PagesId id, PagesId family, uint64_t page_count)
    : vm_(vm), kind_(kind), id_(id), family_(family), page_count_(page_count), map_(vm.pmm()) {
  vm_.enlist(*this, family_);
}

CowPages::~CowPages() {
  CHECK(viewers_.empty(), "a mapping outlives the pages it shows");
  vm_.delist(*this, family_);
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
    FrameRecord& record = vm.pmm().record(frame);
    record.shares = 1;
    record.owner = id;
    record.owner_page = page;
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

Ref<CowPages> CowPages::create_for_load(Vm& vm, PagesId id, PagesId family) {
  return Ref<CowPages>(new CowPages(vm, PagesKind::kAnonymous, id, family, 0));
}

std::optional<PageView> CowPages::peek(uint64_t page) const {
  CHECK(page < page_count_);
  if (kind_ == PagesKind::kPhysical) return PageView{physical_base_ + page * kPageSize, true};
  auto [slot, alone] = map_.find_exclusive(page);
  if (!holds_frame(slot)) return std::nullopt;
  return PageView{vm_.pmm().address(frame_of(slot)), alone};
}

Result<PageView> CowPages::read_page(uint64_t page) {
  if (std::optional<PageView> view = peek(page)) return *view;
  return PageView{vm_.pmm().address(vm_.zero_frame()), false};
}

Result<PageView> CowPages::write_page(uint64_t page, const PageViewer* except) {
  CHECK(page < page_count_);
  if (kind_ == PagesKind::kPhysical) return PageView{physical_base_ + page * kPageSize, true};
  Pmm& pmm = vm_.pmm();
  auto [slot, alone] = map_.find_exclusive(page);
  if (holds_frame(slot) && alone) return PageView{pmm.address(frame_of(slot)), true};

  std::optional<Frame> frame = pmm.allocate(FrameState::kObject);
  if (!frame) return Status::kNoMemory;
  if (holds_frame(slot)) std::memcpy(pmm.writable(*frame), pmm.data(frame_of(slot)), kPageSize);
  pmm.record(*frame).shares = 1;
  // Viewers first: the old frame may go with its last share.
  tell_changed({page, 1}, except);
  map_.set(page, slot_of(*frame));
  return PageView{pmm.address(*frame), true};
}

Status CowPages::commit(PageRange pages) {
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    Result<PageView> view = write_page(page);
    if (!view) return view.status();
  }
  return Status::kOk;
}

void CowPages::drop(PageRange pages) {
  CHECK(kind_ == PagesKind::kAnonymous && pages.end() <= page_count_);
  tell_changed(pages);
  map_.erase(pages.first, pages.count);
}

void CowPages::resize(uint64_t page_count) {
  if (page_count < page_count_) drop({page_count, page_count_ - page_count});
  page_count_ = page_count;
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
  viewer.ticket_ = ++next_ticket_;
  longest_view_ = std::max(longest_view_, pages.count);
  viewers_.insert(&viewer);
}

void CowPages::remove_viewer(PageViewer& viewer) {
  size_t removed = viewers_.erase(&viewer);
  CHECK(removed == 1);
  if (viewers_.empty()) longest_view_ = 0;
}

template <class F>
void CowPages::for_each_viewer_of(PageRange pages, F&& visit) const {
  if (viewers_.empty()) return;
  struct Probe final : PageViewer {
    explicit Probe(uint64_t first) { viewed_.first = first; }
    void pages_changed(PageRange) override {}
    void pages_shared(PageRange) override {}
  } probe(pages.first < longest_view_ ? 0 : pages.first - longest_view_ + 1);
  for (auto at = viewers_.lower_bound(&probe); at != viewers_.end() && (*at)->viewed().first < pages.end(); ++at) {
    if ((*at)->viewed().end() > pages.first) visit(**at);
  }
}

void CowPages::tell_changed(PageRange pages, const PageViewer* except) const {
  for_each_viewer_of(pages, [&](PageViewer& viewer) {
    if (&viewer != except) viewer.pages_changed(pages.intersect(viewer.viewed()));
  });
}

void CowPages::state(Archive& ar, PageMap::Sharing& sharing) {
  ar(kind_, page_count_, physical_base_.value);
  if (ar.loading() && (kind_ > PagesKind::kPhysical || page_count_ > PageMap::kMaxPages)) {
    kind_ = PagesKind::kAnonymous;
    page_count_ = 0;
    ar.fail("a page container out of range");
  }
  map_.state(ar, sharing);
}

}  // namespace jacinth::kernel
