#include "kernel/vm/mapping.h"

#include <algorithm>
#include <utility>

#include "kernel/vm/address_space.h"

namespace jacinth::kernel {

using abi::VmOptions;

Mapping::Mapping(AddressSpace& space, GuestAddr base, uint64_t size, Ref<Vmo> vmo, uint64_t offset,
                 VmOptions permissions, VmOptions allowed)
    : space_(space),
      base_(base),
      size_(size),
      vmo_(std::move(vmo)),
      pages_(vmo_->pages()),
      offset_(offset),
      permissions_(permissions),
      allowed_(allowed) {
  pages_->add_viewer(*this, {vmo_->first_page() + offset / kPageSize, size / kPageSize});
  vmo_->mapped_in(space_.id());
}

Mapping::~Mapping() {
  pages_->remove_viewer(*this);
  vmo_->unmapped_in(space_.id());
}

PagePermissions Mapping::page_permissions(VmOptions permissions) {
  return {.read = contains(permissions, VmOptions::kPermRead),
          .write = contains(permissions, VmOptions::kPermWrite),
          .execute = contains(permissions, VmOptions::kPermExecute)};
}

MemoryType Mapping::memory_type() const {
  switch (vmo_->cache_policy()) {
    case abi::CachePolicy::kCached: return MemoryType::kNormal;
    case abi::CachePolicy::kUncachedDevice: return MemoryType::kDevice;
    default: return MemoryType::kUncached;
  }
}

Status Mapping::fault(GuestAddr page, AccessKind access) {
  VmOptions needed = access == AccessKind::kWrite     ? VmOptions::kPermWrite
                     : access == AccessKind::kExecute ? VmOptions::kPermExecute
                                                      : VmOptions::kPermRead;
  if (!contains(permissions_, needed)) return Status::kAccessDenied;
  if ((offset_ + (page - base_)) / kPageSize >= vmo_->page_count()) return Status::kOutOfRange;
  uint64_t at = container_page(page);
  if (access == AccessKind::kWrite) return enter(page, TRY(pages_->write_page(at, this)));
  bool present = pages_->peek(at).has_value();
  TRY_STATUS(enter(page, TRY(pages_->read_page(at))));
  if (present) map_neighbours(page);
  return Status::kOk;
}

Status Mapping::enter(GuestAddr page, PageView view) {
  PagePermissions permissions = page_permissions(permissions_);
  permissions.write = permissions.write && view.writable;
  return space_.map_page(page, view.address, permissions, memory_type()) ? Status::kOk : Status::kNoMemory;
}

void Mapping::map_neighbours(GuestAddr page) {
  // Pages that lie ready in the same 64 KiB (Zircon's kPageFaultMaxOptimisticPages): a program that reads or runs one
  // of them mostly goes on to the next.
  constexpr uint64_t kAround = 16 * kPageSize;
  GuestAddr begin = std::max(base_, GuestAddr(page.value / kAround * kAround));
  GuestAddr stop = std::min(end(), GuestAddr(page.value / kAround * kAround + kAround));
  // A missing table page is no reason to fail: this was only a favour.
  (void)map_range(begin, stop - begin);
}

Status Mapping::map_range(GuestAddr from, uint64_t length) {
  uint64_t vmo_pages = vmo_->page_count();
  for (GuestAddr page = from; page < from + length; page += kPageSize) {
    if ((offset_ + (page - base_)) / kPageSize >= vmo_pages) break;
    std::optional<PageView> view = pages_->peek(container_page(page));
    if (view && !space_.tables().query(page)) TRY_STATUS(enter(page, *view));
  }
  return Status::kOk;
}

void Mapping::protect(VmOptions permissions) {
  if (permissions == permissions_) return;
  PagePermissions before = page_permissions(permissions_);
  PagePermissions now = page_permissions(permissions);
  permissions_ = permissions;
  if (!now.read && !now.execute) {
    space_.unmap_pages(base_, size_ / kPageSize);
    return;
  }
  // A page that a snapshot sees too must not become writable here: the first write faults and finds out.
  now.write = now.write && before.write;
  if (now.write) {
    // Write was and stays allowed, but some pages have it taken away: what is in the tables goes instead.
    space_.unmap_pages(base_, size_ / kPageSize);
    return;
  }
  space_.protect_pages(base_, size_ / kPageSize, now);
}

std::unique_ptr<Mapping> Mapping::split(GuestAddr at) {
  CHECK(at > base_ && at < end() && at.page_aligned());
  uint64_t kept = at - base_;
  pages_->remove_viewer(*this);
  auto rest = std::make_unique<Mapping>(space_, at, size_ - kept, vmo_, offset_ + kept, permissions_, allowed_);
  size_ = kept;
  pages_->add_viewer(*this, {vmo_->first_page() + offset_ / kPageSize, size_ / kPageSize});
  return rest;
}

uint64_t Mapping::attributed_pages() const {
  if (vmo_->is_slice()) return 0;
  uint64_t first = offset_ / kPageSize;
  PageRange visible = PageRange{0, vmo_->page_count()}.intersect({first, size_ / kPageSize});
  return pages_->attributed_pages(visible);
}

void Mapping::pages_changed(PageRange pages) { space_.unmap_pages(address_of(pages.first), pages.count); }

void Mapping::pages_shared(PageRange pages) {
  PagePermissions permissions = page_permissions(permissions_);
  if (!permissions.write) return;
  permissions.write = false;
  space_.protect_pages(address_of(pages.first), pages.count, permissions);
}

bool Mapping::take_accessed(uint64_t page) { return space_.take_accessed(address_of(page)); }

SavedMapping SavedMapping::of(const Mapping& mapping) {
  return {.vmo = Ref<Vmo>(&mapping.vmo()),
          .base = mapping.base(),
          .size = mapping.size(),
          .offset = mapping.offset(),
          .permissions = mapping.permissions(),
          .allowed = mapping.allowed()};
}

std::unique_ptr<Mapping> SavedMapping::make(AddressSpace& space) const {
  return std::make_unique<Mapping>(space, base, size, vmo, offset, permissions, allowed);
}

void SavedMapping::state(Archive& ar) {
  state_ref(ar, vmo);
  ar(base, size, offset, permissions, allowed);
  if (ar.loading() && !vmo) ar.fail("a mapping of nothing");
}

}  // namespace jacinth::kernel
