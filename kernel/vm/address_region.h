// Address regions: what a VMAR handle names (zircon/kernel/vm/vm_address_region.cc).
//
//   root region --+-- mapping
//                 +-- region --+-- mapping        A region lives until it is destroyed, by itself, by a parent that
//                 |            '-- region         goes, by zx_vmar_unmap over all of it, or with its process.
//                 '-- mapping                     Handles do not keep it: they see kBadState afterwards.
//
// Offsets are relative to the region when something is placed; addresses are absolute in everything else, as in the
// ABI.
#pragma once

#include <cstdint>
#include <vector>

#include "emu/base/address.h"
#include "kernel/abi/vmar.h"
#include "kernel/object/object.h"
#include "kernel/vm/mapping.h"
#include "kernel/vm/region_list.h"

namespace jacinth::kernel {

class AddressSpace;

class AddressRegion final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kVmar;

  /// For loading.
  explicit AddressRegion(Core& core) : Object(core, kType) {}

  GuestAddr base() const { return base_; }
  uint64_t size() const { return size_; }
  GuestAddr end() const { return base_ + size_; }
  bool alive() const { return space_ != nullptr; }
  /// Null once destroyed.
  AddressSpace* space() const { return space_; }
  AddressRegion* parent() const { return parent_; }
  /// kCanMapMask, kCanMapSpecific, kCompact.
  abi::VmOptions options() const { return options_; }
  /// The rights that a handle to it gets: by what may be mapped in it.
  Rights handle_rights() const;

  /// zx_vmar_allocate: `options` may hold kCanMap*, kSpecific, kOffsetIsUpperLimit, kCompact and an alignment.
  Result<Ref<AddressRegion>> allocate(uint64_t offset, uint64_t size, abi::VmOptions options);

  struct Request {
    uint64_t offset = 0;  ///< In this region; 0 unless the options say that it counts.
    Ref<Vmo> vmo;
    uint64_t vmo_offset = 0;
    uint64_t length = 0;
    /// kPerm*, kSpecific, kSpecificOverwrite, kOffsetIsUpperLimit, kMapRange, kRequireNonResizable, kAllowFaults, an
    /// alignment; and kCanMap*: what zx_vmar_protect may ask for later (what is asked for now is always in).
    abi::VmOptions options = abi::VmOptions::kNone;
  };
  /// zx_vmar_map: the address.
  Result<GuestAddr> map(const Request& request);

  /// Ends mappings in the range, cuts those that stick out; regions in it are destroyed, but not cut (kInvalidArgs).
  Status unmap(GuestAddr base, uint64_t length);
  /// kNotFound unless all of the range is mapped here, kInvalidArgs when a region lies in it, kAccessDenied past what
  /// a mapping was made with.
  Status protect(GuestAddr base, uint64_t length, abi::VmOptions permissions);
  /// Ends the region and everything in it. kNotSupported for a root, kBadState the second time.
  Status destroy();
  /// The operations of zx_vmar_op_range on the mappings in the range; kBadState where nothing is mapped. `done` as in
  /// Vmo::hint().
  Status op_range(abi::VmarOp op, GuestAddr base, uint64_t length, uint64_t& done);
  Status op_range(abi::VmarOp op, GuestAddr base, uint64_t length) {
    uint64_t done = 0;
    return op_range(op, base, length, done);
  }

  /// The mapping or region right here at an address.
  RegionEntry* find(GuestAddr address) { return entries_.find(address); }

  /// Calls visit(depth, region or null, mapping or null) for this region (depth 0) and everything below it, by address,
  /// parents first.
  template <class F>
  void for_each(F&& visit);

  void state(Archive& ar) override;
  void on_loaded(Archive& ar) override;

 private:
  friend class AddressSpace;
  template <class T, class... Arguments>
  friend Ref<T> make_object(Arguments&&... arguments);
  AddressRegion(Core& core, AddressSpace& space, AddressRegion* parent, GuestAddr base, uint64_t size,
                abi::VmOptions options);

  bool contains_range(GuestAddr base, uint64_t length) const {
    return base >= base_ && length <= size_ && base - base_ <= size_ - length;
  }
  /// Where something new goes, with all the errors of placing; an overwrite is left to the caller.
  Result<GuestAddr> place(uint64_t offset, uint64_t size, abi::VmOptions options);
  Status check_no_region(GuestAddr base, uint64_t length, bool may_destroy);
  void unmap_checked(GuestAddr base, uint64_t length);
  /// Everything in the region ends, and then the region.
  void end_all();

  AddressSpace* space_ = nullptr;
  AddressRegion* parent_ = nullptr;
  GuestAddr base_;
  uint64_t size_ = 0;
  abi::VmOptions options_ = abi::VmOptions::kNone;
  RegionList entries_;
  std::vector<SavedMapping> saved_;  // While loading: VMOs come before what shows them.
};

template <class F>
void AddressRegion::for_each(F&& visit) {
  visit(0u, static_cast<const AddressRegion*>(this), static_cast<const Mapping*>(nullptr));
  // Regions nest as deep as a program likes: go by parent links, not by recursion.
  AddressRegion* region = this;
  auto at = region->entries_.begin();
  for (unsigned depth = 1;;) {
    if (at == region->entries_.end()) {
      if (region == this) return;
      GuestAddr done = region->base_;
      region = region->parent_;
      at = region->entries_.first_at(done);
      ++at;
      --depth;
      continue;
    }
    if (at->second.mapping) {
      visit(depth, static_cast<const AddressRegion*>(nullptr), static_cast<const Mapping*>(at->second.mapping.get()));
      ++at;
    } else {
      region = at->second.region.get();
      visit(depth, static_cast<const AddressRegion*>(region), static_cast<const Mapping*>(nullptr));
      at = region->entries_.begin();
      ++depth;
    }
  }
}

}  // namespace jacinth::kernel
