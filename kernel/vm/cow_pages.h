// A container of pages: what stands behind one VMO and its slices (zircon/kernel/vm/vm_cow_pages.cc).
//
//   Vmo ----------.                                  .---> PageMap ---> frames
//   slice Vmo -----+--Ref--> CowPages (size, source)-+
//   mappings ------'                                 '---> viewers (mappings), told of changes
//
// It answers one question, "which frame holds page n", for a reader (the frame may be shared, or be the page of zeros)
// and for a writer (a frame that nobody else sees: allocated, or copied from the shared one, on first use).
//
// Containers that came from one another by snapshots are a family. They share frames through their page maps and know
// nothing else of each other.
//
// A container with a pager (kPaged) asks its source for what it lacks, and keeps track of what was written
// (paged_pages.cc). Private copies of it, and of each other, look through to their parents for all that they do not
// have themselves:
//
//   kPaged <--parent_-- kPrivateCopy <--parent_-- kPrivateCopy
//
// A contiguous container may lend the frames of pages that it does not need, and takes the same frames back from
// whoever borrows them when the pages are touched (reclaim.cc).
//
// Left out: borrowing when a page becomes recently used.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kernel/abi/names.h"
#include "kernel/abi/pager.h"
#include "kernel/object/ref.h"
#include "kernel/vm/page_map.h"
#include "kernel/vm/page_source.h"
#include "kernel/vm/page_viewer.h"
#include "kernel/vm/pages_id.h"

namespace jacinth::kernel {

class Vm;

/// Where pages come from.
enum class PagesKind : uint8_t {
  kAnonymous,    ///< Zeros until written.
  kContiguous,   ///< One run of frames, committed from the start.
  kPhysical,     ///< A range of physical addresses that the kernel does not manage: device registers.
  kPaged,        ///< A pager's.
  kPrivateCopy,  ///< What a paged container, or another copy, shows, until written.
};

/// A page as a reader, a writer or a mapping finds it.
struct PageView {
  PhysAddr address;
  /// Nobody else sees it: it may be written in place.
  bool writable = false;
};

class CowPages final {
 public:
  static Ref<CowPages> create_anonymous(Vm& vm, uint64_t page_count);
  /// kNoMemory when no such run of frames is free.
  static Result<Ref<CowPages>> create_contiguous(Vm& vm, uint64_t page_count, uint64_t alignment);
  static Ref<CowPages> create_physical(Vm& vm, PhysAddr base, uint64_t page_count);
  /// Pages that `connect` a pager: absent at first.
  static Ref<CowPages> create_paged(Vm& vm, uint64_t page_count, bool traps_dirty);
  /// Empty, to be loaded.
  static Ref<CowPages> create_for_load(Vm& vm, PagesId id, PagesId family);

  CowPages(const CowPages&) = delete;
  CowPages& operator=(const CowPages&) = delete;

  Vm& vm() const { return vm_; }
  PagesId id() const { return id_; }
  PagesId family() const { return family_; }
  PagesKind kind() const { return kind_; }
  uint64_t page_count() const { return page_count_; }
  PhysAddr physical_base() const { return physical_base_; }

  /// Null unless kPaged.
  PageSource* source() const { return source_.get(); }
  /// Whether a pager stands behind it, or behind a container that it looks through to.
  bool rests_on_pager() const { return kind_ == PagesKind::kPaged || kind_ == PagesKind::kPrivateCopy; }

  // Pages must be below page_count() in all of these. Where pages may have to come from a pager, kParked means that the
  // thread waits for them and looks again, kShouldWait that no thread was there to wait.

  /// What the page shows now, without doing anything about it; nothing when only a fault would bring it.
  std::optional<PageView> peek(uint64_t page) const;
  /// The page to read from: its frame, or the page of zeros.
  Result<PageView> read_page(uint64_t page);
  /// The page to write to, its frame its own; kNoMemory when there is no frame left. All viewers but `except` are told
  /// when the page changes its frame.
  /// All viewers but `except` are told when the page changes its frame. `ahead`: as many pages are about to be written.
  Result<PageView> write_page(uint64_t page, const PageViewer* except = nullptr, uint64_t ahead = 1);
  /// Whether the page is known to hold zeros and nothing else, without looking into a frame.
  bool reads_zero(uint64_t page) const;

  /// Gives every page in the range a frame of its own; those of a pager are only brought in. What was committed before
  /// a failure stays.
  Status commit(PageRange pages);
  /// Lets go of the frames: the pages are zero afterwards. For anonymous containers, and contiguous ones that lend.
  /// kBadState when one is pinned.
  Status decommit(PageRange pages);
  /// The pages are zero afterwards, with as few frames as that takes.
  Status zero(PageRange pages);
  /// Pages past the new end are let go of; kBadState when one is pinned.
  Status resize(uint64_t page_count);
  // What the kernel takes back when memory runs low.

  /// Takes the frame of a page away that its pager can bring again; false when that must not be. `all`: also one that
  /// is always needed.
  bool evict(uint64_t page, bool all);
  uint64_t evictions() const { return evictions_; }
  /// Moves a page of the pager's that somebody used into a lent frame; not where it would have to move out again.
  void move_to_lent(uint64_t page);
  /// Moves pages of the pager's that somebody accessed to the newest queue, by the bits in the page tables.
  void harvest_accessed(uint64_t page);
  /// An anonymous page that was zeros when it was made is given back if it is zeros still, and nobody else's.
  bool dedup_zero_page(uint64_t page);
  bool has_at(uint64_t page, Frame frame) const { return page < page_count_ && map_.find(page) == slot_of(frame); }
  /// Whether everything may be taken: nobody has locked it since then. The number tells who came first, 0 is nobody.
  uint64_t discardable_since() const { return discardable_since_; }
  Time discardable_time() const { return discardable_time_; }
  void set_discardable_since(uint64_t number, Time when) {
    discardable_since_ = number;
    discardable_time_ = when;
  }
  /// Its VMO is not mapped cached: nobody looks for zeros in it.
  void set_uncached(bool uncached) { uncached_ = uncached; }
  bool discarded() const { return discarded_; }
  void forget_discarded() { discarded_ = false; }
  uint64_t discard();
  uint64_t scan_zero_pages(bool give_back);

  /// Holds the frames of committed pages in place, once more; kUnavailable when one is held too often. Pinned pages are
  /// not let go of by anything, and the container takes no snapshot.
  Status pin(PageRange pages);
  void unpin(PageRange pages);
  bool any_pinned(PageRange pages) const;
  /// While loading: whether each page has a pin that nobody else has claimed.
  bool claim_pins(PageRange pages) const;
  uint64_t pinned_pages() const { return pinned_pages_; }
  /// A container that sees what this one has in the range, now, from its own page 0 on. For anonymous containers. The
  /// range may stick out at the end: zeros.
  Ref<CowPages> snapshot(uint64_t first, uint64_t page_count);
  /// Offsets add up along a chain of snapshots; past 2^54 pages there is no room for one more.
  bool can_snapshot(uint64_t first) const { return map_.numbered(first); }
  /// A container that shows what this one shows in the range, until it is written itself. For those that rest on a
  /// pager.
  Ref<CowPages> private_copy(uint64_t first, uint64_t page_count);

  // --- what a pager does, for paged containers ---

  /// Moves the pages of `from` in, where they are absent; where `from` has none, zeros. kNoMemory when that takes more
  /// bookkeeping than RAM would.
  Status supply(PageRange pages, CowPages& from, uint64_t from_first);
  /// Consents to writes. kNotFound when a page is absent, kNotSupported unless dirty pages are trapped.
  Status dirty(PageRange pages);
  void writeback_begin(PageRange pages);
  void writeback_end(PageRange pages);
  /// Calls visit(PageRange, zeros without frames) for each run of pages that is not clean, in order, while it returns
  /// true.
  template <class F>
  void for_each_dirty(PageRange pages, F&& visit);
  /// What is clean may go before anything else.
  void dont_need(PageRange pages);
  /// Brings the pages in, and keeps them from being reclaimed as long as there is anything else; what cannot come is
  /// left out. `done` pages are dealt with already.
  Status always_need(PageRange pages, uint64_t& done);
  /// Whether it was written to since the last time that `reset` was asked for.
  bool modified(bool reset);
  /// No more requests; pages that are clean go, but in July 2020 stay.
  void detach();
  /// What those hear who wait for the pager when it is detached or goes: kBadState; in July 2020 kOk, to look again.
  Status end_of_waits() const;

  /// Pages in the range that this container is charged for. A frame that several of a family see is charged to the
  /// oldest of them, so that every frame is charged once (in Zircon: to the side that was cloned first, until it goes).
  uint64_t attributed_pages(PageRange pages) const;
  /// Pages of the range that have a frame, whoever is charged.
  uint64_t committed_pages(PageRange pages) const;
  /// Host memory that the container takes.
  uint64_t heap_bytes() const;

  void add_viewer(PageViewer& viewer, PageRange pages);
  void remove_viewer(PageViewer& viewer);
  /// In the order of what they view.
  template <class F>
  void for_each_viewer(F&& visit) const {
    for (const auto& [first, viewer] : viewers_) visit(*viewer);
  }

  void add_ref() { ++refs_; }
  void release() {
    if (--refs_ == 0) end();
  }

  void state(Archive& ar, PageMap::Sharing& sharing);

 private:
  friend class Vm;
  CowPages(Vm& vm, PagesKind kind, PagesId id, PagesId family, uint64_t page_count);
  ~CowPages();
  void end();

  /// What a page shows, and who has it.
  struct Seen {
    const CowPages* owner;
    uint64_t page;  ///< In the owner.
    Slot slot;
    bool alone;
  };
  Seen look(uint64_t page) const;
  /// Whether what was seen has to be brought in by a pager.
  bool absent(const Seen& seen) const {
    return seen.slot == Slot::kEmpty && seen.owner->source_ && seen.page < seen.owner->zeros_from_ &&
           !zeros_instead(*seen.owner);
  }
  /// Whether a copy shows zeros where its parent has nothing: in July 2020, once the parent is detached.
  bool zeros_instead(const CowPages& owner) const;
  /// Asks the pager for the page, and for up to `run` of those behind it that are absent too.
  Status fetch(uint64_t page, uint64_t run);
  Status need(PageRequestKind kind, PageRange pages) const;
  /// The part of the pages that can show something of the pager's, its container, and how far the numbers are apart.
  struct Shown {
    PageRange pages;
    const CowPages* root;
    uint64_t shift;
  };
  Shown shown_of_pager(PageRange pages) const;
  Result<PageView> write_paged(uint64_t page, const PageViewer* except, uint64_t ahead);
  Result<PageView> write_copy(uint64_t page, const PageViewer* except);
  Result<PageView> put_copy(uint64_t page, Slot original, const PageViewer* except);
  PageDirt dirt(Slot slot) const;
  Status zero_page(uint64_t page);
  Status need_always(uint64_t page);
  void lend(PageRange pages);
  /// One request to the provider of physical pages: all of the range, of which nothing is there, or nothing.
  Status take_back(PageRange pages, const PageViewer* except = nullptr);
  /// Nobody borrows the page's frame afterwards.
  Status return_frame(uint64_t page);
  void end_loans();
  /// Whether pages may lie in lent frames at all (VmCowPages::can_borrow_locked() in vm_cow_pages.h).
  bool may_borrow() const;
  /// Puts what a borrowed frame holds into one that can stay.
  Status settle(uint64_t page);
  Status settle(PageRange pages);
  std::optional<Frame> new_frame() const;
  /// A frame that nobody has becomes that of this page.
  FrameRecord& own(Frame frame, uint64_t page);
  /// The page had no frame of its own until now. For whoever watches.
  void tell_committed(uint64_t page) const;
  /// Puts the frame of a paged container among those that can be taken away, or takes it out.
  void requeue(Frame frame);
  void drop(PageRange pages);
  void move_zeros_from(uint64_t page);
  void advance_zeros_from(PageRange pages);
  void limit_children();
  void tell_copies(PageRange pages) const;
  void state_paged(Archive& ar);
  void state_copy(Archive& ar);

  template <class F>
  void for_each_viewer_of(PageRange pages, F&& visit) const;
  /// The same of copies, and copies of copies, as far as they show these pages: visit(viewer, what it views of them).
  template <class F>
  void for_each_view_of_copies(PageRange pages, F&& visit) const;
  void tell_changed(PageRange pages, const PageViewer* except = nullptr) const;

  Vm& vm_;
  PagesKind kind_;
  PagesId id_;
  PagesId family_;
  uint32_t refs_ = 0;
  uint64_t page_count_;
  PhysAddr physical_base_;  ///< Of physical and contiguous containers.
  PageMap map_;
  uint64_t pinned_pages_ = 0;
  bool ever_pinned_ = false;
  uint64_t evictions_ = 0;
  uint64_t discardable_since_ = 0;
  Time discardable_time_;
  bool uncached_ = false;  // As the VMO says.
  bool discarded_ = false;

  // Of paged containers. Pages from zeros_from_ on that are empty are zeros which nobody has written back yet (the
  // container grew); up to awaiting_end_ the pager is at it.
  std::unique_ptr<PageSource> source_;
  uint64_t zeros_from_ = 0;
  uint64_t awaiting_end_ = 0;
  bool modified_ = false;

  // Of private copies: own page 0 is the parent's parent_first_; from parent_end_ on the parent does not show.
  Ref<CowPages> parent_;
  uint64_t parent_first_ = 0;
  uint64_t parent_end_ = 0;
  std::map<PagesId, CowPages*> copies_;  // Those whose parent this is.

  std::multimap<uint64_t, PageViewer*> viewers_;  // By the first page viewed, then by age.
  uint64_t longest_view_ = 0;  ///< No viewer views more pages: bounds the search for those that overlap a range.
};

template <class F>
void CowPages::for_each_viewer_of(PageRange pages, F&& visit) const {
  if (viewers_.empty()) return;
  uint64_t earliest = pages.first < longest_view_ ? 0 : pages.first - longest_view_ + 1;
  for (auto at = viewers_.lower_bound(earliest); at != viewers_.end() && at->first < pages.end(); ++at) {
    if (at->second->viewed().end() > pages.first) visit(*at->second);
  }
}

template <class F>
void CowPages::for_each_view_of_copies(PageRange pages, F&& visit) const {
  // Copies of copies of copies: not by recursion.
  std::vector<std::pair<const CowPages*, PageRange>> work = {{this, pages}};
  while (!work.empty()) {
    auto [from, range] = work.back();
    work.pop_back();
    for (const auto& [id, copy] : from->copies_) {
      PageRange seen = range.intersect({copy->parent_first_, copy->parent_end_});
      if (seen.count == 0) continue;
      seen.first -= copy->parent_first_;
      copy->for_each_viewer_of(seen, [&](PageViewer& viewer) { visit(viewer, seen.intersect(viewer.viewed())); });
      if (!copy->copies_.empty()) work.emplace_back(copy, seen);
    }
  }
}

template <class F>
void CowPages::for_each_dirty(PageRange pages, F&& visit) {
  advance_zeros_from(pages);
  PageRange run;
  bool run_zero = false;
  bool more = true;
  auto add = [&](PageRange next, bool zero) {
    if (run.count > 0 && run_zero == zero && run.end() == next.first) {
      run.count += next.count;
      return;
    }
    if (run.count > 0 && more) more = visit(run, run_zero);
    run = next;
    run_zero = zero;
  };
  uint64_t gap = pages.first < zeros_from_ ? zeros_from_ : pages.first;
  map_.for_each(pages.first, pages.count, [&](uint64_t page, Slot slot) {
    if (page < zeros_from_) {
      if (dirt(slot) != PageDirt::kClean) add({page, 1}, false);
      return;
    }
    if (page > gap) add({gap, page - gap}, true);
    // Pages on either side of zeros_from_ are told apart.
    if (page == zeros_from_ && run.count > 0 && more) {
      more = visit(run, run_zero);
      run = {};
    }
    add({page, 1}, false);
    gap = page + 1;
  });
  if (gap < pages.end()) add({gap, pages.end() - gap}, true);
  if (run.count > 0 && more) visit(run, run_zero);
}

}  // namespace jacinth::kernel
