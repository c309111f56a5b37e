// Virtual memory objects: what a VMO handle names (zircon/kernel/object/vm_object_dispatcher.cc, vm_object_paged.cc).
//
//   handles, mappings --Ref--> Vmo --Ref--> CowPages (shared with its slices)
//                              |  ^
//                    children  v  | parent (while it lives)
//                             Vmo ...
//
// A child outlives its parent. When a VMO goes, its children become children of its own parent, so "zero children"
// is said of a VMO only when everything that came from it is gone.
//
// Left out: execute-only VMOs and those of the kernel itself.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>

#include "kernel/abi/info_memory.h"
#include "kernel/abi/vmo.h"
#include "kernel/object/name.h"
#include "kernel/object/object.h"
#include "kernel/vm/cow_pages.h"

namespace jacinth::kernel {

class Vmo final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kVmo;
  /// Zircon's VmObject::MAX_SIZE.
  static constexpr uint64_t kMaxSize = ~uint64_t{0} - 0x1'ffff;

  /// `size` in bytes; the VMO gets whole pages. kOutOfRange past kMaxSize, kInvalidArgs for options that do not go
  /// together.
  static Result<Ref<Vmo>> create(Core& core, uint64_t size, abi::VmoOptions options = abi::VmoOptions::kNone);
  /// One run of frames, the first at a multiple of `alignment` bytes. kInvalidArgs for no bytes at all.
  static Result<Ref<Vmo>> create_contiguous(Core& core, uint64_t size, uint64_t alignment);
  /// Physical addresses that are not the kernel's to hand out, in whole pages; uncached. kInvalidArgs for none, or when
  /// they wrap around.
  static Result<Ref<Vmo>> create_physical(Core& core, PhysAddr base, uint64_t size);
  /// Pages come from the pager `pager`, which connects itself to source(). kTrapDirty may be among the options.
  static Result<Ref<Vmo>> create_paged(Core& core, uint64_t size, abi::VmoOptions options, Koid pager);
  /// For loading.
  explicit Vmo(Core& core) : Object(core, kType) {}

  uint64_t size() const { return page_count() * kPageSize; }
  uint64_t page_count() const { return slice_ ? slice_pages_ : pages_->page_count(); }
  /// ZX_PROP_VMO_CONTENT_SIZE: how many of the bytes mean something.
  uint64_t content_size() const { return content_size_; }
  /// From there on the bytes become zeros, also when there is more content than before.
  Status set_content_size(uint64_t size);
  /// There is more content, which was written already.
  void extend_content(uint64_t size) { content_size_ = size; }
  /// Nothing in it means anything yet.
  void begin_empty() { content_size_ = 0; }

  bool resizable() const { return resizable_; }
  bool discardable() const { return discardable_; }
  /// Somebody has locked it, so that it is not discarded.
  bool locked() const { return lock_count_ > 0; }
  bool is_slice() const { return slice_; }
  bool is_physical() const { return pages_->kind() == PagesKind::kPhysical; }
  /// The pager that made it; none for its children.
  Koid pager() const { return pager_; }
  bool is_contiguous() const { return pages_->kind() == PagesKind::kContiguous; }
  abi::CachePolicy cache_policy() const { return cache_policy_; }

  /// All of the range, or kOutOfRange and nothing. Missing pages read as zeros; writing needs frames (kNoMemory; what
  /// came before stays written). kBadState unless the VMO is cached, kNotSupported for physical ones.
  Status read(uint64_t offset, std::span<std::byte> to);
  Status write(uint64_t offset, std::span<const std::byte> from);
  /// The same piece by piece, each piece in one page: visit(PageView, offset in the page, length) -> Status.
  template <class F>
  Status for_each_piece(uint64_t offset, uint64_t length, AccessKind access, F&& visit);

  /// Shrinking lets go of pages, growing adds zeros; the exact size becomes the content size. kUnavailable unless
  /// resizable.
  Status set_size(uint64_t size);
  /// Adds zeros up to a size of whole pages, and leaves the content as it is.
  Status grow(uint64_t size);

  Status commit(uint64_t offset, uint64_t length);
  Status decommit(uint64_t offset, uint64_t length);
  Status zero(uint64_t offset, uint64_t length);
  /// The cache operations: caches are not modelled, only the checks are.
  Status cache_operation(uint64_t offset, uint64_t length) const;
  /// Hints: without a pager behind the VMO they succeed, whatever the range. kAlwaysNeed brings pages in; what cannot
  /// be had is left out. `done` counts the pages that are dealt with, over all runs of the call.
  Status hint(abi::VmoOp op, uint64_t offset, uint64_t length, uint64_t& done);
  /// Commits and holds the frames in place, for devices; unpin() exactly what was pinned. `write`: the devices may
  /// write, which a pager has to know.
  Status pin(uint64_t offset, uint64_t length, bool write = false);
  void unpin(uint64_t offset, uint64_t length);
  /// Calls visit(offset, PhysAddr) -> Status for each page of the range that is there, while that gives kOk.
  /// kInvalidArgs for no bytes, kOutOfRange.
  template <class F>
  Status lookup(uint64_t offset, uint64_t length, F&& visit) const;
  /// Where the range begins in one piece of memory. kBadState when it may be in several, kNotFound when a page is
  /// absent; otherwise as lookup().
  Result<PhysAddr> lookup_contiguous(uint64_t offset, uint64_t length) const;
  /// Where a page is that is pinned, or of a physical VMO.
  PhysAddr pinned_address(uint64_t offset) const;
  /// While loading: whether there are pins on the range that nobody else has claimed.
  bool claim_pins(uint64_t offset, uint64_t length) const;
  /// Discardable VMOs. What was discarded since the last lock is told in `lock_state`.
  Status lock(uint64_t offset, uint64_t length, abi::VmoLockState* lock_state);
  Status unlock(uint64_t offset, uint64_t length);
  Status set_cache_policy(abi::CachePolicy policy);

  /// zx_vmo_create_child; kNoWrite means the handle, and is ignored here but for "immutable".
  Result<Ref<Vmo>> create_child(abi::VmoChildOptions options, uint64_t offset, uint64_t size, bool copy_name);
  /// Its parent while that lives; null else.
  Vmo* parent() const { return parent_; }
  size_t child_count() const { return children_.size(); }

  /// What ZX_INFO_VMO says, but for the handle it was asked through.
  abi::InfoVmo info() const;
  /// Pages that the VMO is charged for, in bytes.
  uint64_t attributed_bytes() const;

  /// The container, and where in it this VMO begins. Mappings ask, and tell in which address space they are.
  const Ref<CowPages>& pages() const { return pages_; }
  uint64_t first_page() const { return slice_first_; }
  void mapped_in(uint64_t space) { ++mappings_by_space_[space]; }
  void unmapped_in(uint64_t space);
  /// How many processes show it.
  uint64_t share_count() const;

  /// zx_pager_supply_pages: `aux` loses the pages whatever comes of it, once it has shown to be one that can.
  Status supply(uint64_t offset, uint64_t length, Vmo& aux, uint64_t aux_offset);
  /// The bytes, if they are whole pages inside.
  Result<PageRange> page_range(uint64_t offset, uint64_t length) const;

  std::string_view name() const override { return name_.text(); }
  Status set_name(std::string_view name) override;
  void state(Archive& ar) override;

 private:
  Vmo(Core& core, Ref<CowPages> pages, uint64_t content_size);
  ~Vmo() override;
  template <class T, class... Arguments>
  friend Ref<T> make_object(Arguments&&... arguments);

  Result<Ref<Vmo>> create_slice(uint64_t offset, uint64_t size);
  Result<Ref<Vmo>> create_snapshot(uint64_t offset, uint64_t size, bool resizable);
  Result<Ref<Vmo>> create_private_copy(uint64_t offset, uint64_t size, bool resizable);
  Status check_giving(uint64_t offset, uint64_t length) const;
  void adopt(Vmo& child);
  void child_gone(Vmo& child);
  bool in_range(uint64_t offset, uint64_t length) const { return offset <= size() && length <= size() - offset; }
  /// How much of a range a call acts on: all of it, or for programs of July 2020 what is not behind the end.
  Result<uint64_t> length_in_range(uint64_t offset, uint64_t length) const;
  /// Whether other containers may share frames with this one's.
  bool in_snapshot_family() const;
  PageRange container_range(uint64_t first_byte, uint64_t end_byte) const;

  Ref<CowPages> pages_;
  Name name_;
  uint64_t content_size_ = 0;
  bool resizable_ = false;
  bool discardable_ = false;
  bool immutable_ = false;
  Koid pager_ = Koid::kInvalid;
  bool slice_ = false;
  uint64_t slice_first_ = 0;
  uint64_t slice_pages_ = 0;
  abi::CachePolicy cache_policy_ = abi::CachePolicy::kCached;
  uint64_t lock_count_ = 0;
  Vmo* parent_ = nullptr;
  std::map<Koid, Vmo*> children_;
  std::map<uint64_t, uint64_t> mappings_by_space_;
};

template <class F>
Status Vmo::lookup(uint64_t offset, uint64_t length, F&& visit) const {
  if (length == 0) return Status::kInvalidArgs;
  if (!in_range(offset, length)) return Status::kOutOfRange;
  uint64_t first = round_down_to_page(offset);
  for (uint64_t at = first; at < offset + length; at += kPageSize) {
    if (std::optional<PageView> view = pages_->peek(slice_first_ + at / kPageSize))
      TRY_STATUS(visit(at, view->address));
  }
  return Status::kOk;
}

template <class F>
Status Vmo::for_each_piece(uint64_t offset, uint64_t length, AccessKind access, F&& visit) {
  if (is_physical()) return Status::kNotSupported;
  if (cache_policy_ != abi::CachePolicy::kCached) return Status::kBadState;
  if (!in_range(offset, length)) return Status::kOutOfRange;
  for (uint64_t done = 0; done < length;) {
    uint64_t page = (offset + done) / kPageSize;
    uint64_t within = (offset + done) % kPageSize;
    uint64_t piece = std::min(length - done, kPageSize - within);
    // The VMO may shrink while a piece is copied: the copy can fault, and faults can run anything in the end.
    if (page >= page_count()) return Status::kOutOfRange;
    uint64_t ahead = (length - done + within + kPageSize - 1) / kPageSize;
    Result<PageView> view = access == AccessKind::kWrite ? pages_->write_page(slice_first_ + page, nullptr, ahead)
                                                         : pages_->read_page(slice_first_ + page);
    if (!view) return view.status();
    TRY_STATUS(visit(*view, within, piece));
    done += piece;
  }
  return Status::kOk;
}

}  // namespace jacinth::kernel
