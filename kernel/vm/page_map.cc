#include "kernel/vm/page_map.h"

#include <algorithm>
#include <limits>

namespace jacinth::kernel {

PageMap& PageMap::operator=(PageMap&& other) noexcept {
  if (this != &other) {
    clear();
    pmm_ = other.pmm_;
    root_ = std::exchange(other.root_, nullptr);
    base_ = std::exchange(other.base_, 0);
  }
  return *this;
}

Slot PageMap::find(uint64_t page) const {
  uint64_t index = page + base_;
  const Node* node = root_;
  if (node == nullptr || index >= span(node->level)) return Slot::kEmpty;
  while (node->level > 0) {
    node = static_cast<const Inner*>(node)->children[entry(index, node->level)];
    if (node == nullptr) return Slot::kEmpty;
  }
  return static_cast<const Leaf*>(node)->slots[entry(index, 0)];
}

std::pair<Slot, bool> PageMap::find_exclusive(uint64_t page) const {
  uint64_t index = page + base_;
  const Node* node = root_;
  if (node == nullptr || index >= span(node->level)) return {Slot::kEmpty, true};
  bool alone = node->refs == 1;
  while (node->level > 0) {
    node = static_cast<const Inner*>(node)->children[entry(index, node->level)];
    if (node == nullptr) return {Slot::kEmpty, alone};
    alone = alone && node->refs == 1;
  }
  Slot slot = static_cast<const Leaf*>(node)->slots[entry(index, 0)];
  if (alone && holds_frame(slot)) alone = pmm_->record(frame_of(slot)).shares == 1;
  return {slot, alone};
}

void PageMap::destroy(Node* node) {
  if (node->level == 0) {
    delete static_cast<Leaf*>(node);
  } else {
    delete static_cast<Inner*>(node);
  }
}

void PageMap::release(Node* node) {
  if (--node->refs > 0) return;
  if (node->level == 0) {
    for (Slot slot : static_cast<Leaf*>(node)->slots) {
      if (holds_frame(slot)) pmm_->unshare(frame_of(slot));
    }
  } else {
    for (Node* child : static_cast<Inner*>(node)->children) {
      if (child != nullptr) release(child);
    }
  }
  destroy(node);
}

PageMap::Node* PageMap::own(Node*& place) {
  Node* node = place;
  if (node->refs == 1) return node;
  Node* copy = nullptr;
  if (node->level == 0) {
    auto* leaf = new Leaf(*static_cast<Leaf*>(node));
    for (Slot slot : leaf->slots) {
      if (holds_frame(slot)) pmm_->share(frame_of(slot));
    }
    copy = leaf;
  } else {
    auto* inner = new Inner(*static_cast<Inner*>(node));
    for (Node* child : inner->children) {
      if (child != nullptr) ++child->refs;
    }
    copy = inner;
  }
  copy->refs = 1;
  --node->refs;
  place = copy;
  return copy;
}

void PageMap::set(uint64_t page, Slot slot) {
  if (slot == Slot::kEmpty) return erase(page, 1);
  uint64_t index = page + base_;
  if (root_ == nullptr) {
    // As high as it has to be for this page.
    unsigned level = 0;
    while (index >= span(level)) ++level;
    root_ = level == 0 ? static_cast<Node*>(new Leaf) : new Inner;
    root_->level = static_cast<uint8_t>(level);
  }
  while (index >= span(root_->level)) {
    auto* higher = new Inner;
    higher->level = static_cast<uint8_t>(root_->level + 1);
    higher->used = 1;
    higher->children[0] = root_;
    root_ = higher;
  }
  Node* node = own(root_);
  while (node->level > 0) {
    auto* inner = static_cast<Inner*>(node);
    Node*& place = inner->children[entry(index, inner->level)];
    if (place == nullptr) {
      place = inner->level == 1 ? static_cast<Node*>(new Leaf) : new Inner;
      place->level = static_cast<uint8_t>(inner->level - 1);
      ++inner->used;
    }
    node = own(place);
  }
  Slot& at = static_cast<Leaf*>(node)->slots[entry(index, 0)];
  if (at == Slot::kEmpty) ++node->used;
  Slot before = std::exchange(at, slot);
  if (holds_frame(before)) pmm_->unshare(frame_of(before));
}

Frame PageMap::take(uint64_t page) {
  auto [slot, alone] = find_exclusive(page);
  if (!alone || !holds_frame(slot)) return Frame::kNone;
  pmm_->share(frame_of(slot));  // So that erase() leaves it alive.
  erase(page, 1);
  --pmm_->record(frame_of(slot)).shares;
  return frame_of(slot);
}

void PageMap::erase(uint64_t first, uint64_t count) {
  if (root_ != nullptr && count > 0) erase_in(root_, 0, first + base_, first + base_ + count - 1);
  if (root_ == nullptr) base_ = 0;
}

bool PageMap::any_in(const Node* node, uint64_t node_base, uint64_t first, uint64_t last) {
  uint64_t end = node_base + span(node->level) - 1;
  if (last < node_base || first > end) return false;
  if (first <= node_base && last >= end) return true;  // No node is empty.
  uint64_t step = node->level == 0 ? 1 : span(node->level - 1u);
  uint64_t from = std::max(first, node_base) - node_base;
  uint64_t to = std::min(last, end) - node_base;
  for (uint64_t i = from / step; i <= to / step; ++i) {
    if (node->level == 0) {
      if (static_cast<const Leaf*>(node)->slots[i] != Slot::kEmpty) return true;
    } else if (const Node* child = static_cast<const Inner*>(node)->children[i]) {
      if (any_in(child, node_base + i * step, first, last)) return true;
    }
  }
  return false;
}

void PageMap::erase_in(Node*& place, uint64_t node_base, uint64_t first, uint64_t last) {
  uint64_t end = node_base + span(place->level) - 1;
  if (last < node_base || first > end) return;
  if (first <= node_base && last >= end) {
    release(std::exchange(place, nullptr));
    return;
  }
  // An erase that finds nothing must not copy a shared path.
  if (place->refs > 1 && !any_in(place, node_base, first, last)) return;
  Node* node = own(place);
  if (node->level == 0) {
    auto* leaf = static_cast<Leaf*>(node);
    uint64_t from = std::max(first, node_base) - node_base;
    uint64_t to = std::min(last, end) - node_base;
    for (uint64_t i = from; i <= to; ++i) {
      Slot slot = std::exchange(leaf->slots[i], Slot::kEmpty);
      if (slot == Slot::kEmpty) continue;
      --node->used;
      if (holds_frame(slot)) pmm_->unshare(frame_of(slot));
    }
  } else {
    auto* inner = static_cast<Inner*>(node);
    uint64_t step = span(inner->level - 1u);
    for (unsigned i = 0; i < kFanout; ++i) {
      Node*& child = inner->children[i];
      if (child == nullptr) continue;
      erase_in(child, node_base + i * step, first, last);
      if (child == nullptr) --node->used;
    }
  }
  if (node->used == 0) {
    destroy(node);
    place = nullptr;
  }
}

void PageMap::clear() {
  if (root_ != nullptr) release(std::exchange(root_, nullptr));
  base_ = 0;
}

std::optional<uint64_t> PageMap::next_below(const Node* node, uint64_t node_base, uint64_t first, uint64_t last) {
  uint64_t end = node_base + span(node->level) - 1;
  if (last < node_base || first > end) return std::nullopt;
  uint64_t step = node->level == 0 ? 1 : span(node->level - 1u);
  uint64_t from = std::max(first, node_base) - node_base;
  uint64_t to = std::min(last, end) - node_base;
  for (uint64_t i = from / step; i <= to / step; ++i) {
    if (node->level == 0) {
      if (static_cast<const Leaf*>(node)->slots[i] != Slot::kEmpty) return node_base + i;
    } else if (const Node* child = static_cast<const Inner*>(node)->children[i]) {
      if (auto found = next_below(child, node_base + i * step, first, last)) return found;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> PageMap::next_in(uint64_t first, uint64_t count) const {
  if (root_ == nullptr || count == 0) return std::nullopt;
  std::optional<uint64_t> index = next_below(root_, 0, first + base_, first + base_ + count - 1);
  if (!index) return std::nullopt;
  return *index - base_;
}

PageMap PageMap::snapshot(uint64_t first, uint64_t count) const {
  PageMap child(*pmm_);
  if (root_ == nullptr || count == 0) return child;
  CHECK(numbered(first));
  ++root_->refs;
  child.root_ = root_;
  child.base_ = base_ + first;
  // Everything outside the window goes: it must neither show through when the child grows nor live on because of it.
  uint64_t begin = child.base_;
  uint64_t end = begin + count;
  if (begin > 0) child.erase_in(child.root_, 0, 0, begin - 1);
  if (child.root_ != nullptr) child.erase_in(child.root_, 0, end, std::numeric_limits<uint64_t>::max());
  if (child.root_ == nullptr) child.base_ = 0;
  return child;
}

uint64_t PageMap::count_unseen_by(std::span<const PageMap* const> others, uint64_t first, uint64_t count) const {
  if (root_ == nullptr || count == 0) return 0;
  // Maps of a family number their pages alike, so the same frame stands at the same index.
  std::vector<const Node*> roots;
  for (const PageMap* other : others) {
    const Node* node = other->root_;
    while (node != nullptr && node->level > root_->level) node = static_cast<const Inner*>(node)->children[0];
    if (node != nullptr) roots.push_back(node);
  }
  return count_unseen(root_, roots, 0, first + base_, first + base_ + count - 1);
}

uint64_t PageMap::count_unseen(const Node* node, std::span<const Node* const> others, uint64_t node_base,
                               uint64_t first, uint64_t last) {
  uint64_t end = node_base + span(node->level) - 1;
  if (last < node_base || first > end) return 0;
  if (std::ranges::find(others, node) != others.end()) return 0;
  uint64_t step = node->level == 0 ? 1 : span(node->level - 1u);
  uint64_t from = (std::max(first, node_base) - node_base) / step;
  uint64_t to = (std::min(last, end) - node_base) / step;
  uint64_t total = 0;
  for (uint64_t i = from; i <= to; ++i) {
    if (node->level == 0) {
      Slot slot = static_cast<const Leaf*>(node)->slots[i];
      if (!holds_frame(slot)) continue;
      auto sees = [&](const Node* other) { return static_cast<const Leaf*>(other)->slots[i] == slot; };
      if (std::ranges::none_of(others, sees)) ++total;
      continue;
    }
    const Node* child = static_cast<const Inner*>(node)->children[i];
    if (child == nullptr) continue;
    std::vector<const Node*> below;
    for (const Node* other : others) {
      // A lower map covers what child 0 covers, or less.
      const Node* at = other->level == node->level ? static_cast<const Inner*>(other)->children[i]
                       : i == 0                    ? other
                                                   : nullptr;
      if (at != nullptr) below.push_back(at);
    }
    total += count_unseen(child, below, node_base + i * step, first, last);
  }
  return total;
}

uint64_t PageMap::node_bytes() const {
  auto bytes = [](auto&& self, const Node* node) -> uint64_t {
    if (node == nullptr || node->refs > 1) return 0;
    if (node->level == 0) return sizeof(Leaf);
    uint64_t sum = sizeof(Inner);
    for (const Node* child : static_cast<const Inner*>(node)->children) sum += self(self, child);
    return sum;
  };
  return bytes(bytes, root_);
}

void PageMap::state(Archive& ar, Sharing& sharing) {
  if (ar.loading()) clear();
  bool present = root_ != nullptr;
  ar(base_, present);
  if (ar.loading()) {
    if (base_ > kMaxBase) ar.fail("a page map out of range");
  }
  if (present && ar.ok()) state_of(ar, sharing, root_);
}

void PageMap::state_of(Archive& ar, Sharing& sharing, Node*& place) {
  // 0: a node of this map alone follows. Else the number of a shared node, which follows when it is the next new one.
  uint32_t number = 0;
  bool follows = true;
  if (!ar.loading() && place->refs > 1) {
    auto [at, fresh] = sharing.numbers_.try_emplace(place, static_cast<uint32_t>(sharing.numbers_.size() + 1));
    number = at->second;
    follows = fresh;
  }
  ar(number);
  if (ar.loading()) {
    if (number > sharing.nodes_.size() + 1) return ar.fail("a page map node that nobody saved");
    follows = number == 0 || number == sharing.nodes_.size() + 1;
    if (!follows) {
      place = sharing.nodes_[number - 1];
      ++place->refs;
    }
  }
  if (!follows) return;

  uint8_t level = ar.loading() ? uint8_t{0} : place->level;
  ar(level);
  if (ar.loading()) {
    if (level > kMaxLevel) return ar.fail("a page map too high");
    place = level == 0 ? static_cast<Node*>(new Leaf) : new Inner;
    place->level = level;
    if (number != 0) sharing.nodes_.push_back(place);
  }
  entries_of(ar, sharing, *place);
  if (place->used == 0 && ar.loading()) ar.fail("an empty page map node");
}

void PageMap::entries_of(Archive& ar, Sharing& sharing, Node& node) {
  auto in_use = [this](Frame frame) {
    FrameState state = pmm_->record(frame).state;
    return state != FrameState::kFree && state != FrameState::kLoaned;
  };
  if (node.level == 0) {
    auto& leaf = static_cast<Leaf&>(node);
    ar(leaf.slots);
    if (!ar.loading()) return;
    for (Slot& slot : leaf.slots) {
      if (holds_frame(slot) && !(pmm_->known(frame_of(slot)) && in_use(frame_of(slot)))) {
        ar.fail("a page in a frame that does not exist, or is free");
        slot = Slot::kEmpty;
      }
      if (slot != Slot::kEmpty) ++node.used;
      if (holds_frame(slot)) pmm_->share(frame_of(slot));
    }
    return;
  }
  auto& inner = static_cast<Inner&>(node);
  uint64_t present = 0;
  for (unsigned i = 0; i < kFanout; ++i) present |= uint64_t{inner.children[i] != nullptr} << i;
  ar(present);
  for (unsigned i = 0; i < kFanout && ar.ok(); ++i) {
    if ((present >> i & 1) == 0) continue;
    state_of(ar, sharing, inner.children[i]);
    if (!ar.loading()) continue;
    if (inner.children[i] == nullptr) return ar.fail("a page map with a hole");
    ++node.used;
    if (inner.children[i]->level + 1 != node.level) ar.fail("a page map out of shape");
  }
}

}  // namespace jacinth::kernel
