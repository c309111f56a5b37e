#include "kernel/inspect/process_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kernel/object/core.h"
#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {
namespace {

std::string described(std::string_view what, const Object& object) {
  std::string text = fmt::format("{} {}", what, abi::raw(object.koid()));
  if (!object.name().empty()) fmt::format_to(std::back_inserter(text), " \"{}\"", object.name());
  return text;
}

}  // namespace

Arch ProcessView::arch() const { return process_.core().platform().arch(); }

size_t ProcessView::peek(GuestAddr from, std::span<std::byte> to) const {
  AddressSpace* space = process_.space_at(from);
  return space != nullptr ? kernel::peek(*space, from, to) : 0;
}

std::optional<GuestView::Named> ProcessView::named(Handle handle) const {
  const HandleEntry* entry = process_.handles().find(handle);
  if (entry == nullptr) return std::nullopt;
  return Named{.type = entry->object->type(), .koid = entry->object->koid()};
}

size_t peek(AddressSpace& space, GuestAddr from, std::span<std::byte> to) {
  size_t done = 0;
  while (done < to.size()) {
    GuestAddr at = from + done;
    Mapping* mapping = space.find_mapping(at);
    if (mapping == nullptr) break;
    const Vmo& vmo = mapping->vmo();
    uint64_t page = (mapping->offset() + (at.page() - mapping->base())) / kPageSize;
    if (vmo.is_physical() || page >= vmo.page_count()) break;  // Registers may change by being read.
    size_t piece = std::min<uint64_t>(to.size() - done, kPageSize - at.page_offset());
    std::optional<PageView> view = vmo.pages()->peek(vmo.first_page() + page);
    if (view) {
      std::memcpy(to.data() + done, space.core().platform().data(view->address) + at.page_offset(), piece);
    } else {
      std::memset(to.data() + done, 0, piece);
    }
    done += piece;
  }
  return done;
}

std::string describe(const Process& process) { return described("process", process); }

std::string describe(const Thread& thread) { return described("thread", thread); }

}  // namespace jacinth::kernel
