// Taking memory back: loans of contiguous pages, eviction of what pagers can bring again, discardable VMOs, pages of
// zeros (zircon/kernel/vm/physical_page_provider.cc, evictor.cc, discardable_vmo_tracker.cc, ScanAllForZeroPages).
//
//   contiguous page --decommit--> lent frame --supply--> borrowed by a pager's page (clean, not pinned)
//         ^                                                    | moved to another frame, or evicted
//         '--------------- touched or committed ---------------'
//
// What goes first is what programs said they do not need, then what was used longest ago (page_queues.h).
//
// The real kernel sends a request to its page provider, and the thread that waits does the work itself; here the work
// is done on the spot, which no program can tell apart. An allocation that finds no frame evicts at once, where the
// real one fails unless its watchdog was quicker. What runs by itself is in scanner.h.
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
    own(frame, page);
    map_.set(page, slot_of(frame));
    tell_committed(page);
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
    CowPages* borrower = vm_.find_pages(record.owner);
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

bool CowPages::may_borrow() const {
  // Without a pager that could bring the page again, it could not make way for the lender. Who pins pages or is asked
  // before they become dirty would have them moved soon.
  return source_ && !source_->detached() && !source_->traps_dirty() && !ever_pinned_;
}

void CowPages::move_to_lent(uint64_t page) {
  auto [slot, alone] = map_.find_exclusive(page);
  if (kind_ != PagesKind::kPaged || !may_borrow() || !holds_frame(slot) || !alone) return;
  Pmm& pmm = vm_.pmm();
  const FrameRecord& before = pmm.record(frame_of(slot));
  if (before.loaned || before.always_need || before.pins > 0 || before.dirt != PageDirt::kClean) return;
  std::optional<Frame> borrowed = pmm.borrow();
  if (!borrowed) return;
  std::memcpy(pmm.writable(*borrowed), pmm.data(frame_of(slot)), kPageSize);
  own(*borrowed, page);
  tell_changed({page, 1});
  map_.set(page, slot_of(*borrowed));
  requeue(*borrowed);
}

Status CowPages::settle(uint64_t page) {
  Slot slot = map_.find(page);
  if (!holds_frame(slot) || !vm_.pmm().record(frame_of(slot)).loaned) return Status::kOk;
  // The copy is as clean and as needed as the original.
  FrameRecord before = vm_.pmm().record(frame_of(slot));
  bool unneeded = vm_.pmm().queues().unneeded(frame_of(slot));
  TRY(put_copy(page, slot, nullptr));
  FrameRecord& now = vm_.pmm().record(frame_of(map_.find(page)));
  now.always_need = before.always_need;
  requeue(frame_of(map_.find(page)));
  if (unneeded) vm_.pmm().queues().mark_unneeded(frame_of(map_.find(page)));
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

bool CowPages::evict(uint64_t page, bool all) {
  auto [slot, alone] = map_.find_exclusive(page);
  if (kind_ != PagesKind::kPaged || source_->detached() || !holds_frame(slot) || !alone) return false;
  const FrameRecord& record = vm_.pmm().record(frame_of(slot));
  if (record.dirt != PageDirt::kClean || record.pins > 0 || (record.always_need && !all)) return false;
  drop({page, 1});
  ++evictions_;
  return true;
}

void CowPages::dont_need(PageRange pages) {
  auto [shown, root, shift] = shown_of_pager(pages);
  root->map_.for_each(shown.first + shift, shown.count, [&](uint64_t page, Slot slot) {
    if (holds_frame(slot) && look(page - shift).owner == root) vm_.pmm().queues().mark_unneeded(frame_of(slot));
  });
}

uint64_t CowPages::discard() {
  uint64_t frames = committed_pages({0, page_count_});
  drop({0, page_count_});
  discarded_ = true;
  set_discardable_since(0, {});
  ++evictions_;
  vm_.core().counter("vm.reclamation.pages_evicted_discardable") += static_cast<int64_t>(frames);
  return frames;
}

uint64_t Vm::evict_paged(uint64_t target, unsigned age, bool all) {
  PageQueues& queues = pmm_.queues();
  uint64_t freed = 0;
  for (Frame frame = queues.oldest(age); frame != Frame::kNone && freed < target;) {
    Frame next = queues.after(frame, age);
    FrameRecord record = pmm_.record(frame);
    CowPages* pages = find_pages(record.owner);
    if (pages != nullptr && pages->evict(record.owner_page, all)) {
      // A borrowed frame goes back among those to be borrowed: nobody else has more memory for it.
      freed += record.loaned ? 0 : 1;
      ++core_->counter("vm.reclamation.pages_evicted_pager_backed");
    } else if (record.always_need) {
      queues.mark_accessed(frame);
    }
    frame = next;
  }
  return freed;
}

uint64_t Vm::evict_discardable(uint64_t target, Time unlocked_by) {
  uint64_t freed = 0;
  while (freed < target) {
    // Those that were let go of first.
    CowPages* oldest = nullptr;
    for (auto& [key, pages] : pages_) {
      if (pages->discardable_since() == 0 || pages->pinned_pages() > 0 || pages->discardable_time() > unlocked_by)
        continue;
      if (oldest == nullptr || pages->discardable_since() < oldest->discardable_since()) oldest = pages;
    }
    if (oldest == nullptr) break;
    freed += oldest->discard();
  }
  return freed;
}

uint64_t Vm::reclaim(uint64_t target, bool all) {
  uint64_t freed = evict_paged(target, 0, all);
  return freed < target ? freed + evict_discardable(target - freed, Time::never()) : freed;
}

uint64_t Vm::evict(uint64_t min_pages, uint64_t free_target, EvictionLevel level, unsigned discardable_percent) {
  bool newest = level == EvictionLevel::kIncludeNewest;
  // Discardable VMOs are left alone for a while, whatever it is about (Evictor::min_discardable_age_ in evictor.h).
  constexpr Duration kMinAge{10'000'000'000};
  Time unlocked_by = core_->now() - kMinAge;
  unsigned age = newest ? PageQueues::kActive : PageQueues::kGenerations - PageQueues::kOldest;
  uint64_t freed = 0;
  for (;;) {
    uint64_t wanted = freed < min_pages                 ? min_pages - freed
                      : pmm_.free_count() < free_target ? free_target - pmm_.free_count()
                                                        : 0;
    if (wanted == 0) return freed;
    uint64_t from_discardable = newest ? wanted : wanted * discardable_percent / 100;
    uint64_t now = evict_discardable(from_discardable, unlocked_by);
    if (now < wanted) now += evict_paged(wanted - now, age, false);
    if (now == 0) return freed;
    freed += now;
  }
}

// --- ages ---

void CowPages::harvest_accessed(uint64_t page) {
  bool accessed = false;
  PageRange range = {page, 1};
  for_each_viewer_of(range, [&](PageViewer& viewer) { accessed = viewer.take_accessed(page) || accessed; });
  // Where a copy has a page of its own by now, a bit is lost that nobody asks for.
  for_each_view_of_copies(range, [&](PageViewer& viewer, PageRange seen) {
    if (seen.count > 0) accessed = viewer.take_accessed(seen.first) || accessed;
  });
  if (accessed) vm_.pmm().queues().mark_accessed(frame_of(map_.find(page)));
}

void Vm::harvest_accessed() {
  PageQueues& queues = pmm_.queues();
  for (Frame frame = queues.oldest(0); frame != Frame::kNone;) {
    Frame next = queues.after(frame, 0);
    const FrameRecord& record = pmm_.record(frame);
    if (CowPages* pages = find_pages(record.owner)) pages->harvest_accessed(record.owner_page);
    frame = next;
  }
}

void Vm::move_used_to_lent() {
  if (!borrows_on_use_ || pmm_.count(FrameState::kLoaned) == 0) return;
  std::vector<Frame> used;
  for (Frame frame = pmm_.queues().newest_frame(); frame != Frame::kNone; frame = pmm_.record(frame).next) {
    if (!pmm_.record(frame).came_back) continue;
    pmm_.record(frame).came_back = false;
    used.push_back(frame);
  }
  for (Frame frame : used) {
    const FrameRecord& record = pmm_.record(frame);
    if (CowPages* pages = find_pages(record.owner)) pages->move_to_lent(record.owner_page);
  }
}

// --- pages of zeros ---

namespace {

bool all_zeros(const std::byte* page) {
  static constexpr std::array<std::byte, kPageSize> kZeros = {};
  return std::memcmp(page, kZeros.data(), kPageSize) == 0;
}

}  // namespace

uint64_t CowPages::scan_zero_pages(bool give_back) {
  if (kind_ != PagesKind::kAnonymous || uncached_) return 0;
  Pmm& pmm = vm_.pmm();
  std::vector<uint64_t> found;
  map_.for_each(0, page_count_, [&](uint64_t page, Slot slot) {
    if (!holds_frame(slot) || pmm.record(frame_of(slot)).pins > 0 || !map_.find_exclusive(page).second) return;
    if (all_zeros(pmm.data(frame_of(slot)))) found.push_back(page);
  });
  if (give_back) {
    for (uint64_t page : found) drop({page, 1});
  }
  return found.size();
}

bool CowPages::dedup_zero_page(uint64_t page) {
  if (kind_ != PagesKind::kAnonymous || uncached_ || page >= page_count_) return false;
  auto [slot, alone] = map_.find_exclusive(page);
  if (!holds_frame(slot) || !alone || vm_.pmm().record(frame_of(slot)).pins > 0) return false;
  if (!all_zeros(vm_.pmm().data(frame_of(slot)))) return false;
  drop({page, 1});
  ++evictions_;
  return true;
}

uint64_t Vm::dedup_zero_forks(uint64_t limit) {
  uint64_t found = 0;
  int64_t& considered = core_->counter("vm.scanner.zero_scan.total_pages_considered");
  ++core_->counter("vm.scanner.zero_scan.requests");
  for (uint64_t i = 0; i < limit; ++i) {
    Frame frame = pmm_.queues().pop_zero_fork();
    if (frame == Frame::kNone) {
      ++core_->counter("vm.scanner.zero_scan.queue_emptied");
      break;
    }
    ++considered;
    const FrameRecord& record = pmm_.record(frame);
    CowPages* pages = find_pages(record.owner);
    // Where it was put is where it is, unless it is another's by now.
    if (pages != nullptr && pages->has_at(record.owner_page, frame) && pages->dedup_zero_page(record.owner_page))
      ++found;
  }
  core_->counter("vm.scanner.zero_scan.pages_deduped") += static_cast<int64_t>(found);
  return found;
}

uint64_t Vm::scan_zero_pages(bool give_back) {
  uint64_t count = 0;
  for (auto& [key, pages] : pages_) count += pages->scan_zero_pages(give_back);
  return count;
}

}  // namespace jacinth::kernel
