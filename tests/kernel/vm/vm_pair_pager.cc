// What pagers do to the pair, and what the kernel takes back from it.
#include <utility>

#include "tests/kernel/vm/vm_pair.h"

namespace jacinth::kernel::model {

// --- pagers ---

void Pair::act_as_pager(const Step& step, size_t slot) {
  RealVmo& real = rig_.at(koids_[slot]);
  Vmo& vmo = *model_.slots[slot];
  Content& content = *vmo.content;
  uint64_t size = vmo.pages();
  uint64_t first = size == 0 ? 0 : step.operands[1] % size;
  PageRange range = {vmo.first + first, size == 0 ? 0 : step.operands[2] % (size - first + 1)};
  switch (step.kind) {
    case Kind::kSupply: return supply(real, content, range, step.operands[3]);
    case Kind::kGive: return give(real, vmo, step);
    case Kind::kDirty: return same(real.pages()->dirty(range), model_.dirty(content, range));
    case Kind::kBegin: real.pages()->writeback_begin(range); return Model::writeback_begin(content, range);
    case Kind::kEnd: real.pages()->writeback_end(range); return Model::writeback_end(content, range);
    case Kind::kDetach: real.pages()->detach(); return Model::detach(content);
    case Kind::kModified: {
      bool reset = step.operands[3] % 2 == 0;
      require(real.pages()->modified(reset) == content.modified, "modified is not {}", content.modified);
      if (reset) content.modified = false;
      return;
    }
    case Kind::kEvict: {
      if (size == 0) return;
      bool all = step.operands[2] % 4 == 0;
      bool goes = Model::may_go(content, range.first, all);
      require(real.pages()->evict(range.first, all) == goes, "a page that should {}go", goes ? "" : "not ");
      if (goes) content.pages[range.first] = {};
      return;
    }
    default: return;
  }
}

void Pair::supply(RealVmo& real, Content& content, PageRange range, uint32_t tag) {
  std::vector<Page> given(range.count);
  uint64_t frames = 0;
  for (uint32_t i = 0; i < given.size(); ++i) {
    given[i].cells[0] = (tag + i) % 3 == 0 ? 0 : tag + i;
    if (given[i].cells[0] != 0) {
      given[i].frame = std::make_shared<Frame>();
      ++frames;
    }
  }
  if (frames > model_.allocations_left) return;  // The source would have no pages.
  model_.allocations_left -= frames;
  Ref<RealVmo> aux = *RealVmo::create(rig_.core(), kMost * kPageSize);
  for (uint64_t i = 0; i < given.size(); ++i) {
    if (given[i].frame) same(aux->write(i * kPageSize, bytes(given[i].cells[0])), Status::kOk);
  }
  uint64_t offset = range.first - real.first_page();
  same(real.supply(offset * kPageSize, range.count * kPageSize, *aux, 0), Status::kOk);
  receive(real, content, range.first, std::move(given));
}

void Pair::receive(RealVmo& real, Content& content, uint64_t first, std::vector<Page> given) {
  for (uint64_t i = 0; i < given.size(); ++i) {
    Page& at = content.pages[first + i];
    if (!at.empty() || first + i >= content.zeros_from) continue;
    at = std::move(given[i]);
    at.zero = !at.frame;
    // Whatever is supplied goes into lent frames while there are any; which one, only the real thing knows.
    bool may_borrow = rig_.vm().borrows() && !content.detached && !content.traps && !content.ever_pinned;
    if (!at.frame || !may_borrow || model_.lent() == 0) continue;
    std::optional<PageView> view = real.pages()->peek(first + i);
    require(view.has_value(), "page {} is not there", first + i);
    FrameRef borrowed;
    for (const Content* lender : model_.living()) {
      for (uint64_t page = 0; page < lender->run.size(); ++page) {
        if (this->real(*lender).physical_base() + page * kPageSize == view->address) borrowed = lender->run[page];
      }
    }
    require(borrowed && borrowed->lent && borrowed.use_count() == 2, "page {} does not borrow", first + i);
    at.frame = borrowed;
  }
}

void Pair::give(RealVmo& real, Vmo& vmo, const Step& step) {
  size_t other = suited(step.operands[1] % kSlots, step.operands[4], [](const Vmo& each) {
    return each.content->kind == PagesKind::kAnonymous && !each.slice && each.content.use_count() == 1;
  });
  if (!model_.slots[other]) return;
  Vmo& aux = *model_.slots[other];
  uint64_t from = pages_of(step.operands[2], aux.pages() / 2);
  uint64_t to = pages_of(step.operands[3], vmo.pages() / 2);
  uint64_t count = pages_of(
      step.operands[4], std::min(aux.pages() - std::min(from, aux.pages()), vmo.pages() - std::min(to, vmo.pages())));
  bool has_children = rig_.at(koids_[other]).child_count() > 0;
  Status got = real.supply(to * kPageSize, count * kPageSize, rig_.at(koids_[other]), from * kPageSize);
  if (from + count > aux.pages()) return same(got, Status::kOutOfRange);
  if (aux.content->kind != PagesKind::kAnonymous || aux.slice || has_children || model_.family_size(*aux.content) > 1 ||
      aux.content->any_pinned({from, count}))
    return same(got, Status::kBadState);
  // The source loses its pages whatever comes of it.
  std::vector<Page> given(count);
  for (uint64_t i = 0; i < count; ++i) given[i] = std::exchange(aux.content->pages[from + i], {});
  if (to + count > vmo.pages()) return same(got, Status::kOutOfRange);
  same(got, Status::kOk);
  receive(real, *vmo.content, vmo.first + to, std::move(given));
}

// --- what the kernel takes back ---

void Pair::reclaim(const Step& step) {
  uint64_t target = 1 + step.operands[1] % 12;
  bool all = step.operands[2] % 3 == 0;
  uint64_t got = rig_.vm().reclaim(target, all);
  uint64_t gone = 0;
  bool more = false;
  for (Content* content : model_.living()) {
    CowPages& now = real(*content);
    if (now.discarded() && !content->discarded) {
      require(Model::may_be_discarded(*content), "a VMO was discarded that must not be");
      for (const Page& page : content->pages) gone += page.frame ? 1 : 0;
      model_.drop(*content, content->all());
      content->discarded = true;
      content->unlocked_since = 0;
    }
    more = more || Model::may_be_discarded(*content);
    for (uint64_t page = 0; page < content->pages.size() && content->paged(); ++page) {
      if (!Model::may_go(*content, page, all)) continue;
      if (now.peek(page)) {
        more = true;
      } else {
        // A borrowed frame goes back to where it can be borrowed again: that frees nothing.
        gone += content->pages[page].frame->lent ? 0 : 1;
        content->pages[page] = {};
      }
    }
  }
  require(got == gone, "{} pages are said to have gone, and {} did", got, gone);
  require(got >= target || !more, "only {} pages of {} went, and there are more", got, target);
}

void Pair::scan(bool give_back) {
  uint64_t wanted = 0;
  for (Content* content : model_.living()) {
    if (content->kind != PagesKind::kAnonymous) continue;
    for (Page& page : content->pages) {
      bool zeros = page.frame && page.frame.use_count() == 1 && page.frame->pins == 0 &&
                   std::ranges::all_of(page.cells, [](uint32_t cell) { return cell == 0; });
      if (!zeros) continue;
      ++wanted;
      if (give_back) page = {};
    }
  }
  uint64_t got = rig_.vm().scan_zero_pages(give_back);
  require(got == wanted, "{} pages of zeros instead of {}", got, wanted);
}

}  // namespace jacinth::kernel::model
