// Taking memory back: loans of contiguous pages, eviction of what pagers can bring again, discardable VMOs, pages of
// zeros (zircon/kernel/vm/physical_page_provider.cc, evictor.cc, discardable_vmo_tracker.cc, ScanAllForZeroPages).
//
//   contiguous page --decommit--> lent frame --supply--> borrowed by a pager's page (clean, not pinned)
//         ^                                                    | moved to another frame, or evicted
//         '--------------- touched or committed ---------------'
//
// The real kernel sends a request to its page provider, and the thread that waits does the work itself; here the work
// is done on the spot, which no program can tell apart. All of it is a function of the state: nothing runs by itself
// but for an allocation that finds no frame, which evicts.
//
// Left out: ages of pages by their accessed bits. What goes first is what programs do not need, then the oldest VMOs.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "kernel/vm/cow_pages.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

// --- loans ---

void CowPages::lend(PageRange pages) {
  tell_changed(pages);
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    Frame frame = map_.take(page);
    if (frame != Frame::kNone) vm_.pmm().lend(frame);
  }
}

Status CowPages::take_back(PageRange pages, const PageViewer* except) {
  ++vm_.core().counter("physical.reclaim.total_requests");
  Status status = vm_.fails_reclaims() ? Status::kNoMemory : Status::kOk;
  // Nothing is taken before everything can be: what failed stays lent.
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    Status returned = return_frame(page);
    if (status == Status::kOk) status = returned;
  }
  if (status != Status::kOk) {
    ++vm_.core().counter("physical.reclaim.failed_requests");
    return status;
  }
  Pmm& pmm = vm_.pmm();
  tell_changed(pages, except);
  for (uint64_t page = pages.first; page < pages.end(); ++page) {
    Frame frame = pmm.frame_at(physical_base_ + page * kPageSize);
    pmm.take_back(frame);
    FrameRecord& record = pmm.record(frame);
    record.shares = 1;
    record.owner = id_;
    record.owner_page = page;
    map_.set(page, slot_of(frame));
  }
  ++vm_.core().counter("physical.reclaim.succeeded_requests");
  return Status::kOk;
}

Status CowPages::return_frame(uint64_t page) {
  Pmm& pmm = vm_.pmm();
  // Page n of a contiguous VMO is frame n of its run, now as ever.
  Frame frame = pmm.frame_at(physical_base_ + page * kPageSize);
  const FrameRecord& record = pmm.record(frame);
  if (record.state != FrameState::kLoaned) {
    CowPages* borrower = vm_.find_pages(record.owner, record.owner);
    uint64_t there = record.owner_page;
    // Without a frame to move to, the page goes: its pager has it.
    if (borrower != nullptr && borrower->settle(there) != Status::kOk) borrower->evict(there, true);
  }
  // Only what was loaded from a damaged snapshot can be so.
  return record.state == FrameState::kLoaned ? Status::kOk : Status::kInternal;
}

void CowPages::end_loans() {
  Pmm& pmm = vm_.pmm();
  for (uint64_t page = 0; page < page_count_; ++page) {
    if (map_.find(page) == Slot::kEmpty) pmm.end_loan(pmm.frame_at(physical_base_ + page * kPageSize));
  }
}

Status CowPages::settle(uint64_t page) {
  Slot slot = map_.find(page);
  if (!holds_frame(slot) || !vm_.pmm().record(frame_of(slot)).loaned) return Status::kOk;
  // The copy is as clean and as needed as the original.
  FrameRecord before = vm_.pmm().record(frame_of(slot));
  TRY(put_copy(page, slot, nullptr));
  FrameRecord& now = vm_.pmm().record(frame_of(map_.find(page)));
  now.always_need = before.always_need;
  now.dont_need = before.dont_need;
  return Status::kOk;
}

Status CowPages::settle(PageRange pages) {
  if (kind_ != PagesKind::kPaged) return Status::kOk;
  std::vector<uint64_t> borrowed;
  map_.for_each(pages.first, pages.count, [&](uint64_t page, Slot slot) {
    if (holds_frame(slot) && vm_.pmm().record(frame_of(slot)).loaned) borrowed.push_back(page);
  });
  for (uint64_t page : borrowed) TRY_STATUS(settle(page));
  return Status::kOk;
}

// --- eviction ---

uint64_t CowPages::evictable_pages() const {
  uint64_t count = 0;
  map_.for_each(0, page_count_, [&](uint64_t, Slot slot) {
    if (holds_frame(slot) && dirt(slot) == PageDirt::kClean && vm_.pmm().record(frame_of(slot)).pins == 0) ++count;
  });
  return count;
}

bool CowPages::evict(uint64_t page, bool all) {
  auto [slot, alone] = map_.find_exclusive(page);
  if (kind_ != PagesKind::kPaged || source_->detached() || !holds_frame(slot) || !alone) return false;
  const FrameRecord& record = vm_.pmm().record(frame_of(slot));
  if (record.dirt != PageDirt::kClean || record.pins > 0 || (record.always_need && !all)) return false;
  drop({page, 1});
  ++evictions_;
  return true;
}

uint64_t CowPages::evict_some(uint64_t target, bool unneeded_only, bool all) {
  std::vector<uint64_t> pages;
  map_.for_each(0, page_count_, [&](uint64_t page, Slot slot) {
    if (!holds_frame(slot) || pages.size() == target) return;
    const FrameRecord& record = vm_.pmm().record(frame_of(slot));
    bool may_go = record.dirt == PageDirt::kClean && record.pins == 0 && (!record.always_need || all);
    if (may_go && (!unneeded_only || record.dont_need)) pages.push_back(page);
  });
  return static_cast<uint64_t>(std::ranges::count_if(pages, [&](uint64_t page) { return evict(page, all); }));
}

void CowPages::dont_need(PageRange pages) {
  auto [shown, root, shift] = shown_of_pager(pages);
  root->map_.for_each(shown.first + shift, shown.count, [&](uint64_t page, Slot slot) {
    if (holds_frame(slot) && look(page - shift).owner == root) vm_.pmm().record(frame_of(slot)).dont_need = true;
  });
}

uint64_t CowPages::discard() {
  uint64_t frames = committed_pages({0, page_count_});
  drop({0, page_count_});
  discarded_ = true;
  discardable_since_ = 0;
  ++evictions_;
  return frames;
}

uint64_t Vm::reclaim(uint64_t target, bool all) {
  uint64_t done = 0;
  for (bool unneeded_only : {true, false}) {
    for (auto& [key, pages] : pages_) {
      if (done >= target) return done;
      if (pages->kind() == PagesKind::kPaged) done += pages->evict_some(target - done, unneeded_only, all);
    }
  }
  while (done < target) {
    // Those that were let go of first.
    CowPages* oldest = nullptr;
    for (auto& [key, pages] : pages_) {
      if (pages->discardable_since() == 0 || pages->pinned_pages() > 0) continue;
      if (oldest == nullptr || pages->discardable_since() < oldest->discardable_since()) oldest = pages;
    }
    if (oldest == nullptr) break;
    done += oldest->discard();
  }
  return done;
}

// --- pages of zeros ---

uint64_t CowPages::scan_zero_pages(bool give_back) {
  if (kind_ != PagesKind::kAnonymous) return 0;
  Pmm& pmm = vm_.pmm();
  static constexpr std::array<std::byte, kPageSize> kZeros = {};
  std::vector<uint64_t> found;
  map_.for_each(0, page_count_, [&](uint64_t page, Slot slot) {
    if (!holds_frame(slot) || pmm.record(frame_of(slot)).pins > 0 || !map_.find_exclusive(page).second) return;
    if (std::memcmp(pmm.data(frame_of(slot)), kZeros.data(), kPageSize) == 0) found.push_back(page);
  });
  if (give_back) {
    for (uint64_t page : found) drop({page, 1});
  }
  return found.size();
}

uint64_t Vm::scan_zero_pages(bool give_back) {
  uint64_t count = 0;
  for (auto& [key, pages] : pages_) count += pages->scan_zero_pages(give_back);
  return count;
}

}  // namespace jacinth::kernel
