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
// Left out so far: page sources (pagers), read-through copies of pager-backed containers, pinning.
#pragma once

#include <cstdint>
#include <set>

#include "kernel/abi/names.h"
#include "kernel/object/ref.h"
#include "kernel/vm/page_map.h"
#include "kernel/vm/page_viewer.h"
#include "kernel/vm/pages_id.h"

namespace jacinth::kernel {

class Vm;

/// Where pages come from.
enum class PagesKind : uint8_t {
  kAnonymous,   ///< Zeros until written.
  kContiguous,  ///< One run of frames, committed from the start.
  kPhysical,    ///< A range of physical addresses that the kernel does not manage: device registers.
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
  /// Empty, to be loaded.
  static Ref<CowPages> create_for_load(Vm& vm, PagesId id, PagesId family);

  CowPages(const CowPages&) = delete;
  CowPages& operator=(const CowPages&) = delete;

  PagesId id() const { return id_; }
  PagesId family() const { return family_; }
  PagesKind kind() const { return kind_; }
  uint64_t page_count() const { return page_count_; }
  PhysAddr physical_base() const { return physical_base_; }

  // Pages must be below page_count() in all of these.

  /// What the page shows now, without doing anything about it; nothing when only a fault would bring it.
  std::optional<PageView> peek(uint64_t page) const;
  /// The page to read from: its frame, or the page of zeros.
  Result<PageView> read_page(uint64_t page);
  /// The page to write to, its frame its own; kNoMemory when there is no frame left. All viewers but `except` are told
  /// when the page changes its frame.
  Result<PageView> write_page(uint64_t page, const PageViewer* except = nullptr);

  /// Gives every page in the range a frame of its own. What was committed before a failure stays.
  Status commit(PageRange pages);
  /// Lets go of the frames: the pages are zero afterwards. For anonymous containers.
  void drop(PageRange pages);
  /// Pages past the new end are let go of.
  void resize(uint64_t page_count);
  /// A container that sees what this one has in the range, now, from its own page 0 on. For anonymous containers. The
  /// range may stick out at the end: zeros.
  Ref<CowPages> snapshot(uint64_t first, uint64_t page_count);
  /// Offsets add up along a chain of snapshots; past 2^54 pages there is no room for one more.
  bool can_snapshot(uint64_t first) const { return map_.numbered(first); }

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
    for (PageViewer* viewer : viewers_) visit(*viewer);
  }

  void add_ref() { ++refs_; }
  void release() {
    if (--refs_ == 0) delete this;
  }

  void state(Archive& ar, PageMap::Sharing& sharing);

 private:
  CowPages(Vm& vm, PagesKind kind, PagesId id, PagesId family, uint64_t page_count);
  ~CowPages();

  template <class F>
  void for_each_viewer_of(PageRange pages, F&& visit) const;
  void tell_changed(PageRange pages, const PageViewer* except = nullptr) const;

  struct Earlier {
    bool operator()(const PageViewer* a, const PageViewer* b) const {
      return a->viewed().first != b->viewed().first ? a->viewed().first < b->viewed().first : a->ticket_ < b->ticket_;
    }
  };

  Vm& vm_;
  PagesKind kind_;
  PagesId id_;
  PagesId family_;
  uint32_t refs_ = 0;
  uint64_t page_count_;
  PhysAddr physical_base_;  ///< Of physical and contiguous containers.
  PageMap map_;
  std::set<PageViewer*, Earlier> viewers_;
  uint64_t longest_view_ = 0;  ///< No viewer views more pages: bounds the search for those that overlap a range.
  uint64_t next_ticket_ = 0;
};

}  // namespace jacinth::kernel
