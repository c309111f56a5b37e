#include "kernel/vm/vmo.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/vm/vm.h"

namespace jacinth::kernel {

using abi::CachePolicy;
using abi::VmoChildOptions;
using abi::VmoOptions;

Vmo::Vmo(Core& core, Ref<CowPages> pages, uint64_t content_size)
    : Object(core, kType), pages_(std::move(pages)), content_size_(content_size) {
  update_signals(Signals::kNone, Signals::kVmoZeroChildren);
}

Vmo::~Vmo() {
  // Children move up before this one leaves, so that the parent never looks childless in between.
  for (auto& [koid, child] : children_) {
    child->parent_ = nullptr;
    if (parent_ != nullptr) parent_->adopt(*child);
  }
  if (parent_ != nullptr) parent_->child_gone(*this);
}

Result<Ref<Vmo>> Vmo::create(Core& core, uint64_t size, VmoOptions options) {
  if (!within(options, VmoOptions::kResizable | VmoOptions::kDiscardable)) return Status::kInvalidArgs;
  if (contains(options, VmoOptions::kResizable | VmoOptions::kDiscardable)) return Status::kInvalidArgs;
  if (size > kMaxSize) return Status::kOutOfRange;
  Ref<CowPages> pages = CowPages::create_anonymous(core.vm(), round_up_to_page(size) / kPageSize);
  Ref<Vmo> vmo = make_object<Vmo>(core, std::move(pages), size);
  vmo->resizable_ = contains(options, VmoOptions::kResizable);
  vmo->discardable_ = contains(options, VmoOptions::kDiscardable);
  return vmo;
}

Result<Ref<Vmo>> Vmo::create_contiguous(Core& core, uint64_t size, uint64_t alignment) {
  if (size == 0) return Status::kInvalidArgs;
  if (size > kMaxSize) return Status::kOutOfRange;
  Ref<CowPages> pages =
      TRY(CowPages::create_contiguous(core.vm(), round_up_to_page(size) / kPageSize, std::max(alignment, kPageSize)));
  return make_object<Vmo>(core, std::move(pages), size);
}

Result<Ref<Vmo>> Vmo::create_physical(Core& core, PhysAddr base, uint64_t size) {
  uint64_t rounded = round_up_to_page(size);
  if (!base.page_aligned() || rounded == 0 || base.value + (rounded - 1) < base.value) return Status::kInvalidArgs;
  Ref<CowPages> pages = CowPages::create_physical(core.vm(), base, rounded / kPageSize);
  Ref<Vmo> vmo = make_object<Vmo>(core, std::move(pages), rounded);
  vmo->cache_policy_ = CachePolicy::kUncached;
  return vmo;
}

Result<Ref<Vmo>> Vmo::create_paged(Core& core, uint64_t size, VmoOptions options, Koid pager) {
  if (!within(options, VmoOptions::kResizable | VmoOptions::kTrapDirty)) return Status::kInvalidArgs;
  if (size > kMaxSize) return Status::kOutOfRange;
  Ref<CowPages> pages =
      CowPages::create_paged(core.vm(), round_up_to_page(size) / kPageSize, contains(options, VmoOptions::kTrapDirty));
  Ref<Vmo> vmo = make_object<Vmo>(core, std::move(pages), size);
  vmo->resizable_ = contains(options, VmoOptions::kResizable);
  vmo->pager_ = pager;
  return vmo;
}

Status Vmo::read(uint64_t offset, std::span<std::byte> to) {
  std::byte* out = to.data();
  return for_each_piece(offset, to.size(), AccessKind::kRead, [&](PageView view, uint64_t within, uint64_t length) {
    std::memcpy(out, core().platform().data(view.address) + within, length);
    out += length;
    return Status::kOk;
  });
}

Status Vmo::write(uint64_t offset, std::span<const std::byte> from) {
  const std::byte* in = from.data();
  return for_each_piece(offset, from.size(), AccessKind::kWrite, [&](PageView view, uint64_t within, uint64_t length) {
    std::memcpy(core().platform().writable(view.address) + within, in, length);
    in += length;
    return Status::kOk;
  });
}

PageRange Vmo::container_range(uint64_t first_byte, uint64_t end_byte) const {
  uint64_t first = first_byte / kPageSize;
  return {slice_first_ + first, round_up_to_page(end_byte) / kPageSize - first};
}

bool Vmo::in_snapshot_family() const { return !core().vm().alone_in_family(pages_->family()); }

Status Vmo::set_size(uint64_t size) {
  if (!resizable_) return Status::kUnavailable;
  if (size > kMaxSize) return Status::kOutOfRange;
  TRY_STATUS(pages_->resize(round_up_to_page(size) / kPageSize));
  // What a program cut off must not come back when it grows the VMO again. In July 2020 only whole pages went.
  if (size % kPageSize != 0 && !core().vm().july_2020()) TRY_STATUS(zero(size, round_up_to_page(size) - size));
  content_size_ = size;
  return Status::kOk;
}

Status Vmo::grow(uint64_t new_size) {
  CHECK(new_size % kPageSize == 0 && new_size >= size());
  if (!resizable_) return Status::kUnavailable;
  if (new_size > kMaxSize) return Status::kOutOfRange;
  return pages_->resize(new_size / kPageSize);
}

Status Vmo::set_content_size(uint64_t content) {
  if (content < size() && !core().vm().july_2020()) {
    Status status = zero(content, size() - content);
    // Nobody hears of a failure but of one that is none.
    if (status == Status::kParked) return status;
  }
  content_size_ = content;
  return Status::kOk;
}

Result<uint64_t> Vmo::length_in_range(uint64_t offset, uint64_t length) const {
  if (in_range(offset, length)) return length;
  if (!core().vm().july_2020() || offset > size()) return Status::kOutOfRange;
  return size() - offset;
}

Status Vmo::commit(uint64_t offset, uint64_t length) {
  if (is_physical()) return Status::kNotSupported;
  length = TRY(length_in_range(offset, length));
  if (length == 0) return Status::kOk;
  return pages_->commit(container_range(offset, offset + length));
}

Status Vmo::decommit(uint64_t offset, uint64_t length) {
  bool lends = is_contiguous() && core().vm().lends();
  if ((pages_->kind() != PagesKind::kAnonymous && !lends) || in_snapshot_family()) return Status::kNotSupported;
  bool aligned = offset % kPageSize == 0 && length % kPageSize == 0;
  length = TRY(length_in_range(offset, length));
  if (!aligned) return Status::kInvalidArgs;
  return length > 0 ? pages_->decommit(container_range(offset, offset + length)) : Status::kOk;
}

Status Vmo::zero(uint64_t offset, uint64_t length) {
  if (is_physical()) return Status::kNotSupported;
  length = TRY(length_in_range(offset, length));
  uint64_t end = offset + length;
  auto zero_part = [this](uint64_t from, uint64_t to) -> Status {
    uint64_t page = slice_first_ + from / kPageSize;
    if (pages_->reads_zero(page)) return Status::kOk;
    PageView view = TRY(pages_->write_page(page));
    std::memset(core().platform().writable(view.address) + from % kPageSize, 0, to - from);
    return Status::kOk;
  };
  while (offset < end) {
    uint64_t page_end = round_down_to_page(offset) + kPageSize;
    if (offset % kPageSize == 0 && end - offset >= kPageSize) {
      uint64_t whole = round_down_to_page(end - offset);
      TRY_STATUS(pages_->zero(container_range(offset, offset + whole)));
      offset += whole;
    } else {
      TRY_STATUS(zero_part(offset, std::min(end, page_end)));
      offset = std::min(end, page_end);
    }
  }
  return Status::kOk;
}

Status Vmo::cache_operation(uint64_t offset, uint64_t length) const {
  if (length == 0) return Status::kInvalidArgs;
  return in_range(offset, length) ? Status::kOk : Status::kOutOfRange;
}

Status Vmo::hint(abi::VmoOp op, uint64_t offset, uint64_t length, uint64_t& done) {
  if (!pages_->rests_on_pager()) return Status::kOk;
  if (!in_range(offset, length)) return Status::kOutOfRange;
  if (length == 0) return Status::kOk;
  PageRange pages = container_range(offset, offset + length);
  if (op == abi::VmoOp::kDontNeed) {
    pages_->dont_need(pages);
    return Status::kOk;
  }
  return pages_->always_need(pages, done);
}

Status Vmo::pin(uint64_t offset, uint64_t length, bool write) {
  if (length == 0) return Status::kInvalidArgs;
  if (!in_range(offset, length)) return Status::kOutOfRange;
  if (is_physical()) return Status::kOk;
  PageRange pages = container_range(offset, offset + length);
  if (write && pages_->kind() == PagesKind::kPaged) {
    for (uint64_t page = pages.first; page < pages.end(); ++page)
      TRY(pages_->write_page(page, nullptr, pages.end() - page));
  } else {
    TRY_STATUS(pages_->commit(pages));
  }
  return pages_->pin(pages);
}

Result<PhysAddr> Vmo::lookup_contiguous(uint64_t offset, uint64_t length) const {
  bool one_piece = is_physical() || is_contiguous();
  uint64_t pages = 0;
  PhysAddr first;
  TRY_STATUS(lookup(offset, length, [&](uint64_t, PhysAddr address) {
    if (pages++ == 0) first = address + offset % kPageSize;
    return Status::kOk;
  }));
  uint64_t wanted = container_range(offset, offset + length).count;
  if (wanted > 1 && !one_piece) return Status::kBadState;
  return pages == wanted ? Result<PhysAddr>(first) : Status::kNotFound;
}

PhysAddr Vmo::pinned_address(uint64_t offset) const {
  std::optional<PageView> view = pages_->peek(slice_first_ + offset / kPageSize);
  CHECK(view, "a pinned page is absent");
  return view->address;
}

bool Vmo::claim_pins(uint64_t offset, uint64_t length) const {
  if (!pages_ || length == 0 || offset % kPageSize != 0 || length % kPageSize != 0 || !in_range(offset, length))
    return false;
  return is_physical() || pages_->claim_pins(container_range(offset, offset + length));
}

void Vmo::unpin(uint64_t offset, uint64_t length) {
  if (!is_physical()) pages_->unpin(container_range(offset, offset + length));
}

Result<PageRange> Vmo::page_range(uint64_t offset, uint64_t length) const {
  if (offset % kPageSize != 0 || length % kPageSize != 0) return Status::kInvalidArgs;
  if (!in_range(offset, length)) return Status::kOutOfRange;
  return PageRange{slice_first_ + offset / kPageSize, length / kPageSize};
}

Status Vmo::check_giving(uint64_t offset, uint64_t length) const {
  if (is_physical()) return Status::kNotSupported;
  if (!in_range(offset, length)) return Status::kOutOfRange;
  bool plain = pages_->kind() == PagesKind::kAnonymous && !slice_ && children_.empty() && !in_snapshot_family();
  return plain && !pages_->any_pinned(container_range(offset, offset + length)) ? Status::kOk : Status::kBadState;
}

Status Vmo::supply(uint64_t offset, uint64_t length, Vmo& aux, uint64_t aux_offset) {
  TRY_STATUS(aux.check_giving(aux_offset, length));
  PageRange given = TRY(aux.page_range(aux_offset, length));
  Result<PageRange> pages = page_range(offset, length);
  Status status = pages.status();
  if (given.count == 0) return status;
  if (pages) status = pages_->supply(*pages, *aux.pages_, given.first);
  // What was not taken is gone all the same.
  if (status != Status::kOk) static_cast<void>(aux.pages_->decommit(given));
  return status;
}

Status Vmo::lock(uint64_t offset, uint64_t length, abi::VmoLockState* lock_state) {
  if (!discardable_) return Status::kNotSupported;
  if (offset != 0 || length != size()) return Status::kOutOfRange;
  // Who only tries does not want it without its contents.
  if (lock_state == nullptr && pages_->discarded()) return Status::kUnavailable;
  ++lock_count_;
  pages_->set_discardable_since(0, {});
  if (lock_state != nullptr) {
    *lock_state = {.offset = 0, .size = size(), .discarded_offset = 0, .discarded_size = 0};
    if (pages_->discarded()) lock_state->discarded_size = size();
    pages_->forget_discarded();
  }
  return Status::kOk;
}

Status Vmo::unlock(uint64_t offset, uint64_t length) {
  if (!discardable_) return Status::kNotSupported;
  if (offset != 0 || length != size()) return Status::kOutOfRange;
  if (lock_count_ == 0) return Status::kBadState;
  if (--lock_count_ == 0) pages_->set_discardable_since(core().vm().next_unlock(), core().now());
  return Status::kOk;
}

Status Vmo::set_cache_policy(CachePolicy policy) {
  // Only vm_object_physical.cc says so first.
  if (is_physical() && policy == cache_policy_) return Status::kOk;
  if (share_count() > 0 || parent_ != nullptr || !children_.empty() || in_snapshot_family()) return Status::kBadState;
  if (pages_->pinned_pages() > 0) return Status::kBadState;
  // Nobody knows what the caches hold of pages that were used past them.
  if (cache_policy_ != CachePolicy::kCached && pages_->committed_pages({0, page_count()}) > 0) return Status::kBadState;
  cache_policy_ = policy;
  pages_->set_uncached(policy != CachePolicy::kCached);
  return Status::kOk;
}

Result<Ref<Vmo>> Vmo::create_child(VmoChildOptions options, uint64_t offset, uint64_t size, bool copy_name) {
  bool writable = !contains(options, VmoChildOptions::kNoWrite);
  options = options & ~VmoChildOptions::kNoWrite;
  Ref<Vmo> child;
  if (contains(options, VmoChildOptions::kSlice)) {
    if (options != VmoChildOptions::kSlice) return Status::kInvalidArgs;
    child = TRY(create_slice(offset, size));
  } else {
    // On a VMO without a pager, both kinds of snapshot are one.
    VmoChildOptions type = options & (VmoChildOptions::kSnapshot | VmoChildOptions::kSnapshotAtLeastOnWrite);
    if (type != VmoChildOptions::kSnapshot && type != VmoChildOptions::kSnapshotAtLeastOnWrite)
      return Status::kInvalidArgs;
    if (!within(options, type | VmoChildOptions::kResizable)) return Status::kInvalidArgs;
    bool resizable = contains(options, VmoChildOptions::kResizable);
    bool copy = type == VmoChildOptions::kSnapshotAtLeastOnWrite && pages_->rests_on_pager();
    child = TRY(copy ? create_private_copy(offset, size, resizable) : create_snapshot(offset, size, resizable));
    child->immutable_ = type == VmoChildOptions::kSnapshot && !writable && !resizable;
  }
  if (copy_name) child->name_ = name_;
  adopt(*child);
  return child;
}

Result<Ref<Vmo>> Vmo::create_slice(uint64_t offset, uint64_t size) {
  if (offset % kPageSize != 0) return Status::kInvalidArgs;
  if (size > kMaxSize) return Status::kOutOfRange;
  uint64_t rounded = round_up_to_page(size);
  if (!in_range(offset, rounded)) return Status::kInvalidArgs;
  if (resizable_ || discardable_) return Status::kNotSupported;
  // Pages that are zeroed on demand could not be kept out of the cache.
  if (cache_policy_ != CachePolicy::kCached && !is_physical() && !is_contiguous()) return Status::kBadState;
  Ref<Vmo> slice = make_object<Vmo>(core(), pages_, size);
  slice->slice_ = true;
  slice->slice_first_ = slice_first_ + offset / kPageSize;
  slice->slice_pages_ = rounded / kPageSize;
  slice->cache_policy_ = cache_policy_;
  return slice;
}

Result<Ref<Vmo>> Vmo::create_snapshot(uint64_t offset, uint64_t size, bool resizable) {
  if (offset % kPageSize != 0) return Status::kInvalidArgs;
  if (size > kMaxSize) return Status::kOutOfRange;
  if (pages_->kind() != PagesKind::kAnonymous || slice_ || discardable_) return Status::kNotSupported;
  // What a device may write to cannot be one thing for one side and another for the other.
  if (cache_policy_ != CachePolicy::kCached || pages_->pinned_pages() > 0) return Status::kBadState;
  uint64_t rounded = round_up_to_page(size);
  uint64_t first = offset / kPageSize;
  if (offset + rounded < offset || !pages_->can_snapshot(first)) return Status::kInvalidArgs;
  Ref<CowPages> pages = pages_->snapshot(first, rounded / kPageSize);
  Ref<Vmo> child = make_object<Vmo>(core(), std::move(pages), size);
  child->resizable_ = resizable;
  return child;
}

Result<Ref<Vmo>> Vmo::create_private_copy(uint64_t offset, uint64_t size, bool resizable) {
  if (offset % kPageSize != 0) return Status::kInvalidArgs;
  if (size > kMaxSize) return Status::kOutOfRange;
  if (slice_) return Status::kNotSupported;
  if (cache_policy_ != CachePolicy::kCached) return Status::kBadState;
  uint64_t rounded = round_up_to_page(size);
  if (offset + rounded < offset) return Status::kInvalidArgs;
  Ref<Vmo> child = make_object<Vmo>(core(), pages_->private_copy(offset / kPageSize, rounded / kPageSize), size);
  child->resizable_ = resizable;
  return child;
}

void Vmo::adopt(Vmo& child) {
  child.parent_ = this;
  bool first = children_.empty();
  children_.emplace(child.koid(), &child);
  if (first) update_signals(Signals::kVmoZeroChildren, Signals::kNone);
}

void Vmo::child_gone(Vmo& child) {
  children_.erase(child.koid());
  if (children_.empty()) update_signals(Signals::kNone, Signals::kVmoZeroChildren);
}

void Vmo::unmapped_in(uint64_t space) {
  auto found = mappings_by_space_.find(space);
  CHECK(found != mappings_by_space_.end());
  if (--found->second == 0) mappings_by_space_.erase(found);
}

uint64_t Vmo::attributed_bytes() const {
  // A slice has nothing of its own: its pages are its parent's.
  return slice_ ? 0 : pages_->attributed_pages({0, page_count()}) * kPageSize;
}

abi::InfoVmo Vmo::info() const {
  using abi::InfoVmoFlags;
  auto when = [](bool condition, InfoVmoFlags flag) { return condition ? flag : InfoVmoFlags::kNone; };
  abi::InfoVmo info;
  info.koid = koid();
  std::ranges::copy(name_.text(), info.name.begin());
  info.size_bytes = size();
  info.parent_koid = parent_ != nullptr ? parent_->koid() : Koid::kInvalid;
  info.num_children = children_.size();
  for (const auto& [space, mappings] : mappings_by_space_) info.num_mappings += mappings;
  info.share_count = std::max<uint64_t>(share_count(), 1);  // Who made it, when nobody maps it.
  info.flags = when(!is_physical(), InfoVmoFlags::kTypePaged) | when(resizable_, InfoVmoFlags::kResizable) |
               when(parent_ != nullptr && !slice_, InfoVmoFlags::kIsCowClone) |
               when(is_contiguous() || is_physical(), InfoVmoFlags::kContiguous) |
               when(discardable_, InfoVmoFlags::kDiscardable) |
               when(pages_->rests_on_pager(), InfoVmoFlags::kPagerBacked) | when(immutable_, InfoVmoFlags::kImmutable);
  info.committed_bytes = attributed_bytes();
  info.committed_change_events = pages_->evictions();
  info.cache_policy = cache_policy_;
  info.metadata_bytes = slice_ ? 0 : pages_->heap_bytes();
  return info;
}

uint64_t Vmo::share_count() const {
  uint64_t processes = 0;
  for (const auto& [space, mappings] : mappings_by_space_) processes += core().vm().processes_in(space);
  // Whoever started the first program shows the vDSO too, and is no process here.
  if (koid() == core().vm().vdso().vmo) ++processes;
  return processes;
}

Status Vmo::set_name(std::string_view name) {
  name_.set(name);
  return Status::kOk;
}

void Vmo::state(Archive& ar) {
  Object::state(ar);
  state_ref(ar, core().vm(), pages_);
  ar(name_, content_size_, resizable_, discardable_, immutable_, pager_, slice_, slice_first_, slice_pages_,
     cache_policy_, lock_count_);
  state_link(ar, parent_);
  if (!ar.loading()) return;
  if (!pages_) {
    ar.fail("a VMO without pages");
    pages_ = CowPages::create_anonymous(core().vm(), 0);
  }
  if (pager_ != Koid::kInvalid && (pages_->kind() != PagesKind::kPaged || slice_)) {
    pager_ = Koid::kInvalid;
    ar.fail("a pager's VMO without its pages");
  }
  if (slice_ && (slice_first_ > pages_->page_count() || slice_pages_ > pages_->page_count() - slice_first_))
    ar.fail("a slice outside its pages");
  pages_->set_uncached(cache_policy_ != CachePolicy::kCached);
  if (parent_ != nullptr) parent_->children_.emplace(koid(), this);
}

}  // namespace jacinth::kernel
