#include "tests/support/memory_check.h"

#include <fmt/format.h>

#include <vector>

#include "kernel/vm/address_space.h"

namespace jacinth::kernel {
namespace {

std::optional<std::string> region_fault(AddressSpace& space) {
  struct Level {
    GuestAddr free;  ///< Nothing of this region's lies from here on.
    GuestAddr end;
  };
  std::vector<Level> levels;
  std::optional<std::string> fault;
  space.root()->for_each([&](unsigned depth, const AddressRegion* region, const Mapping* mapping) {
    GuestAddr base = region != nullptr ? region->base() : mapping->base();
    uint64_t size = region != nullptr ? region->size() : mapping->size();
    levels.resize(depth);
    if (!levels.empty()) {
      Level& parent = levels.back();
      if (base < parent.free || size > parent.end - base)
        fault = fmt::format("{:#x} to {:#x} does not fit where it lies", base.value, base.value + size);
      parent.free = base + size;
    }
    levels.push_back({base, base + size});
  });
  return fault;
}

std::optional<std::string> entry_fault(const Vm& vm, AddressSpace& space, GuestAddr page,
                                       const PageTables::Entry& entry) {
  const Mapping* mapping = space.find_mapping(page);
  if (mapping == nullptr) return "nothing is mapped there";
  const Vmo& vmo = mapping->vmo();
  uint64_t vmo_page = (mapping->offset() + (page - mapping->base())) / kPageSize;
  if (vmo_page >= vmo.page_count()) return "it is behind the end of the VMO";
  std::optional<PageView> view = vmo.pages()->peek(vmo.first_page() + vmo_page);
  PhysAddr frame = view ? view->address : const_cast<Vm&>(vm).pmm().address(vm.zero_frame());
  if (entry.frame != frame) return fmt::format("it shows {:#x} instead of {:#x}", entry.frame.value, frame.value);
  PagePermissions allowed = Mapping::page_permissions(mapping->permissions());
  if ((entry.permissions.read && !allowed.read) || (entry.permissions.execute && !allowed.execute))
    return "it allows what the mapping does not";
  if (entry.permissions.write && !(allowed.write && view && view->writable)) return "it must not be writable";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> page_table_fault(const Vm& vm, FakePlatform& platform) {
  std::optional<std::string> fault;
  vm.for_each_space([&](AddressSpace& space) {
    if (fault) return;
    if (!space.root()) return;  // Its process is gone.
    fault = region_fault(space);
    for (const auto& [page, entry] : platform.page_table(space.page_table())) {
      if (fault) return;
      if (auto wrong = entry_fault(vm, space, page, entry))
        fault = fmt::format("the page table entry at {:#x}: {}", page.value, *wrong);
    }
  });
  return fault;
}

std::optional<std::string> frame_fault(Vm& vm) {
  Pmm& pmm = vm.pmm();
  uint64_t charged = 0;
  vm.for_each_pages([&](const CowPages& pages) { charged += pages.attributed_pages({0, pages.page_count()}); });
  if (charged != pmm.count(FrameState::kObject))
    return fmt::format("{} frames hold pages, and {} are charged to somebody", pmm.count(FrameState::kObject), charged);
  uint64_t all = 0;
  for (unsigned state = 0; state < kFrameStates; ++state) all += pmm.count(static_cast<FrameState>(state));
  if (all != pmm.total()) return fmt::format("{} frames are accounted for, of {}", all, pmm.total());
  return std::nullopt;
}

}  // namespace jacinth::kernel
