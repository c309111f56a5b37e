#include "kernel/vm/page_source.h"

#include <algorithm>
#include <utility>

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/vm/cow_pages.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

// --- the request ---

PageRequest::PageRequest() = default;

PageRequest::~PageRequest() { CHECK(!waiting(), "a thread that waits for a page is gone"); }

Status PageRequest::wait_for(CowPages& pages, PageRequestKind kind, PageRange range) {
  CHECK(range.count > 0);
  if (waiting()) return Status::kParked;  // A call that fails for one page may look at others before it ends.
  if (failure_.status != Status::kOk && failure_.pages == pages.id() && failure_.kind == kind &&
      failure_.range.intersect({range.first, 1}).count > 0)
    return failure_.status;  // As often as the call asks.
  Time patience = pages.vm().pager_patience();
  Status status = park(patience);
  if (status != Status::kParked) return status;
  pages_ = Ref<CowPages>(&pages);
  kind_ = kind;
  range_ = range;
  pages.source()->add(*this);
  return Status::kParked;
}

void PageRequest::end(Status status) {
  failure_ = status != Status::kOk ? Failure{status, pages_->id(), kind_, range_} : Failure{};
  // The container may go with the last that waited for it: after this, nothing of it is touched.
  pages_ = nullptr;
  wake();
}

void PageRequest::give_up(Status status) {
  CHECK(waiting());
  pages_->source()->remove(*this);
  interrupted_ = status == Status::kInterruptedRetry;
  failure_ = status == Status::kTimedOut ? Failure{status, pages_->id(), kind_, range_} : Failure{};
  pages_ = nullptr;
}

bool PageRequest::take_interruption() { return std::exchange(interrupted_, false); }

void PageRequest::state(Archive& ar, Vm& vm) {
  if (letting_go(ar) && waiting()) give_up(Status::kOk);
  state_ref(ar, vm, pages_);
  ar(kind_, range_.first, range_.count, left_, ticket_, behind_, told_, interrupted_);
  ar(failure_.status, failure_.pages, failure_.kind, failure_.range.first, failure_.range.count);
  if (!ar.loading()) return;
  if (kind_ > PageRequestKind::kDirty || failure_.kind > PageRequestKind::kDirty)
    return ar.fail("a page request of no kind");
  if (!pages_) return;
  bool fits = pages_->source() != nullptr && range_.count > 0 && range_.first < pages_->page_count() &&
              range_.count <= pages_->page_count() - range_.first;
  if (!fits || !pages_->source()->restore(*this)) {
    pages_ = nullptr;
    ar.fail("a page request that cannot be");
  }
}

// --- the source ---

PageSource::~PageSource() { CHECK(idle(), "threads wait for pages of a container that is gone"); }

void PageSource::disconnect(Status status) {
  provider_ = nullptr;
  detached_ = true;
  end_all(status);
}

PageSource::BySpan::iterator PageSource::first_at(PageRequestKind kind, uint64_t page) {
  BySpan& spans = sent(kind);
  auto at = spans.upper_bound(page);
  if (at == spans.begin()) return at;
  auto before = std::prev(at);
  return before->second->range_.end() > page ? before : at;
}

void PageSource::add(PageRequest& request) {
  CHECK(!detached_);
  request.ticket_ = next_ticket_++;
  request.behind_ = 0;
  request.told_ = false;
  auto at = first_at(request.kind_, request.range_.first);
  bool inside = at != sent(request.kind_).end() && at->first <= request.range_.first;
  if (inside) {
    request.behind_ = at->second->ticket_;
  } else {
    if (at != sent(request.kind_).end() && at->first < request.range_.end())
      request.range_.count = at->first - request.range_.first;
    sent(request.kind_).emplace(request.range_.first, &request);
  }
  request.left_ = request.range_.count;
  requests_.emplace(std::pair(request.behind_, request.ticket_), &request);
  if (!inside && provider_ != nullptr) provider_->request_waits();
}

void PageSource::remove(PageRequest& request) {
  requests_.erase({request.behind_, request.ticket_});
  if (request.behind_ != 0) return;
  sent(request.kind_).erase(request.range_.first);
  auto heir = requests_.lower_bound({request.ticket_, 0});
  if (heir == requests_.end() || heir->first.first != request.ticket_) {
    if (provider_ != nullptr) provider_->request_over(request.ticket_);
    return;
  }
  // The first that waits behind it takes its place in everybody's books.
  PageRequest& next = *heir->second;
  requests_.erase(heir);
  next.behind_ = 0;
  next.ticket_ = request.ticket_;
  next.range_ = request.range_;
  next.left_ = request.left_;
  next.told_ = request.told_;
  requests_.emplace(std::pair(uint64_t{0}, next.ticket_), &next);
  sent(next.kind_).emplace(next.range_.first, &next);
}

void PageSource::end(PageRequest& request, Status status) {
  uint64_t ticket = request.ticket_;
  requests_.erase({0, ticket});
  sent(request.kind_).erase(request.range_.first);
  if (provider_ != nullptr) provider_->request_over(ticket);
  std::vector<PageRequest*> done = {&request};
  auto at = requests_.lower_bound({ticket, 0});
  while (at != requests_.end() && at->first.first == ticket) {
    done.push_back(at->second);
    at = requests_.erase(at);
  }
  for (PageRequest* each : done) each->end(status);
}

const PageRequest* PageSource::take_next() {
  for (auto& [place, request] : requests_) {
    if (place.first != 0) break;
    if (request->told_) continue;
    request->told_ = true;
    return request;
  }
  return nullptr;
}

void PageSource::resolve(PageRequestKind kind, PageRange range) {
  if (range.count == 0) return;
  std::vector<PageRequest*> over;
  for (auto at = first_at(kind, range.first); at != sent(kind).end() && at->first < range.end(); ++at) {
    PageRequest& request = *at->second;
    // Pages may be answered twice: supplied, taken back, supplied again.
    request.left_ -= std::min(request.left_, request.range_.intersect(range).count);
    if (request.left_ == 0) over.push_back(&request);
  }
  for (PageRequest* request : over) end(*request, Status::kOk);
}

void PageSource::fail(PageRange range, Status status) {
  if (range.count == 0) return;
  for (PageRequestKind kind : {PageRequestKind::kRead, PageRequestKind::kDirty}) {
    std::vector<PageRequest*> over;
    for (auto at = first_at(kind, range.first); at != sent(kind).end() && at->first < range.end(); ++at)
      over.push_back(at->second);
    // Of a run of pages that are to be written the thread needs the first alone: it asks again when others failed.
    for (PageRequest* request : over) {
      bool first_fails = kind == PageRequestKind::kRead || range.first <= request->range_.first;
      end(*request, first_fails ? status : Status::kOk);
    }
  }
}

void PageSource::end_all(Status status) {
  for (PageRequestKind kind : {PageRequestKind::kRead, PageRequestKind::kDirty}) {
    while (!sent(kind).empty()) end(*sent(kind).begin()->second, status);
  }
}

void PageSource::detach(Status status) {
  if (detached_) return;
  detached_ = true;
  end_all(status);
  if (provider_ != nullptr) provider_->detached();
}

void PageSource::close() {
  detach(Status::kBadState);
  if (provider_ != nullptr) std::exchange(provider_, nullptr)->closed();
}

bool PageSource::restore(PageRequest& request) {
  if (request.ticket_ == 0 || request.ticket_ >= next_ticket_ || request.left_ > request.range_.count) return false;
  if (request.behind_ == 0) {
    auto at = first_at(request.kind_, request.range_.first);
    if (at != sent(request.kind_).end() && at->first < request.range_.end()) return false;
    sent(request.kind_).emplace(request.range_.first, &request);
  }
  return requests_.emplace(std::pair(request.behind_, request.ticket_), &request).second;
}

void PageSource::state(Archive& ar) { ar(traps_dirty_, detached_, next_ticket_); }

}  // namespace jacinth::kernel
