// What memory does, said as naively as possible: every page of every VMO is a row of numbers, a frame is a token that
// rows share, a page table is a list of who shows what. The random test runs it beside the real thing.
//
// It knows nothing of trees, families of maps or faults. Its only cleverness is to predict when an allocation fails.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emu/base/address.h"
#include "kernel/abi/names.h"
#include "kernel/abi/vmar.h"

namespace jacinth::kernel::model {

constexpr uint64_t kCells = 4;  ///< Numbers per page that the test looks at.
constexpr uint64_t kCellStride = kPageSize / kCells;
constexpr size_t kSlots = 10;  ///< VMO handles at a time.
constexpr size_t kSpaces = 2;
constexpr uint64_t kWindow = 24;  ///< Pages of each space that are played with.

struct Page {
  std::array<uint32_t, kCells> cells = {};
  std::shared_ptr<int> frame;  ///< Null: none, and all cells are zero.
};

/// The pages behind a VMO and its slices.
struct Content {
  std::vector<Page> pages;
  uint64_t birth = 0;
  uint64_t family = 0;
};

struct Vmo {
  std::shared_ptr<Content> content;
  uint64_t first = 0;             ///< A slice's first page.
  std::optional<uint64_t> slice;  ///< A slice's length.
  bool resizable = false;

  uint64_t pages() const { return slice ? *slice : content->pages.size(); }
};

/// What a page of address space shows.
struct Shown {
  std::shared_ptr<Vmo> vmo;
  uint64_t page = 0;
  abi::VmOptions permissions = abi::VmOptions::kNone;
};

class Model {
 public:
  std::array<std::shared_ptr<Vmo>, kSlots> slots;
  std::array<std::array<Shown, kWindow>, kSpaces> windows;
  uint64_t allocations_left = std::numeric_limits<uint64_t>::max();

  std::shared_ptr<Vmo> create(uint64_t pages, bool resizable) {
    auto content = std::make_shared<Content>();
    content->pages.resize(pages);
    content->birth = ++births_;
    content->family = content->birth;
    contents_.push_back(content);
    return std::make_shared<Vmo>(Vmo{.content = content, .resizable = resizable});
  }

  std::shared_ptr<Vmo> snapshot(const Vmo& parent, uint64_t first, uint64_t pages, bool resizable) {
    std::shared_ptr<Vmo> child = create(pages, resizable);
    child->content->family = parent.content->family;
    for (uint64_t i = 0; i < pages && first + i < parent.content->pages.size(); ++i)
      child->content->pages[i] = parent.content->pages[first + i];
    return child;
  }

  static std::shared_ptr<Vmo> slice(const Vmo& parent, uint64_t first, uint64_t pages) {
    return std::make_shared<Vmo>(Vmo{.content = parent.content, .first = parent.first + first, .slice = pages});
  }

  /// The page with a frame of its own; false when there is none to be had.
  bool own(Page& page) {
    if (page.frame && page.frame.use_count() == 1) return true;
    if (allocations_left == 0) return false;
    --allocations_left;
    page.frame = std::make_shared<int>(0);
    return true;
  }

  static void zero(Vmo& vmo, uint64_t from, uint64_t to) {
    for (uint64_t i = from / kPageSize; i * kPageSize < to; ++i) {
      Page& page = vmo.content->pages[vmo.first + i];
      if (from <= i * kPageSize && to >= (i + 1) * kPageSize) {
        page = {};
        continue;
      }
      for (uint64_t cell = 0; cell < kCells; ++cell) {
        uint64_t at = i * kPageSize + cell * kCellStride;
        if (at >= from && at < to) page.cells[cell] = 0;
      }
    }
  }

  size_t family_size(const Vmo& vmo) {
    size_t size = 0;
    for (const auto& content : living()) size += content->family == vmo.content->family ? 1 : 0;
    return size;
  }

  /// Frames that this VMO has and no older living one.
  uint64_t charged(const Vmo& vmo) {
    if (vmo.slice) return 0;
    uint64_t count = 0;
    for (const Page& page : vmo.content->pages) {
      if (!page.frame) continue;
      bool older = false;
      for (const auto& other : living()) {
        if (other->birth >= vmo.content->birth) continue;
        for (const Page& its : other->pages) older = older || its.frame == page.frame;
      }
      count += older ? 0 : 1;
    }
    return count;
  }
  uint64_t frames() {
    std::vector<int*> seen;
    for (const auto& content : living()) {
      for (const Page& page : content->pages) {
        if (page.frame && std::find(seen.begin(), seen.end(), page.frame.get()) == seen.end())
          seen.push_back(page.frame.get());
      }
    }
    return seen.size();
  }

 private:
  std::vector<std::shared_ptr<Content>> living() {
    std::vector<std::shared_ptr<Content>> list;
    std::erase_if(contents_, [](const auto& content) { return content.expired(); });
    for (const auto& content : contents_) list.push_back(content.lock());
    return list;
  }

  uint64_t births_ = 0;
  std::vector<std::weak_ptr<Content>> contents_;
};

}  // namespace jacinth::kernel::model
