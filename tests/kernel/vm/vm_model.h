// What memory does, said as naively as possible: every page of every VMO is a row of numbers, a frame is a token that
// rows share, a copy looks into its parent page by page, a page table is a list of who shows what. The random test runs
// it beside the real thing.
//
// It knows nothing of trees of maps, faults or invalidation. Its only cleverness is to predict when an allocation
// fails. Nobody waits in it: what would wait for a pager is kShouldWait.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "emu/base/address.h"
#include "kernel/abi/names.h"
#include "kernel/abi/vmar.h"
#include "kernel/vm/cow_pages.h"

namespace jacinth::kernel::model {

constexpr uint64_t kCells = 2;  ///< Numbers per page that the test looks at.
constexpr uint64_t kCellStride = kPageSize / kCells;
constexpr size_t kSlots = 8;  ///< VMO handles at a time.
constexpr size_t kSpaces = 2;
constexpr uint64_t kWindow = 16;  ///< Pages of each space that are played with.
constexpr uint64_t kMost = 7;     ///< No VMO has as many pages.

struct Frame {
  PageDirt dirt = PageDirt::kClean;
  unsigned pins = 0;
  bool always_need = false;
  bool lent = false;  ///< By the contiguous VMO whose run it belongs to.
};
using FrameRef = std::shared_ptr<Frame>;

struct Page {
  std::array<uint32_t, kCells> cells = {};
  bool zero = false;  ///< Zeros, whatever a parent or a pager may say.
  FrameRef frame;

  bool empty() const { return !frame && !zero; }
};

/// The pages behind a VMO and its slices.
struct Content {
  PagesKind kind = PagesKind::kAnonymous;
  PagesId id{};
  uint64_t birth = 0;
  uint64_t family = 0;
  std::vector<Page> pages;

  std::vector<FrameRef> run;  ///< kContiguous: the frames that are its own.

  bool traps = false;  ///< kPaged.
  bool ever_pinned = false;
  bool detached = false;
  bool modified = false;
  uint64_t zeros_from = 0;
  uint64_t awaiting_end = 0;

  std::shared_ptr<Content> parent;  ///< kPrivateCopy: shows in the pages below `shows`.
  uint64_t first = 0;
  uint64_t shows = 0;

  uint64_t locks = 0;  ///< Discardable.
  uint64_t unlocked_since = 0;
  bool discarded = false;

  explicit Content(std::vector<Content*>& living) : living_(living) { living_.push_back(this); }
  ~Content() {
    for (const FrameRef& frame : run) frame->lent = false;
    std::erase(living_, this);
  }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  bool paged() const { return kind == PagesKind::kPaged; }
  bool rests_on_pager() const { return paged() || kind == PagesKind::kPrivateCopy; }
  bool any_pinned(PageRange range) const {
    for (uint64_t page = range.first; page < range.end(); ++page) {
      if (pages[page].frame && pages[page].frame->pins > 0) return true;
    }
    return false;
  }
  PageRange all() const { return {0, pages.size()}; }

 private:
  std::vector<Content*>& living_;
};
using ContentRef = std::shared_ptr<Content>;

struct Vmo {
  ContentRef content;
  uint64_t first = 0;             ///< A slice's first page.
  std::optional<uint64_t> slice;  ///< A slice's length.
  bool resizable = false;
  bool discardable = false;

  uint64_t pages() const { return slice ? *slice : content->pages.size(); }
};

/// What a page of address space shows.
struct Shown {
  std::shared_ptr<Vmo> vmo;
  uint64_t page = 0;
  abi::VmOptions permissions = abi::VmOptions::kNone;
};

/// A page, and who has what it shows.
struct Seen {
  Content* owner;
  uint64_t page;

  Page& at() const { return owner->pages[page]; }
  bool absent() const { return at().empty() && owner->paged() && page < owner->zeros_from; }
  Status missing() const { return owner->detached ? Status::kBadState : Status::kShouldWait; }
};

inline Seen look(Content& content, uint64_t page) {
  Content* at = &content;
  while (at->pages[page].empty() && at->parent && page < at->shows) {
    page += at->first;
    at = at->parent.get();
  }
  return {at, page};
}

class Model {
  std::vector<Content*> living_;  // Goes last.

 public:
  std::array<std::shared_ptr<Vmo>, kSlots> slots;
  std::array<std::array<Shown, kWindow>, kSpaces> windows;
  uint64_t allocations_left = std::numeric_limits<uint64_t>::max();

  // --- making ---

  ContentRef create(PagesKind kind, uint64_t pages) {
    auto content = std::make_shared<Content>(living_);
    content->kind = kind;
    content->pages.resize(pages);
    content->birth = content->family = ++births_;
    if (kind == PagesKind::kPaged) content->zeros_from = pages;
    return content;
  }
  ContentRef create_contiguous(uint64_t pages) {
    ContentRef content = create(PagesKind::kContiguous, pages);
    for (Page& page : content->pages) content->run.push_back(page.frame = std::make_shared<Frame>());
    return content;
  }
  ContentRef snapshot(const Content& parent, uint64_t first, uint64_t pages) {
    ContentRef child = create(PagesKind::kAnonymous, pages);
    child->family = parent.family;
    for (uint64_t i = 0; i < pages && first + i < parent.pages.size(); ++i) child->pages[i] = parent.pages[first + i];
    return child;
  }
  ContentRef copy(const ContentRef& parent, uint64_t first, uint64_t pages) {
    ContentRef child = create(PagesKind::kPrivateCopy, pages);
    child->parent = parent;
    child->first = first;
    child->shows = first < parent->pages.size() ? std::min<uint64_t>(pages, parent->pages.size() - first) : 0;
    return child;
  }
  bool allocate() {
    if (allocations_left == 0) return false;
    --allocations_left;
    return true;
  }

  // --- programs ---

  Status write(Content& content, uint64_t page, uint64_t cell, uint32_t value) {
    Status status = prepare(content, page);
    if (status == Status::kOk) content.pages[page].cells[cell] = value;
    return status;
  }
  Status commit(Content& content, PageRange range) {
    for (uint64_t page = range.first; page < range.end(); ++page) {
      Seen seen = look(content, page);
      if (seen.absent()) return seen.missing();
      if (content.paged() && content.pages[page].frame) continue;
      Status status = prepare(content, page);
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  }
  void drop(Content& content, PageRange range) {
    for (uint64_t page = range.first; page < range.end(); ++page) content.pages[page] = {};
  }
  Status decommit(Content& content, PageRange range) {
    if (content.any_pinned(range)) return Status::kBadState;
    for (uint64_t page = range.first; page < range.end(); ++page) {
      if (content.kind == PagesKind::kContiguous) content.run[page]->lent = true;
      content.pages[page] = {};
    }
    return Status::kOk;
  }
  /// Bytes [from, to) of the VMO.
  Status zero(Vmo& vmo, uint64_t from, uint64_t to) {
    Content& content = *vmo.content;
    while (from < to) {
      uint64_t page_end = round_down_to_page(from) + kPageSize;
      uint64_t page = vmo.first + from / kPageSize;
      Status status = Status::kOk;
      if (from % kPageSize == 0 && to - from >= kPageSize) {
        uint64_t count = (to - from) / kPageSize;
        status = zero_pages(content, {page, count});
        page_end = from + count * kPageSize;
      } else if (Seen seen = look(content, page); seen.at().frame || seen.absent()) {
        status = prepare(content, page);
        for (uint64_t cell = 0; cell < kCells && status == Status::kOk; ++cell) {
          uint64_t at = round_down_to_page(from) + cell * kCellStride;
          if (at >= from && at < std::min(to, page_end)) content.pages[page].cells[cell] = 0;
        }
      }
      if (status != Status::kOk) return status;
      from = std::min(to, page_end);
    }
    return Status::kOk;
  }
  Status resize(const ContentRef& content, uint64_t pages) {
    content->modified = content->modified || content->paged();
    if (pages < content->pages.size()) {
      if (content->any_pinned({pages, content->pages.size() - pages})) return Status::kBadState;
      content->shows = std::min(content->shows, pages);
      content->zeros_from = std::min(content->zeros_from, pages);
      move_zeros_from(*content, content->zeros_from);
      content->awaiting_end = std::min(content->awaiting_end, pages);
      for (Content* copy : living_) {
        if (copy->parent == content) copy->shows = std::min(copy->shows, pages > copy->first ? pages - copy->first : 0);
      }
    }
    content->pages.resize(pages);
    return Status::kOk;
  }
  Status pin(Content& content, PageRange range) {
    Status status = commit(content, range);
    if (status == Status::kOk) status = settle(content, range);
    if (status != Status::kOk) return status;
    content.ever_pinned = true;
    for (uint64_t page = range.first; page < range.end(); ++page) {
      if (content.pages[page].frame->pins == kMaxPins) {
        unpin(content, {range.first, page - range.first});
        return Status::kUnavailable;
      }
      ++content.pages[page].frame->pins;
    }
    return Status::kOk;
  }
  static void unpin(Content& content, PageRange range) {
    for (uint64_t page = range.first; page < range.end(); ++page) --content.pages[page].frame->pins;
  }
  static bool pinned(const Content& content) { return content.any_pinned(content.all()); }
  void always_need(Content& content, PageRange range) {
    for (uint64_t page = range.first; page < range.end(); ++page) {
      Seen seen = look(content, page);
      if (!seen.owner->paged() || !seen.at().frame) continue;
      if (settle(*seen.owner, {seen.page, 1}) == Status::kOk) seen.at().frame->always_need = true;
    }
  }

  // --- pagers ---

  Status dirty(Content& content, PageRange range) {
    if (!content.traps) return Status::kNotSupported;
    uint64_t missing = 0;
    for (uint64_t page = range.first; page < range.end(); ++page) {
      if (content.pages[page].empty() && page < content.zeros_from) return Status::kNotFound;
      if (!content.pages[page].frame) ++missing;
    }
    Status status = settle(content, range);
    if (status != Status::kOk) return status;
    for (; missing > 0; --missing) {
      if (!allocate()) return Status::kNoMemory;
    }
    for (uint64_t page = range.first; page < range.end(); ++page) {
      if (!content.pages[page].frame) content.pages[page].frame = std::make_shared<Frame>();
      content.pages[page].zero = false;
      content.pages[page].frame->dirt = PageDirt::kDirty;
    }
    return Status::kOk;
  }
  static void writeback_begin(Content& content, PageRange range) {
    for (uint64_t page = range.first; page < range.end(); ++page) {
      const FrameRef& frame = content.pages[page].frame;
      if (frame && frame->dirt == PageDirt::kDirty && frame->pins == 0) frame->dirt = PageDirt::kAwaitingClean;
    }
    advance(content, range);
    if (content.zeros_from < range.first || content.zeros_from >= range.end()) return;
    content.awaiting_end = content.zeros_from;
    while (content.awaiting_end < range.end() && content.pages[content.awaiting_end].empty()) ++content.awaiting_end;
  }
  static void writeback_end(Content& content, PageRange range) {
    advance(content, range);
    if (range.first > content.zeros_from) return;
    clean(content, range.first, std::min(range.end(), content.zeros_from));
    if (range.end() <= content.zeros_from || content.awaiting_end == 0) return;
    uint64_t cleaned = std::min(content.awaiting_end, range.end());
    move_zeros_from(content, cleaned);
    advance(content, {cleaned, range.end() - cleaned});
    clean(content, cleaned, content.zeros_from);
  }
  static void detach(Content& content) {
    content.detached = true;
    for (Page& page : content.pages) {
      if (!page.frame || (page.frame->dirt == PageDirt::kClean && page.frame->pins == 0)) page = {};
    }
  }
  /// Whether the kernel may take the page away: its pager can bring it again.
  static bool may_go(const Content& content, uint64_t page, bool all) {
    const FrameRef& frame = content.pages[page].frame;
    return content.paged() && !content.detached && frame && frame->dirt == PageDirt::kClean && frame->pins == 0 &&
           (all || !frame->always_need);
  }
  static bool may_be_discarded(const Content& content) { return content.unlocked_since != 0 && !pinned(content); }
  static bool dirty_at(const Content& content, uint64_t page) {
    if (page >= content.zeros_from) return true;
    return content.pages[page].frame && content.pages[page].frame->dirt != PageDirt::kClean;
  }
  /// Asking what is dirty moves the beginning of the zeros over what was written.
  static void advance(Content& content, PageRange range) {
    if (content.zeros_from < range.first) return;
    while (content.zeros_from < range.end() && content.pages[content.zeros_from].frame) ++content.zeros_from;
    move_zeros_from(content, content.zeros_from);
  }

  // --- what the kernel says of it ---

  size_t family_size(const Content& of) const {
    return static_cast<size_t>(
        std::ranges::count_if(living_, [&](const Content* each) { return each->family == of.family; }));
  }
  /// Frames that this VMO has and no older living one of its family.
  uint64_t charged(const Vmo& vmo) const {
    if (vmo.slice) return 0;
    uint64_t count = 0;
    for (const Page& page : vmo.content->pages) {
      if (!page.frame) continue;
      bool older = page.frame.use_count() > 1 && std::ranges::any_of(living_, [&](const Content* other) {
                     return other->family == vmo.content->family && other->birth < vmo.content->birth &&
                            std::ranges::any_of(other->pages, [&](const Page& its) { return its.frame == page.frame; });
                   });
      count += older ? 0 : 1;
    }
    return count;
  }
  uint64_t frames() const {
    std::set<Frame*> seen;
    for (const Content* content : living_) {
      for (const Page& page : content->pages) {
        if (page.frame) seen.insert(page.frame.get());
      }
    }
    return seen.size();
  }
  /// Frames that wait to be borrowed.
  uint64_t lent() const {
    uint64_t count = 0;
    for (const Content* content : living_) {
      for (const FrameRef& frame : content->run) count += frame->lent && frame.use_count() == 1 ? 1 : 0;
    }
    return count;
  }
  const std::vector<Content*>& living() const { return living_; }

 private:
  /// The page as one that may be written to.
  Status prepare(Content& content, uint64_t page) {
    Page& at = content.pages[page];
    if (content.kind == PagesKind::kContiguous) {
      if (!at.frame) take_back(content, page);
      return Status::kOk;
    }
    Seen seen = look(content, page);
    if (seen.absent()) return seen.missing();
    bool dirty = at.frame && at.frame->dirt == PageDirt::kDirty;
    if (content.traps && !dirty) return seen.missing();
    bool own = at.frame && !at.frame->lent && (content.rests_on_pager() || at.frame.use_count() == 1);
    if (!own) {
      if (!allocate()) return Status::kNoMemory;
      at.cells = seen.at().cells;
      at.zero = false;
      at.frame = std::make_shared<Frame>();
    }
    if (content.paged()) {
      at.frame->dirt = PageDirt::kDirty;
      content.modified = true;
    }
    return Status::kOk;
  }
  Status zero_pages(Content& content, PageRange range) {
    bool is_copy = content.kind == PagesKind::kPrivateCopy;
    if (is_copy && range.first < content.shows && range.end() >= content.shows) content.shows = range.first;
    uint64_t limit = content.paged()                          ? content.zeros_from
                     : is_copy                                ? content.shows
                     : content.kind == PagesKind::kContiguous ? content.pages.size()
                                                              : 0;
    for (uint64_t page = range.first; page < range.end(); ++page) {
      Page& at = content.pages[page];
      if (page >= limit) {
        content.modified = content.modified || content.paged();
        if (at.frame && at.frame->pins > 0) {
          at.cells = {};
        } else {
          at = {};
        }
        continue;
      }
      if (at.zero || (at.empty() && content.kind == PagesKind::kContiguous)) continue;
      if (is_copy && look(*content.parent, page + content.first).at().frame && !(at.frame && at.frame->pins > 0)) {
        at = {};
        at.zero = true;
        continue;
      }
      if (is_copy && at.empty()) {
        if (!allocate()) return Status::kNoMemory;
        at.frame = std::make_shared<Frame>();
        continue;
      }
      Status status = prepare(content, page);
      if (status != Status::kOk) return status;
      at.cells = {};
    }
    return Status::kOk;
  }
  /// What a borrowed frame holds goes into one that can stay.
  Status settle(Content& content, PageRange range) {
    for (uint64_t page = range.first; page < range.end(); ++page) {
      Page& at = content.pages[page];
      if (!content.paged() || !at.frame || !at.frame->lent) continue;
      if (!allocate()) return Status::kNoMemory;
      at.frame = std::make_shared<Frame>(Frame{.always_need = at.frame->always_need});
    }
    return Status::kOk;
  }
  void take_back(Content& lender, uint64_t page) {
    FrameRef frame = lender.run[page];
    for (Content* content : living_) {
      if (!content->paged()) continue;
      for (uint64_t at = 0; at < content->pages.size(); ++at) {
        if (content->pages[at].frame != frame) continue;
        // Without a frame to move to, the page goes: its pager has it.
        if (settle(*content, {at, 1}) != Status::kOk) content->pages[at] = {};
      }
    }
    frame->lent = false;
    lender.pages[page] = {.frame = frame};
  }
  static void move_zeros_from(Content& content, uint64_t page) {
    content.zeros_from = page;
    if (content.awaiting_end <= page) content.awaiting_end = 0;
  }
  static void clean(Content& content, uint64_t from, uint64_t to) {
    for (; from < to; ++from) {
      const FrameRef& frame = content.pages[from].frame;
      if (frame && frame->dirt == PageDirt::kAwaitingClean) frame->dirt = PageDirt::kClean;
    }
  }

  uint64_t births_ = 0;
};

}  // namespace jacinth::kernel::model
