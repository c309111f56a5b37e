// Whether the page tables say what the regions say: every entry belongs to a mapping, shows the frame that the VMO has
// there now, and allows no more than the mapping and the sharing of the frame do.
#pragma once

#include "tests/kernel/vm/vm_rig.h"

namespace jacinth::kernel {

inline void check_page_tables(VmRig& rig, size_t number) {
  AddressSpace& space = rig.space(number);
  for (const auto& [page, entry] : rig.platform().page_table(space.page_table())) {
    INFO(fmt::format("page table entry at {:#x}", page.value));
    const Mapping* mapping = space.find_mapping(page);
    REQUIRE(mapping != nullptr);
    uint64_t vmo_page = (mapping->offset() + (page - mapping->base())) / kPageSize;
    REQUIRE(vmo_page < mapping->vmo().page_count());
    std::optional<PageView> view = mapping->vmo().pages()->peek(mapping->vmo().first_page() + vmo_page);
    PhysAddr frame = view ? view->address : rig.pmm().address(rig.pmm_zero());
    REQUIRE(entry.frame == frame);
    PagePermissions allowed = Mapping::page_permissions(mapping->permissions());
    REQUIRE((!entry.permissions.read || allowed.read));
    REQUIRE((!entry.permissions.execute || allowed.execute));
    REQUIRE((!entry.permissions.write || (allowed.write && view && view->writable)));
  }
}

/// Every frame that holds a page of a VMO is charged to exactly one container, and no frame is lost.
inline void check_frames(VmRig& rig) {
  uint64_t charged = 0;
  rig.vm().for_each_pages([&](const CowPages& pages) { charged += pages.attributed_pages({0, pages.page_count()}); });
  REQUIRE(charged == rig.object_frames());
  Pmm& pmm = rig.pmm();
  uint64_t used = pmm.count(FrameState::kObject) + pmm.count(FrameState::kMmu) + pmm.count(FrameState::kWired);
  REQUIRE(used + pmm.free_count() == pmm.total());
}

}  // namespace jacinth::kernel
