// How the real memory and the model are held against each other after a step.
#include "tests/kernel/vm/vm_pair.h"
#include "tests/support/memory_check.h"

namespace jacinth::kernel::model {

using enum abi::VmOptions;

void Pair::compare() {
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (model_.slots[slot]) compare_vmo(slot);
  }
  compare_frames();
  for (size_t space = 0; space < kSpaces; ++space) compare_tables(space);
}

void Pair::compare_vmo(size_t slot) {
  Vmo& vmo = *model_.slots[slot];
  Content& content = *vmo.content;
  RealVmo& real = rig_.at(koids_[slot]);
  CowPages& pages = *real.pages();
  require(real.page_count() == vmo.pages(), "VMO {} has {} pages", slot, real.page_count());
  require(pages.discarded() == content.discarded, "VMO {} {} discarded", slot, pages.discarded() ? "was" : "was not");
  for (uint64_t page = 0; page < vmo.pages(); ++page) {
    Seen seen = look(content, vmo.first + page);
    std::optional<PageView> view = pages.peek(vmo.first + page);
    require(view.has_value() == (seen.at().frame != nullptr), "VMO {} page {} {} a frame", slot, page,
            view ? "has" : "lacks");
    require(pages.reads_zero(vmo.first + page) == (!seen.at().frame && !seen.absent()),
            "VMO {} page {}: what is there without a frame", slot, page);
    for (uint64_t cell = 0; cell < kCells && view; ++cell) {
      uint32_t value = 0;
      std::memcpy(&value, rig_.platform().data(view->address + cell * kCellStride), sizeof value);
      require(value == seen.at().cells[cell], "VMO {} page {} cell {}: {} instead of {}", slot, page, cell, value,
              seen.at().cells[cell]);
    }
  }
  uint64_t charged = real.attributed_bytes() / kPageSize;
  require(charged == model_.charged(vmo), "VMO {} is charged for {} pages instead of {}", slot, charged,
          model_.charged(vmo));
  if (content.paged() && !vmo.slice) compare_dirty(pages, content);
}

void Pair::compare_dirty(CowPages& real, Content& content) {
  std::vector<bool> dirty(content.pages.size());
  real.for_each_dirty(content.all(), [&](PageRange range, bool zero) {
    for (uint64_t page = range.first; page < range.end(); ++page) {
      dirty[page] = true;
      require(zero == !content.pages[page].frame, "page {} is {}said to be zeros", page, zero ? "" : "not ");
    }
    return true;
  });
  Model::advance(content, content.all());
  for (uint64_t page = 0; page < content.pages.size(); ++page)
    require(dirty[page] == Model::dirty_at(content, page), "page {} is {}said to be dirty", page,
            dirty[page] ? "" : "not ");
}

void Pair::compare_frames() {
  require(rig_.object_frames() == model_.frames(), "{} frames are in use instead of {}", rig_.object_frames(),
          model_.frames());
  Pmm& pmm = rig_.pmm();
  require(pmm.count(FrameState::kLoaned) == model_.lent(), "{} frames wait to be borrowed instead of {}",
          pmm.count(FrameState::kLoaned), model_.lent());
  for (const auto& fault : {page_table_fault(rig_.vm(), rig_.platform()), frame_fault(rig_.vm())})
    require(!fault, "{}", fault.value_or(""));
}

void Pair::compare_tables(size_t number) {
  AddressSpace& space = rig_.space(number);
  for (const auto& [page, entry] : rig_.platform().page_table(space.page_table())) {
    uint64_t at = (page - kBase) / kPageSize;
    const Shown& shown = model_.windows[number].at(at);
    require(shown.vmo && shown.page < shown.vmo->pages(), "space {} page {} is a ghost", number, at);
    Seen seen = look(*shown.vmo->content, shown.vmo->first + shown.page);
    require(!seen.absent(), "space {} page {} shows what is not there", number, at);
    for (uint64_t cell = 0; cell < kCells; ++cell) {
      uint32_t value = 0;
      std::memcpy(&value, rig_.platform().data(entry.frame + cell * kCellStride), sizeof value);
      require(value == seen.at().cells[cell], "space {} page {} cell {}: {} instead of {}", number, at, cell, value,
              seen.at().cells[cell]);
    }
    const Content& owner = *seen.owner;
    bool alone = seen.at().frame && seen.owner == shown.vmo->content.get() &&
                 (owner.kind != PagesKind::kAnonymous || seen.at().frame.use_count() == 1) &&
                 (!owner.paged() || (seen.at().frame->dirt == PageDirt::kDirty && owner.modified));
    require(!entry.permissions.write || (contains(shown.permissions, kPermWrite) && alone),
            "space {} page {} must not be writable", number, at);
    require(!entry.permissions.read || contains(shown.permissions, kPermRead), "space {} page {} must not be readable",
            number, at);
  }
}

}  // namespace jacinth::kernel::model
