#include "kernel/vm/vm.h"

#include <algorithm>

#include "kernel/vm/address_region.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

Vm::Vm(Platform& platform) : platform_(platform), pmm_(platform) {
  std::optional<Frame> frame = pmm_.allocate(FrameState::kWired);
  CHECK(frame, "a machine without a single page of RAM");
  zero_frame_ = *frame;
}

Vm::~Vm() {
  settle_loaded();
  CHECK(pages_.empty() && spaces_.empty(), "objects outlive the memory that they live on");
}

void Vm::attach(Core& core) {
  core_ = &core;
  core.set_vm(this);
  core.set_kernel_pages(&kernel_pages_);
  auto bits = [&core](const char* option, uint64_t otherwise) {
    return static_cast<unsigned>(std::min<uint64_t>(core.option(option, otherwise), 36));
  };
  aslr_.enabled = core.option("aslr.disable", 0) == 0;
  aslr_.entropy_bits = bits("aslr.entropy_bits", 30);
  aslr_.compact_entropy_bits = bits("aslr.compact_entropy_bits", 8);
  constexpr int64_t kSecond = 1'000'000'000;
  pager_patience_ = Duration{
      static_cast<int64_t>(std::min<uint64_t>(core.option("kernel.userpager.overtime_timeout_seconds", 300), 1 << 30)) *
      kSecond};
  lends_ = core.option("kernel.ppb.loan", 0) != 0;
  borrows_ = core.option("kernel.ppb.borrow-in-supplypages", 0) != 0;
  borrows_on_use_ = core.option("kernel.ppb.borrow-on-mru", 0) != 0;
  scanner_.configure(core);
  core.objects().register_type<Vmo>();
  core.objects().register_type<AddressRegion>();
}

void Vm::enlist(CowPages& pages, PagesId family) {
  pages_.emplace(std::pair(family, pages.id()), &pages);
  pages_by_id_.emplace_hint(pages_by_id_.end(), pages.id(), &pages);
}

void Vm::delist(CowPages& pages, PagesId family) {
  pages_.erase({family, pages.id()});
  pages_by_id_.erase(pages.id());
}

bool Vm::alone_in_family(PagesId family) const {
  auto at = pages_.lower_bound({family, PagesId::kNone});
  return at == pages_.end() || ++at == pages_.end() || at->first.first != family;
}

CowPages* Vm::find_pages(PagesId id) const {
  auto found = pages_by_id_.find(id);
  return found != pages_by_id_.end() ? found->second : nullptr;
}

void Vm::end(CowPages& pages) {
  ending_.push_back(&pages);
  if (ending_now_) return;
  ending_now_ = true;
  while (!ending_.empty()) {
    CowPages* next = ending_.back();
    ending_.pop_back();
    delete next;
  }
  ending_now_ = false;
}

Time Vm::pager_patience() const { return pager_patience_.ns == 0 ? Time::never() : core_->now() + pager_patience_; }

void Vm::settle_loaded() {
  claimed_pins_.clear();
  loaded_spaces_.clear();
  loaded_pages_.clear();
}

Ref<CowPages> Vm::loaded_pages(PagesId id) const {
  auto found = loaded_pages_.find(id);
  return found != loaded_pages_.end() ? found->second : nullptr;
}

Ref<AddressSpace> Vm::loaded_space(uint64_t id) const {
  auto found = loaded_spaces_.find(id);
  return found != loaded_spaces_.end() ? found->second : nullptr;
}

uint64_t Vm::processes_in(uint64_t space) const {
  auto found = spaces_.find(space);
  return found != spaces_.end() ? std::max<uint64_t>(found->second->processes(), 1) : 1;
}

void Vm::state(Archive& ar) {
  if (ar.loading()) settle_loaded();
  pmm_.state(ar);
  kernel_pages_.state(ar);
  scanner_.state(ar);
  ar(zero_frame_, vdso_, last_pages_id_, last_space_id_, unlocks_, july_2020_);
  if (ar.loading() && !pmm_.known(zero_frame_)) ar.fail("no page of zeros");
  state_pages(ar);
  state_spaces(ar);
}

void Vm::state_pages(Archive& ar) {
  PageMap::Sharing sharing;
  size_t count = ar.count(pages_.size());
  if (ar.loading()) CHECK(pages_.empty(), "loading into a kernel that is in use");
  auto next = pages_.begin();
  for (size_t i = 0; i < count && ar.ok(); ++i) {
    std::pair<PagesId, PagesId> key;
    if (!ar.loading()) key = next->first;
    ar(key.first, key.second);
    Ref<CowPages> pages;
    if (ar.loading()) {
      if (pages_by_id_.contains(key.second)) return ar.fail("a page container twice");
      pages = CowPages::create_for_load(*this, key.second, key.first);
      loaded_pages_[key.second] = pages;
    } else {
      pages = Ref<CowPages>((next++)->second);
    }
    pages->state(ar, sharing);
  }
}

void Vm::state_spaces(Archive& ar) {
  size_t count = ar.count(spaces_.size());
  if (ar.loading()) CHECK(spaces_.empty(), "loading into a kernel that is in use");
  auto next = spaces_.begin();
  for (size_t i = 0; i < count && ar.ok(); ++i) {
    uint64_t id = ar.loading() ? 0 : next->first;
    ar(id);
    Ref<AddressSpace> space;
    if (ar.loading()) {
      if (spaces_.contains(id)) return ar.fail("an address space twice");
      space = AddressSpace::create_for_load(*this, id);
      loaded_spaces_[id] = space;
    } else {
      space = Ref<AddressSpace>((next++)->second);
    }
    space->state(ar);
  }
}

void state_ref(Archive& ar, Vm& vm, Ref<CowPages>& pages) {
  PagesId id = pages ? pages->id() : PagesId::kNone;
  ar(id);
  if (!ar.loading()) return;
  pages = vm.loaded_pages(id);
  if (!pages && id != PagesId::kNone) ar.fail("pages that nobody saved");
}

void state_ref(Archive& ar, Vm& vm, Ref<AddressSpace>& space) {
  uint64_t id = space ? space->id() : 0;
  ar(id);
  if (!ar.loading()) return;
  space = vm.loaded_space(id);
  if (!space && id != 0) ar.fail("an address space that nobody saved");
}

}  // namespace jacinth::kernel
