// A range of an address space that shows a range of a VMO (zircon/kernel/vm/vm_mapping.cc).
//
// What a program may do with it is in two sets: the permissions of now, and those that both handles allowed when it was
// made, which zx_vmar_protect can never exceed. A mapping is not an object: it has no koid and no handle.
#pragma once

#include <cstdint>
#include <memory>

#include "emu/base/access.h"
#include "kernel/abi/vmar.h"
#include "kernel/object/ref.h"
#include "kernel/vm/page_viewer.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

class AddressSpace;

class Mapping final : public PageViewer {
 public:
  /// Begins to show `vmo` at once. `offset` and `size` in bytes, whole pages. `permissions` are of kPermMask, `allowed`
  /// of kCanMapMask.
  Mapping(AddressSpace& space, GuestAddr base, uint64_t size, Ref<Vmo> vmo, uint64_t offset, abi::VmOptions permissions,
          abi::VmOptions allowed);
  ~Mapping() override;

  AddressSpace& space() const { return space_; }
  Vmo& vmo() const { return *vmo_; }
  GuestAddr base() const { return base_; }
  uint64_t size() const { return size_; }
  GuestAddr end() const { return base_ + size_; }
  uint64_t offset() const { return offset_; }
  abi::VmOptions permissions() const { return permissions_; }
  abi::VmOptions allowed() const { return allowed_; }

  /// Makes the page tables allow the access. kAccessDenied against the permissions, kOutOfRange past the VMO's end,
  /// kNoMemory. `page` must be inside.
  Status fault(GuestAddr page, AccessKind access);
  /// Puts pages of the range that exist into the page tables. kNoMemory when a table page is missing.
  Status map_range(GuestAddr from, uint64_t length);
  void protect(abi::VmOptions permissions);

  /// A new mapping of the part from `at` on, which this one gives up. Translations stay.
  std::unique_ptr<Mapping> split(GuestAddr at);

  /// Pages of the range that the VMO is charged for.
  uint64_t attributed_pages() const;

  // PageViewer
  void pages_changed(PageRange pages) override;
  void pages_shared(PageRange pages) override;
  bool take_accessed(uint64_t page) override;

  /// The permissions as page tables know them.
  static PagePermissions page_permissions(abi::VmOptions permissions);

 private:
  uint64_t container_page(GuestAddr page) const { return viewed().first + (page - base_) / kPageSize; }
  GuestAddr address_of(uint64_t container_page) const { return base_ + (container_page - viewed().first) * kPageSize; }
  MemoryType memory_type() const;
  Status enter(GuestAddr page, PageView view);
  void map_neighbours(GuestAddr page);

  AddressSpace& space_;
  GuestAddr base_;
  uint64_t size_;
  Ref<Vmo> vmo_;
  Ref<CowPages> pages_;
  uint64_t offset_;
  abi::VmOptions permissions_;
  abi::VmOptions allowed_;
};

/// A mapping in saved state: made again when its VMO is loaded.
struct SavedMapping {
  Ref<Vmo> vmo;
  GuestAddr base;
  uint64_t size = 0;
  uint64_t offset = 0;
  abi::VmOptions permissions{};
  abi::VmOptions allowed{};

  static SavedMapping of(const Mapping& mapping);
  std::unique_ptr<Mapping> make(AddressSpace& space) const;
  void state(Archive& ar);
};

}  // namespace jacinth::kernel
