#include "kernel/pager/pager.h"

#include <utility>

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

// --- one VMO's source ---

PagerSource::PagerSource(Pager& pager, uint64_t id, Ref<Port> port, uint64_t key, CowPages& pages)
    : pager_(pager), id_(id), port_(std::move(port)), key_(key), pages_(&pages) {
  pages.source()->connect(*this);
}

PagerSource::~PagerSource() {
  if (pages_ == nullptr) return;
  // Those who wait may be the last that know the pages.
  Ref<CowPages> hold(std::exchange(pages_, nullptr));
  hold->source()->disconnect(hold->end_of_waits());
}

void PagerSource::send() {
  if (busy_ || !port_) return;
  const PageRequest* request = pages_ != nullptr ? pages_->source()->take_next() : nullptr;
  if (request == nullptr && !complete_pending_) return;

  packet = {.key = key_, .type = abi::PacketType::kPageRequest};
  packet.page_request = {.command = abi::PageRequestCommand::kComplete};
  active_ = 0;
  if (request != nullptr) {
    active_ = request->ticket();
    packet.page_request = {.command = request->kind() == PageRequestKind::kRead ? abi::PageRequestCommand::kRead
                                                                                : abi::PageRequestCommand::kDirty,
                           .offset = request->range().first * kPageSize,
                           .length = request->range().count * kPageSize};
  }
  busy_ = true;
  // A port that nobody has any more swallows it: the request is never answered.
  static_cast<void>(port_->queue(*this));
}

void PagerSource::request_over(uint64_t ticket) {
  if (!busy_ || active_ != ticket || !withdraw()) return;
  busy_ = false;
  send();
}

void PagerSource::detached() {
  complete_pending_ = true;
  send();
}

void PagerSource::closed() {
  pages_ = nullptr;
  // COMPLETE was read already: nothing is left to say.
  if (!complete_pending_) pager_.sources_.erase(id_);
}

void PagerSource::on_dequeued() {
  busy_ = false;
  if (active_ != 0) return send();
  complete_pending_ = false;
  if (pages_ == nullptr) pager_.sources_.erase(id_);
}

void PagerSource::state(Archive& ar) {
  PagesId pages = pages_ != nullptr ? pages_->id() : PagesId::kNone;
  ar(key_, pages, busy_, active_, complete_pending_);
  state_ref(ar, port_);
  PortSource::state(ar);
  if (!ar.loading()) return;
  if (!port_) ar.fail("a pager's VMO without a port");
  if (pages == PagesId::kNone) {
    if (!complete_pending_) ar.fail("a pager of pages that are gone");
    return;
  }
  Ref<CowPages> loaded = pager_.core().vm().loaded_pages(pages);
  if (!loaded || loaded->source() == nullptr || loaded->source()->connected())
    return ar.fail("a pager of pages that are not its own");
  pages_ = loaded.get();
  pages_->source()->connect(*this);
}

// --- the pager ---

Pager::Pager(Core& core) : Object(core, kType) {}

Pager::~Pager() { sources_.clear(); }

Result<Ref<Vmo>> Pager::create_vmo(Ref<Port> port, uint64_t key, uint64_t size, abi::VmoOptions options) {
  Ref<Vmo> vmo = TRY(Vmo::create_paged(core(), size, options, koid()));
  uint64_t id = next_source_++;
  sources_.emplace(id, std::make_unique<PagerSource>(*this, id, std::move(port), key, *vmo->pages()));
  return vmo;
}

void Pager::state(Archive& ar) {
  Object::state(ar);
  ar(next_source_);
  size_t count = ar.count(sources_.size());
  auto next = sources_.begin();
  for (size_t i = 0; i < count && ar.ok(); ++i) {
    uint64_t id = ar.loading() ? 0 : next->first;
    ar(id);
    if (ar.loading()) {
      auto [place, added] = sources_.emplace(id, std::make_unique<PagerSource>(*this, id));
      if (!added || id >= next_source_) return ar.fail("a pager's VMO twice");
      next = place;
    }
    (next++)->second->state(ar);
  }
}

}  // namespace jacinth::kernel
