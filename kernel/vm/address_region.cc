#include "kernel/vm/address_region.h"

#include <algorithm>
#include <utility>

#include "kernel/vm/address_space.h"

namespace jacinth::kernel {

using abi::VmOptions;

namespace {

constexpr VmOptions kPlacement = VmOptions::kSpecific | VmOptions::kOffsetIsUpperLimit | VmOptions::kAlignMask;

/// What kPerm* asks for, as kCanMap*.
VmOptions allowance_of(VmOptions permissions) {
  VmOptions allowed = VmOptions::kNone;
  if (contains(permissions, VmOptions::kPermRead)) allowed |= VmOptions::kCanMapRead;
  if (contains(permissions, VmOptions::kPermWrite)) allowed |= VmOptions::kCanMapWrite;
  if (contains(permissions, VmOptions::kPermExecute)) allowed |= VmOptions::kCanMapExecute;
  return allowed;
}

/// Memory that may be written or run but not read cannot be expressed.
bool expressible(VmOptions permissions) {
  return contains(permissions, VmOptions::kPermRead) ||
         !intersects(permissions, VmOptions::kPermWrite | VmOptions::kPermExecute);
}

/// The alignment is none, or 2^10 to 2^32.
bool valid_alignment(VmOptions options) {
  uint32_t log2 = abi::align_log2(options);
  return log2 == 0 || (log2 >= abi::kVmAlignMinLog2 && log2 <= abi::kVmAlignMaxLog2);
}

}  // namespace

AddressRegion::AddressRegion(Core& core, AddressSpace& space, AddressRegion* parent, GuestAddr base, uint64_t size,
                             VmOptions options)
    : Object(core, kType), space_(&space), parent_(parent), base_(base), size_(size), options_(options) {}

Rights AddressRegion::handle_rights() const {
  Rights rights = abi::default_rights(kType);
  if (contains(options_, VmOptions::kCanMapRead)) rights |= Rights::kRead;
  if (contains(options_, VmOptions::kCanMapWrite)) rights |= Rights::kWrite;
  if (contains(options_, VmOptions::kCanMapExecute)) rights |= Rights::kExecute;
  return rights;
}

Result<GuestAddr> AddressRegion::place(uint64_t offset, uint64_t size, VmOptions options) {
  bool overwrite = contains(options, VmOptions::kSpecificOverwrite);
  bool specific = overwrite || contains(options, VmOptions::kSpecific);
  bool upper_limit = contains(options, VmOptions::kOffsetIsUpperLimit);
  if (specific && upper_limit) return Status::kInvalidArgs;
  if (!specific && !upper_limit && offset != 0) return Status::kInvalidArgs;
  if (offset % kPageSize != 0) return Status::kInvalidArgs;
  if ((specific || upper_limit) && !contains(options_, VmOptions::kCanMapSpecific)) return Status::kAccessDenied;
  if (upper_limit ? offset > size_ || size > offset : offset >= size_ || size > size_ - offset)
    return Status::kInvalidArgs;

  unsigned align_log2 = std::max(abi::align_log2(options), static_cast<uint32_t>(kPageShift));
  if (specific) {
    GuestAddr base = base_ + offset;
    if ((base.value & ((uint64_t{1} << align_log2) - 1)) != 0) return Status::kInvalidArgs;
    if (!overwrite && !entries_.available(base, size))
      return space_->vm().july_2020() ? Status::kNoMemory : Status::kAlreadyExists;
    return base;
  }
  const Aslr& aslr = space_->vm().aslr();
  bool compact = contains(options_, VmOptions::kCompact);
  std::optional<GuestAddr> base =
      entries_.choose({.base = base_,
                       .limit = upper_limit ? base_ + offset : end(),
                       .size = size,
                       .align_log2 = align_log2,
                       .entropy_bits = compact ? aslr.compact_entropy_bits : aslr.entropy_bits},
                      aslr.enabled ? &core() : nullptr);
  if (!base) return Status::kNoMemory;
  return *base;
}

Result<Ref<AddressRegion>> AddressRegion::allocate(uint64_t offset, uint64_t size, VmOptions options) {
  if (!within(options, kPlacement | VmOptions::kCanMapMask | VmOptions::kCanMapSpecific | VmOptions::kCompact) ||
      !valid_alignment(options) || size % kPageSize != 0)
    return Status::kInvalidArgs;
  if (!alive()) return Status::kBadState;
  if (size == 0) return Status::kInvalidArgs;
  if (!within(options & VmOptions::kCanMapMask, options_)) return Status::kAccessDenied;
  GuestAddr base = TRY(place(offset, size, options));
  VmOptions kept = options & (VmOptions::kCanMapMask | VmOptions::kCanMapSpecific | VmOptions::kCompact);
  Ref<AddressRegion> region = make_object<AddressRegion>(core(), *space_, this, base, size, kept);
  entries_.insert(region);
  return region;
}

Result<GuestAddr> AddressRegion::map(const Request& request) {
  VmOptions options = request.options;
  if (!expressible(options) || !valid_alignment(options)) return Status::kInvalidArgs;
  constexpr VmOptions kKnown = VmOptions::kPermMask | VmOptions::kCanMapMask | VmOptions::kSpecificOverwrite |
                               VmOptions::kMapRange | VmOptions::kRequireNonResizable | VmOptions::kAllowFaults |
                               VmOptions::kPermReadIfXomUnsupported | kPlacement;
  if (!within(options, kKnown)) return Status::kInvalidArgs;
  bool overwrite = contains(options, VmOptions::kSpecificOverwrite);
  if (overwrite && contains(options, VmOptions::kMapRange)) return Status::kInvalidArgs;
  if (contains(options, VmOptions::kRequireNonResizable) && request.vmo->resizable()) return Status::kNotSupported;
  // Of all that may fault later, this alone has to be asked for (vm_address_region_dispatcher.cc).
  if (!contains(options, VmOptions::kAllowFaults) && request.vmo->discardable()) return Status::kNotSupported;

  VmOptions permissions = options & VmOptions::kPermMask;
  VmOptions allowed = (options & VmOptions::kCanMapMask) | allowance_of(permissions);
  uint64_t size = round_up_to_page(request.length);
  if (request.vmo_offset % kPageSize != 0) return Status::kInvalidArgs;
  if (request.vmo_offset + size < request.vmo_offset)
    return space_->vm().july_2020() ? Status::kInvalidArgs : Status::kOutOfRange;
  if (!alive()) return Status::kBadState;
  if (size == 0) return Status::kInvalidArgs;
  if (!within(allowed, options_)) return Status::kAccessDenied;
  GuestAddr base = TRY(place(request.offset, size, options));

  const VdsoRules& vdso = space_->vm().vdso();
  bool vdso_code = contains(permissions, VmOptions::kPermExecute) && request.vmo->koid() == vdso.vmo;
  if (vdso_code && (space_->vdso_code_size_ != 0 || request.vmo_offset != vdso.code_offset || size != vdso.code_size))
    return Status::kAccessDenied;
  if (overwrite) {
    if (space_->touches_vdso_code(base, size)) return Status::kAccessDenied;
    TRY_STATUS(check_no_region(base, size, false));
    unmap_checked(base, size);
  }

  auto mapping = std::make_unique<Mapping>(*space_, base, size, request.vmo, request.vmo_offset, permissions, allowed);
  Mapping& made = *mapping;
  entries_.insert(std::move(mapping));
  if (contains(options, VmOptions::kMapRange)) {
    Status status = made.map_range(base, size);
    if (status != Status::kOk) {
      unmap_checked(base, size);
      return status;
    }
  }
  if (vdso_code) {
    space_->vdso_code_ = base;
    space_->vdso_code_size_ = size;
  }
  return base;
}

Status AddressRegion::check_no_region(GuestAddr base, uint64_t length, bool may_destroy) {
  for (auto at = entries_.first_at(base); at != entries_.end() && at->first < base + length; ++at) {
    const Ref<AddressRegion>& region = at->second.region;
    if (region && (!may_destroy || region->base_ < base || region->end() > base + length)) return Status::kInvalidArgs;
  }
  return Status::kOk;
}

void AddressRegion::unmap_checked(GuestAddr base, uint64_t length) {
  GuestAddr end = base + length;
  auto at = entries_.first_at(base);
  while (at != entries_.end() && at->first < end) {
    if (at->second.region) {
      Ref<AddressRegion> region = at->second.region;
      ++at;
      region->end_all();
      continue;
    }
    Mapping& mapping = *at->second.mapping;
    if (mapping.end() > end) entries_.split(at, end);
    if (mapping.base() < base) at = entries_.split(at, base);
    const Mapping& gone = *at->second.mapping;
    space_->unmap_pages(gone.base(), gone.size() / kPageSize);
    at = entries_.erase(at);
    space_->last_found_ = nullptr;
  }
}

Status AddressRegion::unmap(GuestAddr base, uint64_t length) {
  if (!base.page_aligned()) return Status::kInvalidArgs;
  length = round_up_to_page(length);
  if (length == 0) return Status::kInvalidArgs;
  if (!alive()) return Status::kBadState;
  if (!contains_range(base, length)) return Status::kInvalidArgs;
  if (entries_.empty()) return Status::kOk;
  if (space_->touches_vdso_code(base, length)) return Status::kAccessDenied;
  TRY_STATUS(check_no_region(base, length, true));
  unmap_checked(base, length);
  return Status::kOk;
}

Status AddressRegion::protect(GuestAddr base, uint64_t length, VmOptions permissions) {
  if (!base.page_aligned() || !expressible(permissions) || !within(permissions, VmOptions::kPermMask))
    return Status::kInvalidArgs;
  length = round_up_to_page(length);
  if (length == 0) return Status::kInvalidArgs;
  if (!alive()) return Status::kBadState;
  if (!contains_range(base, length)) return Status::kInvalidArgs;
  GuestAddr end = base + length;

  GuestAddr mapped_to = base;
  auto first = entries_.first_at(base);
  if (first == entries_.end() || first->first > base) return Status::kNotFound;
  for (auto at = first; at != entries_.end() && at->first < end; ++at) {
    if (at->second.region) return Status::kInvalidArgs;
    if (at->first > mapped_to) return Status::kNotFound;
    Mapping& mapping = *at->second.mapping;
    if (!within(allowance_of(permissions), mapping.allowed())) return Status::kAccessDenied;
    if (space_->vdso_code_size_ != 0 && mapping.base() == space_->vdso_code_) return Status::kAccessDenied;
    mapped_to = mapping.end();
  }
  if (mapped_to < end) return Status::kNotFound;

  for (auto at = first; at != entries_.end() && at->first < end; ++at) {
    if (at->second.mapping->permissions() == permissions) continue;
    if (at->second.end() > end) entries_.split(at, end);
    if (at->first < base) at = entries_.split(at, base);
    at->second.mapping->protect(permissions);
    space_->last_found_ = nullptr;
  }
  return Status::kOk;
}

Status AddressRegion::op_range(abi::VmarOp op, GuestAddr base, uint64_t length, uint64_t& done) {
  length = round_up_to_page(length);
  if (length == 0 || !base.page_aligned()) return Status::kInvalidArgs;
  if (!alive()) return Status::kBadState;
  if (!contains_range(base, length)) return Status::kOutOfRange;
  if (entries_.empty()) return Status::kBadState;
  if (space_->touches_vdso_code(base, length)) return Status::kAccessDenied;

  GuestAddr end = base + length;
  base = base + std::min(done * kPageSize, length);
  for (auto at = entries_.first_at(base); at != entries_.end() && at->first < end; ++at) {
    if (at->second.region || at->first > base) return Status::kBadState;
    Mapping& mapping = *at->second.mapping;
    GuestAddr stop = std::min(end, mapping.end());
    uint64_t vmo_offset = mapping.offset() + (base - mapping.base());
    uint64_t bytes = stop - base;
    bool writable = contains(mapping.allowed(), VmOptions::kCanMapWrite);
    switch (op) {
      case abi::VmarOp::kCommit:
        if (!writable) return Status::kAccessDenied;
        TRY_STATUS(mapping.vmo().commit(vmo_offset, bytes));
        TRY_STATUS(mapping.map_range(base, bytes));
        break;
      case abi::VmarOp::kDecommit:
        if (!writable) return Status::kAccessDenied;
        TRY_STATUS(mapping.vmo().decommit(vmo_offset, bytes));
        break;
      case abi::VmarOp::kMapRange: TRY_STATUS(mapping.map_range(base, bytes)); break;
      case abi::VmarOp::kDontNeed:
      case abi::VmarOp::kAlwaysNeed: {
        uint64_t hinted = 0;
        Status status = mapping.vmo().hint(abi::VmoOp{abi::raw(op)}, vmo_offset, bytes, hinted);
        uint64_t before = (base - (end - length)) / kPageSize;
        done = status == Status::kOk ? before + bytes / kPageSize : before + hinted;
        TRY_STATUS(status);
        break;
      }
      default: return space_->vm().july_2020() ? Status::kNotSupported : Status::kInvalidArgs;
    }
    base = stop;
  }
  return base < end ? Status::kBadState : Status::kOk;
}

Status AddressRegion::destroy() {
  if (!alive()) return Status::kBadState;
  if (parent_ == nullptr) return Status::kNotSupported;
  if (space_->touches_vdso_code(base_, size_)) return Status::kAccessDenied;
  end_all();
  return Status::kOk;
}

void AddressRegion::end_all() {
  Ref<AddressRegion> top(this);
  AddressSpace& space = *space_;
  space.last_found_ = nullptr;
  space.unmap_pages(base_, size_ / kPageSize);
  if (space.touches_vdso_code(base_, size_)) space.vdso_code_size_ = 0;
  // Down to a region without regions in it, end it, and up again: nesting has no bound.
  Ref<AddressRegion> region = top;
  while (region) {
    auto inner = region->entries_.begin();
    while (inner != region->entries_.end() && inner->second.mapping) inner = region->entries_.erase(inner);
    if (inner != region->entries_.end()) {
      region = inner->second.region;
      continue;
    }
    AddressRegion* parent = std::exchange(region->parent_, nullptr);
    region->space_ = nullptr;
    if (parent != nullptr) parent->entries_.erase(parent->entries_.first_at(region->base_));
    region = region == top ? nullptr : Ref<AddressRegion>(parent);
  }
}

void AddressRegion::state(Archive& ar) {
  Object::state(ar);
  // Its memory ends it, and needs the way up for that.
  if (letting_go(ar)) return;
  Ref<AddressSpace> space(space_);
  state_ref(ar, core().vm(), space);
  state_link(ar, parent_);
  ar(base_, size_, options_);
  std::vector<SavedMapping> mappings;
  for (const auto& [address, entry] : entries_) {
    if (entry.mapping) mappings.push_back(SavedMapping::of(*entry.mapping));
  }
  ar(mappings);
  if (!ar.loading()) return;
  entries_.clear();
  space_ = space.get();
  saved_ = std::move(mappings);
  if (space_ == nullptr || parent_ != nullptr) return;
  if (space_->root_) return ar.fail("memory with two roots");
  space_->root_ = Ref<AddressRegion>(this);
}

void AddressRegion::on_loaded(Archive& ar) {
  Object::on_loaded(ar);
  std::vector<SavedMapping> mappings = std::exchange(saved_, {});
  if (space_ == nullptr) {
    if (parent_ != nullptr || !mappings.empty()) ar.fail("a region without memory, and something in it");
    return;
  }
  auto fits = [](GuestAddr base, uint64_t size) { return base.page_aligned() && size != 0 && size % kPageSize == 0; };
  // Those above are older, and so have smaller koids: no region lies in itself.
  bool inside = parent_ == nullptr
                    ? space_->root_.get() == this && space_->could_contain(base_, size_)
                    : parent_->koid() < koid() && parent_->space_ == space_ && parent_->contains_range(base_, size_) &&
                          parent_->entries_.available(base_, size_);
  if (!inside || !fits(base_, size_)) return ar.fail("a region that does not fit where it lies");
  if (parent_ != nullptr) parent_->entries_.insert(Ref<AddressRegion>(this));
  for (SavedMapping& saved : mappings) {
    if (!fits(saved.base, saved.size) || !contains_range(saved.base, saved.size) || saved.offset % kPageSize != 0 ||
        saved.size > ~saved.offset || !entries_.available(saved.base, saved.size))
      return ar.fail("a mapping that does not fit where it lies");
    entries_.insert(saved.make(*space_));
  }
}

}  // namespace jacinth::kernel
