// Long random sequences of what programs and pagers do to pagers' VMOs and to private copies of them, beside a naive
// model: contents, what has to be fetched, what is dirty, who is charged, how many frames are in use, and what the page
// tables show are compared after each step. Nobody waits here: what would wait is kShouldWait.

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include "tests/kernel/vm/page_table_check.h"
#include "tests/kernel/vm/vm_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::VmoChildOptions;
using abi::VmoOptions;
using enum abi::VmOptions;

constexpr uint64_t kPage = kPageSize;
constexpr size_t kSlots = 6;
constexpr uint64_t kWindow = 16;
constexpr uint64_t kMost = 7;  ///< Pages of a VMO.
constexpr GuestAddr kBase{0x4000'0000};

// --- the model ---

struct Page {
  enum class Is { kEmpty, kZero, kFrame } is = Is::kEmpty;
  uint32_t word = 0;
  PageDirt dirt = PageDirt::kClean;
};

/// A pager's pages, or a copy that looks through to its parent.
struct Content {
  std::vector<Page> pages;
  std::shared_ptr<Content> parent;  ///< Null: a pager's.
  uint64_t first = 0;
  uint64_t shows = 0;  ///< The parent shows in the pages below.
  bool traps = false;
  bool detached = false;
  uint64_t zeros_from = 0;
  uint64_t awaiting_end = 0;
};
using ContentRef = std::shared_ptr<Content>;

struct Seen {
  Content* owner;
  uint64_t page;
  Page& at() const { return owner->pages[page]; }
  bool absent() const { return at().is == Page::Is::kEmpty && !owner->parent && page < owner->zeros_from; }
  Status missing() const { return owner->detached ? Status::kBadState : Status::kShouldWait; }
};

Seen look(Content& content, uint64_t page) {
  Content* at = &content;
  while (at->pages[page].is == Page::Is::kEmpty && at->parent && page < at->shows) {
    page += at->first;
    at = at->parent.get();
  }
  return {at, page};
}

struct Model {
  struct Shown {
    ContentRef content;
    uint64_t page = 0;
    bool writable = false;
  };
  std::array<ContentRef, kSlots> slots;
  std::array<Shown, kWindow> window;
  bool hungry = false;

  Status own(Content& content, uint64_t page) {
    Page& at = content.pages[page];
    if (at.is == Page::Is::kFrame) return Status::kOk;
    if (hungry) return Status::kNoMemory;
    at.word = look(content, page).at().word;
    at.is = Page::Is::kFrame;
    at.dirt = PageDirt::kClean;
    return Status::kOk;
  }
  /// The page as one that may be written to.
  Status prepare(Content& content, uint64_t page) {
    Seen seen = look(content, page);
    if (seen.absent()) return seen.missing();
    Page& at = content.pages[page];
    bool paged = !content.parent;
    if (paged && at.dirt != PageDirt::kDirty && content.traps) return seen.missing();
    Status status = own(content, page);
    if (paged && status == Status::kOk) at.dirt = PageDirt::kDirty;
    return status;
  }
  Status write(Content& content, uint64_t page, uint32_t word) {
    Status status = prepare(content, page);
    if (status == Status::kOk) content.pages[page].word = word;
    return status;
  }
  Status zero(Content& content, uint64_t first, uint64_t count) {
    uint64_t end = first + count;
    if (content.parent && first < content.shows && end >= content.shows) content.shows = first;
    for (uint64_t page = first; page < end; ++page) {
      Page& at = content.pages[page];
      if (page >= (content.parent ? content.shows : content.zeros_from)) {
        at = {};
        continue;
      }
      if (at.is == Page::Is::kZero) continue;
      if (content.parent && look(*content.parent, page + content.first).at().is == Page::Is::kFrame) {
        at = {.is = Page::Is::kZero};
        continue;
      }
      if (content.parent && at.is == Page::Is::kEmpty) {
        if (hungry) return Status::kNoMemory;
        at = {.is = Page::Is::kFrame};
        continue;
      }
      Status status = write(content, page, 0);
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  }
  Status commit(Content& content, uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; ++page) {
      Seen seen = look(content, page);
      if (seen.absent()) return seen.missing();
      if (!content.parent && content.pages[page].is == Page::Is::kFrame) continue;
      Status status = prepare(content, page);
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  }
  void resize(const ContentRef& content, uint64_t pages) {
    if (pages < content->pages.size()) {
      content->shows = std::min(content->shows, pages);
      content->zeros_from = std::min(content->zeros_from, pages);
      content->awaiting_end = std::min(content->awaiting_end, pages);
      if (content->awaiting_end <= content->zeros_from) content->awaiting_end = 0;
      for (const ContentRef& copy : living()) {
        if (copy->parent == content) copy->shows = std::min(copy->shows, pages > copy->first ? pages - copy->first : 0);
      }
    }
    content->pages.resize(pages);
  }

  std::vector<ContentRef> living() {
    std::vector<ContentRef> list;
    auto add = [&](ContentRef content) {
      for (; content && std::ranges::find(list, content) == list.end(); content = content->parent)
        list.push_back(content);
    };
    for (const ContentRef& content : slots) add(content);
    for (const Shown& shown : window) add(shown.content);
    return list;
  }
  uint64_t frames() {
    uint64_t count = 0;
    for (const ContentRef& content : living()) count += charged(*content);
    return count;
  }
  static uint64_t charged(const Content& content) {
    return static_cast<uint64_t>(
        std::ranges::count_if(content.pages, [](const Page& page) { return page.is == Page::Is::kFrame; }));
  }
};

// --- the two side by side ---

enum class Kind : uint8_t {
  kCreate,
  kCopy,
  kClose,
  kResize,
  kWrite,
  kZero,
  kCommit,
  kSupply,
  kDirty,
  kBegin,
  kEnd,
  kDetach,
  kEvict,
  kMap,
  kUnmap,
  kPoke,
  kPeek,
  kReload,
  kStarve,
  kFeed,
};
constexpr unsigned kKinds = 20;
struct Step {
  Kind kind{};
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

class Pair {
 public:
  Pair() {
    rig_.pin();
    rig_.space();
    AddressRegion& root = rig_.root();
    window_ = *root.allocate(kBase - root.base(), kWindow * kPage, kCanMapMask | kCanMapSpecific | kSpecific);
  }
  ~Pair() {
    rig_.pmm().never_fail();
    window_ = nullptr;
  }

  void run(const Step& step) {
    act(step);
    rig_.core().objects().drain();
    compare();
  }

 private:
  static std::span<std::byte> bytes(uint32_t& word) { return std::as_writable_bytes(std::span(&word, 1)); }

  void made(size_t slot, const Result<Ref<Vmo>>& got, ContentRef expected) {
    REQUIRE(got.status() == Status::kOk);
    drop(slot);
    koids_[slot] = rig_.hold(*got);
    model_.slots[slot] = std::move(expected);
  }
  void drop(size_t slot) {
    if (!model_.slots[slot]) return;
    rig_.close(koids_[slot]);
    model_.slots[slot] = nullptr;
  }
  void starve(bool hungry) {
    model_.hungry = hungry;
    hungry ? rig_.pmm().fail_after(0) : rig_.pmm().never_fail();
  }

  void act(const Step& step) {
    size_t slot = step.a % kSlots;
    switch (step.kind) {
      case Kind::kCreate: {
        auto content = std::make_shared<Content>();
        content->pages.resize(step.b % kMost);
        content->zeros_from = content->pages.size();
        content->traps = step.c % 3 == 0;
        VmoOptions options = VmoOptions::kResizable | (content->traps ? VmoOptions::kTrapDirty : VmoOptions::kNone);
        return made(slot, Vmo::create_paged(rig_.core(), content->pages.size() * kPage, options, Koid::kInvalid),
                    content);
      }
      case Kind::kClose: return drop(slot);
      case Kind::kReload: return reload();
      case Kind::kStarve: return starve(true);
      case Kind::kFeed: return starve(false);
      case Kind::kUnmap: return unmap(step);
      case Kind::kPoke:
      case Kind::kPeek: return access(step);
      default: break;
    }
    if (!model_.slots[slot]) return;
    ContentRef content = model_.slots[slot];
    Vmo& real = rig_.at(koids_[slot]);
    uint64_t size = content->pages.size();
    uint64_t first = size == 0 ? 0 : step.b % size;
    uint64_t count = size == 0 ? 0 : step.c % (size - first + 1);
    bool paged = !content->parent;
    switch (step.kind) {
      case Kind::kCopy: {
        auto copy = std::make_shared<Content>();
        copy->pages.resize(step.d % kMost);
        copy->parent = content;
        copy->first = step.c % kMost;
        copy->shows = copy->first < size ? std::min<uint64_t>(copy->pages.size(), size - copy->first) : 0;
        return made(step.b % kSlots,
                    real.create_child(VmoChildOptions::kSnapshotAtLeastOnWrite | VmoChildOptions::kResizable,
                                      copy->first * kPage, copy->pages.size() * kPage, false),
                    copy);
      }
      case Kind::kResize:
        REQUIRE(real.set_size(step.b % kMost * kPage) == Status::kOk);
        return model_.resize(content, step.b % kMost);
      case Kind::kWrite: {
        if (size == 0) return;
        uint32_t word = step.d | 1;
        REQUIRE(real.write(first * kPage, bytes(word)) == model_.write(*content, first, word));
        return;
      }
      case Kind::kZero:
        if (step.d % 2 == 0) {
          REQUIRE(real.zero(first * kPage, count * kPage) == model_.zero(*content, first, count));
        } else if (size > 0) {  // Part of a page, unless it is zero anyway.
          Seen seen = look(*content, first);
          bool zero = seen.at().is != Page::Is::kFrame && !seen.absent();
          REQUIRE(real.zero(first * kPage, 4) == (zero ? Status::kOk : model_.write(*content, first, 0)));
        }
        return;
      case Kind::kCommit:
        REQUIRE(real.commit(first * kPage, count * kPage) == model_.commit(*content, first, count));
        return;
      case Kind::kMap: return map(koids_[slot], content, step);
      default: break;
    }
    if (!paged) return;
    page(step, real, *content, first, count);
  }

  /// What the pager does.
  void page(const Step& step, Vmo& real, Content& content, uint64_t first, uint64_t count) {
    PageRange range = {first, count};
    switch (step.kind) {
      case Kind::kSupply: {
        if (model_.hungry) return;  // The source would have no pages.
        Ref<Vmo> aux = *Vmo::create(rig_.core(), kMost * kPage);
        for (uint64_t i = 0; i < count; ++i) {
          uint32_t word = (step.d + static_cast<uint32_t>(i)) % 3 == 0 ? 0 : step.d + static_cast<uint32_t>(i);
          if (word != 0) REQUIRE(aux->write(i * kPage, bytes(word)) == Status::kOk);
          Page& at = content.pages[first + i];
          if (at.is != Page::Is::kEmpty || first + i >= content.zeros_from) continue;
          at = {.is = word != 0 ? Page::Is::kFrame : Page::Is::kZero, .word = word};
        }
        REQUIRE(real.supply(first * kPage, count * kPage, *aux, 0) == Status::kOk);
        return;
      }
      case Kind::kDirty: {
        Status wanted = content.traps ? Status::kOk : Status::kNotSupported;
        uint64_t frames = 0;
        for (uint64_t at = first; at < first + count && wanted == Status::kOk; ++at) {
          if (content.pages[at].is == Page::Is::kEmpty && at < content.zeros_from) wanted = Status::kNotFound;
          if (content.pages[at].is != Page::Is::kFrame) ++frames;
        }
        if (wanted == Status::kOk && frames > 0 && model_.hungry) wanted = Status::kNoMemory;
        REQUIRE(real.pages()->dirty(range) == wanted);
        if (wanted != Status::kOk) return;
        for (uint64_t at = first; at < first + count; ++at) {
          content.pages[at].is = Page::Is::kFrame;
          content.pages[at].dirt = PageDirt::kDirty;
        }
        return;
      }
      case Kind::kBegin:
        real.pages()->writeback_begin(range);
        for (uint64_t at = first; at < first + count; ++at) {
          if (content.pages[at].dirt == PageDirt::kDirty) content.pages[at].dirt = PageDirt::kAwaitingClean;
        }
        advance(content, range);
        if (content.zeros_from >= first && content.zeros_from < range.end()) {
          uint64_t gap = content.zeros_from;
          while (gap < range.end() && content.pages[gap].is == Page::Is::kEmpty) ++gap;
          content.awaiting_end = gap;
        }
        return;
      case Kind::kEnd:
        real.pages()->writeback_end(range);
        advance(content, range);
        if (first > content.zeros_from) return;
        clean(content, first, std::min(range.end(), content.zeros_from));
        if (range.end() <= content.zeros_from || content.awaiting_end == 0) return;
        first = std::min(content.awaiting_end, range.end());
        content.zeros_from = first;
        if (content.awaiting_end <= first) content.awaiting_end = 0;
        advance(content, {first, range.end() - first});
        clean(content, first, content.zeros_from);
        return;
      case Kind::kDetach:
        if (step.d % 8 != 0) return;
        real.pages()->detach();
        content.detached = true;
        for (Page& at : content.pages) {
          if (at.dirt == PageDirt::kClean) at = {};
        }
        return;
      case Kind::kEvict: {
        if (content.pages.empty()) return;
        Page& at = content.pages[first];
        bool goes = !content.detached && at.is == Page::Is::kFrame && at.dirt == PageDirt::kClean;
        REQUIRE(real.pages()->evict(first, false) == goes);
        if (goes) at = {};
        return;
      }
      default: return;
    }
  }
  static void advance(Content& content, PageRange range) {
    if (content.zeros_from < range.first) return;
    while (content.zeros_from < range.end() && content.pages[content.zeros_from].is == Page::Is::kFrame)
      ++content.zeros_from;
    if (content.awaiting_end <= content.zeros_from) content.awaiting_end = 0;
  }
  static void clean(Content& content, uint64_t from, uint64_t to) {
    for (; from < to; ++from) {
      if (content.pages[from].dirt == PageDirt::kAwaitingClean) content.pages[from].dirt = PageDirt::kClean;
    }
  }

  void map(Koid koid, const ContentRef& content, const Step& step) {
    uint64_t at = step.b % kWindow;
    uint64_t count = 1 + step.c % std::min<uint64_t>(6, kWindow - at);
    bool writable = step.d % 2 == 0;
    REQUIRE(rig_.map(*window_, koid, step.d % 5 * kPage, count * kPage,
                     (writable ? kPermRead | kPermWrite : kPermRead) | kSpecificOverwrite, at * kPage)
                .status() == Status::kOk);
    for (uint64_t i = 0; i < count; ++i) model_.window[at + i] = {content, step.d % 5 + i, writable};
  }
  void unmap(const Step& step) {
    uint64_t at = step.b % kWindow;
    uint64_t count = 1 + step.c % (kWindow - at);
    REQUIRE(window_->unmap(kBase + at * kPage, count * kPage) == Status::kOk);
    for (uint64_t i = at; i < at + count; ++i) model_.window[i] = {};
  }
  void access(const Step& step) {
    uint64_t at = step.b % kWindow;
    Model::Shown& shown = model_.window[at];
    bool write = step.kind == Kind::kPoke;
    uint32_t word = step.d | 1;
    GuestAddr address = kBase + at * kPage;
    Status got = write ? rig_.space(0).write(address, bytes(word)) : rig_.space(0).read(address, bytes(word));
    Status wanted = Status::kInvalidArgs;
    if (shown.content && shown.page < shown.content->pages.size()) {
      Seen seen = look(*shown.content, shown.page);
      if (write && shown.writable) wanted = model_.write(*shown.content, shown.page, word);
      if (!write && !seen.absent()) {
        wanted = Status::kOk;
        REQUIRE(word == seen.at().word);
      }
    }
    REQUIRE(got == (wanted == Status::kOk ? Status::kOk : Status::kInvalidArgs));
  }
  void reload() {
    Koid koid = rig_.hold(window_);
    window_ = nullptr;
    rig_.reload();
    window_ = Ref<AddressRegion>(&rig_.region(koid));
    rig_.close(koid);
    starve(model_.hungry);
  }

  void compare() {
    for (size_t slot = 0; slot < kSlots; ++slot) {
      if (!model_.slots[slot]) continue;
      Content& content = *model_.slots[slot];
      Vmo& real = rig_.at(koids_[slot]);
      REQUIRE(real.page_count() == content.pages.size());
      REQUIRE(real.attributed_bytes() / kPage == Model::charged(content));
      for (uint64_t page = 0; page < content.pages.size(); ++page) {
        Seen seen = look(content, page);
        uint32_t word = 0;
        Status status = real.read(page * kPage, bytes(word));
        REQUIRE(status == (seen.absent() ? seen.missing() : Status::kOk));
        if (status == Status::kOk) REQUIRE(word == seen.at().word);
      }
      if (!content.parent) compare_dirty(real, content);
    }
    REQUIRE(rig_.object_frames() == model_.frames());
    check_page_tables(rig_, 0);
    for (const auto& [page, entry] : rig_.platform().page_table(rig_.space(0).page_table())) {
      const Model::Shown& shown = model_.window.at((page - kBase) / kPage);
      uint32_t word = 0;
      std::memcpy(&word, rig_.platform().data(entry.frame), sizeof word);
      Seen seen = look(*shown.content, shown.page);
      REQUIRE(word == seen.at().word);
      bool may_write = seen.owner == shown.content.get() && seen.at().is == Page::Is::kFrame &&
                       (seen.owner->parent || seen.at().dirt == PageDirt::kDirty);
      if (entry.permissions.write) REQUIRE((shown.writable && may_write));
    }
  }
  static void compare_dirty(Vmo& real, Content& content) {
    std::vector<bool> dirty(content.pages.size());
    real.pages()->for_each_dirty({0, content.pages.size()}, [&](PageRange range, bool zero) {
      for (uint64_t page = range.first; page < range.end(); ++page) {
        dirty[page] = true;
        REQUIRE(zero == (content.pages[page].is != Page::Is::kFrame));
      }
      return true;
    });
    // Asking moves the beginning of the zeros over what was written.
    advance(content, {0, content.pages.size()});
    for (uint64_t page = 0; page < content.pages.size(); ++page) {
      bool wanted = page < content.zeros_from ? content.pages[page].dirt != PageDirt::kClean : true;
      REQUIRE(dirty[page] == wanted);
    }
  }

  VmRig rig_;
  Model model_;
  std::array<Koid, kSlots> koids_ = {};
  Ref<AddressRegion> window_;
};

TEST_CASE("random sequences on pagers' VMOs and their copies do what the naive model does") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    auto number = [&random] { return static_cast<uint32_t>(random() % 1000); };
    Pair pair;
    for (int i = 0; i < 500; ++i) {
      auto kind = static_cast<Kind>(number() % kKinds);
      // Rare ones: a reload costs as much as hundreds of steps, and hunger must end.
      if (kind == Kind::kReload && number() % 32 != 0) kind = Kind::kWrite;
      if (kind == Kind::kStarve && number() % 4 != 0) kind = Kind::kFeed;
      INFO(fmt::format("seed {} step {} kind {}", seed, i, static_cast<unsigned>(kind)));
      pair.run({.kind = kind, .a = number(), .b = number(), .c = number(), .d = number()});
    }
  }
}

}  // namespace
}  // namespace jacinth::kernel
