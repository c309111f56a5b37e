#include "emu/memory/page_history.h"

#include <cstring>

namespace jacinth::emu {
namespace {

constexpr size_t kPagesPerSlab = 64;

}  // namespace

PageHistory::PageHistory(PhysicalMemory& memory)
    : memory_(memory), in_set_(static_cast<uint64_t*>(std::calloc(memory.page_count(), sizeof(uint64_t)))) {
  CHECK(in_set_ != nullptr);
}

PageHistory::~PageHistory() {
  if (!intervals_.empty()) memory_.set_write_watcher(nullptr);
}

std::byte* PageHistory::take() {
  if (free_.empty()) {
    slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(kPagesPerSlab * kPageSize));
    for (size_t i = 0; i < kPagesPerSlab; ++i) free_.push_back(slabs_.back().get() + i * kPageSize);
  }
  std::byte* page = free_.back();
  free_.pop_back();
  ++kept_pages_;
  return page;
}

void PageHistory::give_back(std::byte* contents) {
  if (contents == nullptr) return;
  free_.push_back(contents);
  --kept_pages_;
}

void PageHistory::page_changes(PhysAddr page, const std::byte* contents) {
  size_t number = index(page);
  if (!insert(number)) return;
  Page kept{.number = static_cast<uint32_t>(number)};
  if (contents != nullptr) {
    kept.contents = take();
    std::memcpy(kept.contents, contents, kPageSize);
  }
  intervals_.back().push_back(kept);
}

void PageHistory::mark() {
  auto track = [this](PhysAddr page) {
    if ((memory_.notes(page) & PhysicalMemory::kTouched) != 0) memory_.set_notes(page, PhysicalMemory::kTracked);
  };
  if (intervals_.empty()) {
    memory_.set_write_watcher(this);
    memory_.for_each_touched_page(track);
  } else {
    for (const Page& page : intervals_.back()) track(address(page.number));
  }
  intervals_.emplace_back();
  begin_set();
}

void PageHistory::rewind(size_t number) {
  CHECK(number < intervals_.size());
  // What a page was at the mark is what the first interval behind it that knows of the page has.
  begin_set();
  for (size_t i = number; i < intervals_.size(); ++i) {
    for (const Page& page : intervals_[i]) {
      if (insert(page.number)) memory_.restore(address(page.number), page.contents);
      give_back(page.contents);
    }
  }
  intervals_.resize(number + 1);
  intervals_.back().clear();
  begin_set();
}

void PageHistory::forget(size_t number) {
  CHECK(number < intervals_.size());
  if (number == 0) {
    for (const Page& page : intervals_[0]) give_back(page.contents);
  } else {
    Interval& into = intervals_[number - 1];
    begin_set();
    for (const Page& page : into) insert(page.number);
    for (const Page& page : intervals_[number]) {
      if (insert(page.number)) {
        into.push_back(page);
      } else {
        give_back(page.contents);
      }
    }
  }
  intervals_.erase(intervals_.begin() + static_cast<ptrdiff_t>(number));
  if (intervals_.empty()) {
    memory_.set_write_watcher(nullptr);
    return;
  }
  begin_set();
  for (const Page& page : intervals_.back()) insert(page.number);
}

}  // namespace jacinth::emu
