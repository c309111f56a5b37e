// Which frame stands behind each page of a container: a sparse tree that snapshots share.
//
//      snapshot A          snapshot B            A wrote one page since:
//          \                  /                  the path to it is A's own,
//           v                v                   everything else is shared.
//        [ node ]        [ node ]
//         |    \__________/  |
//         v          v       v
//      [leaf']    [leaf]  [leaf]  --> frames (FrameRecord::shares counts leaves)
//
// Zircon keeps a tree of hidden VMOs for this (vm_cow_pages.cc): pages that two snapshots see stay in a hidden parent,
// a reader walks up the chain, a writer copies pages down level by level, and a parent collapses into the child that is
// left. Here snapshots share the page tables of their contents instead, as persistent data structures do: taking one is
// O(1), reading costs the same at any depth of a chain of snapshots, a page is copied at most once per write, nothing
// has to collapse, and a page lives exactly as long as somebody sees it. What a guest can tell apart is only who of
// several snapshots is charged for a page that they all see (see CowPages::attributed_pages).
//
// Nodes have 64 entries; a map is as high as its highest page needs, up to 2^54 pages. A snapshot that begins at some
// offset of its parent keeps the parent's numbering (`base_`), so that it can share nodes at any offset.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kernel/vm/pmm.h"

namespace jacinth::kernel {

/// What a page map holds for one page.
enum class Slot : uint32_t {
  kEmpty = 0,
  /// Zeros, although what lies below (a parent, a pager) may say otherwise.
  kZero = 0xffff'ffff,
};
constexpr Slot slot_of(Frame frame) { return Slot{static_cast<uint32_t>(frame)}; }
constexpr bool holds_frame(Slot slot) { return slot != Slot::kEmpty && slot != Slot::kZero; }
constexpr Frame frame_of(Slot slot) { return holds_frame(slot) ? Frame{static_cast<uint32_t>(slot)} : Frame::kNone; }

class PageMap {
 public:
  /// Pages of a map are numbered below this.
  static constexpr uint64_t kMaxPages = uint64_t{1} << 52;

  explicit PageMap(Pmm& pmm) : pmm_(&pmm) {}
  PageMap(PageMap&& other) noexcept
      : pmm_(other.pmm_), root_(std::exchange(other.root_, nullptr)), base_(std::exchange(other.base_, 0)) {}
  PageMap& operator=(PageMap&& other) noexcept;
  ~PageMap() { clear(); }

  bool empty() const { return root_ == nullptr; }
  Slot find(uint64_t page) const;
  /// What the page holds, and whether no other map sees the same frame, so that it may be written in place.
  std::pair<Slot, bool> find_exclusive(uint64_t page) const;

  /// Puts `slot` there. A frame comes with one share, which is the map's now; what was there is let go.
  void set(uint64_t page, Slot slot);
  /// Takes the frame out without letting it go, if no other map sees it; the page is empty then.
  Frame take(uint64_t page);
  /// Lets go of everything in the range.
  void erase(uint64_t first, uint64_t count);
  void clear();

  /// A map that sees what this one has in the range, now, from its page 0 on. The range must be numbered().
  PageMap snapshot(uint64_t first, uint64_t count) const;
  /// Whether the numbering has room for a snapshot that begins there: they add up along a chain of snapshots.
  bool numbered(uint64_t first) const { return first <= kMaxBase && base_ <= kMaxBase - first; }

  /// The first page in the range that is not empty.
  std::optional<uint64_t> next_in(uint64_t first, uint64_t count) const;
  /// Calls visit(page, slot) for each page in the range that is not empty, in order. The map must not change meanwhile.
  template <class F>
  void for_each(uint64_t first, uint64_t count, F&& visit) const {
    if (root_ == nullptr || count == 0) return;
    walk(root_, first + base_, first + base_ + count - 1,
         [&](uint64_t index, Slot slot) { visit(index - base_, slot); });
  }

  /// How many frames in the range none of `others` (maps of the same family of snapshots) sees as well.
  uint64_t count_unseen_by(std::span<const PageMap* const> others, uint64_t first, uint64_t count) const;
  /// Bytes of host memory in nodes that this map does not share.
  uint64_t node_bytes() const;

  /// The nodes that several maps share, while those maps are saved or loaded one after the other.
  class Sharing;
  void state(Archive& ar, Sharing& sharing);

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kFanout = 1u << kBits;
  static constexpr unsigned kMaxLevel = 8;
  /// What is left of the 2^54 numbers when the highest page takes its own.
  static constexpr uint64_t kMaxBase = (uint64_t{1} << (kBits * (kMaxLevel + 1))) - kMaxPages;

  struct Node {
    uint32_t refs = 1;
    uint8_t level = 0;  ///< 0: a leaf.
    uint8_t used = 0;   ///< Entries that are not empty.
  };
  struct Leaf : Node {
    std::array<Slot, kFanout> slots = {};
  };
  struct Inner : Node {
    std::array<Node*, kFanout> children = {};
  };

  static unsigned entry(uint64_t index, unsigned level) {
    return static_cast<unsigned>(index >> (kBits * level)) & (kFanout - 1);
  }
  /// One past the last index that a node of this level covers, counted from its first.
  static uint64_t span(unsigned level) { return uint64_t{1} << (kBits * (level + 1)); }
  /// Entries of `node`, whose first index is `node_base`, that lie in [first, last], in order.
  template <class F>
  static void walk(const Node* node, uint64_t first, uint64_t last, F&& visit, uint64_t node_base = 0) {
    uint64_t step = node->level == 0 ? 1 : span(node->level - 1u);
    uint64_t end = node_base + span(node->level) - 1;
    if (last < node_base || first > end) return;
    unsigned begin_entry = first <= node_base ? 0 : static_cast<unsigned>((first - node_base) / step);
    unsigned end_entry = last >= end ? kFanout - 1 : static_cast<unsigned>((last - node_base) / step);
    for (unsigned i = begin_entry; i <= end_entry; ++i) {
      if (node->level == 0) {
        Slot slot = static_cast<const Leaf*>(node)->slots[i];
        if (slot != Slot::kEmpty) visit(node_base + i, slot);
      } else if (const Node* child = static_cast<const Inner*>(node)->children[i]) {
        walk(child, first, last, visit, node_base + i * step);
      }
    }
  }

  static void destroy(Node* node);
  void release(Node* node);
  /// The node with nobody else in it: itself, or a copy in its place.
  Node* own(Node*& place);
  void erase_in(Node*& place, uint64_t node_base, uint64_t first, uint64_t last);
  static std::optional<uint64_t> next_below(const Node* node, uint64_t node_base, uint64_t first, uint64_t last);
  static bool any_in(const Node* node, uint64_t node_base, uint64_t first, uint64_t last);
  static uint64_t count_unseen(const Node* node, std::span<const Node* const> others, uint64_t node_base,
                               uint64_t first, uint64_t last);
  void state_of(Archive& ar, Sharing& sharing, Node*& place);
  void entries_of(Archive& ar, Sharing& sharing, Node& node);

  Pmm* pmm_;
  Node* root_ = nullptr;
  uint64_t base_ = 0;
};

class PageMap::Sharing {
 private:
  friend class PageMap;
  std::map<const Node*, uint32_t> numbers_;  // Saving: looked up, never walked.
  std::vector<Node*> nodes_;                 // Loading.
};

}  // namespace jacinth::kernel
