#include "emu/memory/physical_memory.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace jacinth::emu {
namespace {

/// Compares the page with itself, shifted by a word: memcmp stops at the first byte that is not zero.
bool is_zero(const std::byte* page) {
  uint64_t first = 0;
  std::memcpy(&first, page, sizeof first);
  return first == 0 && std::memcmp(page, page + sizeof first, kPageSize - sizeof first) == 0;
}

}  // namespace

PhysicalMemory::PhysicalMemory(PhysAddr base, uint64_t size)
    : base_(base),
      size_(size),
      ram_(size),
      notes_(static_cast<uint8_t*>(std::calloc(size / kPageSize, 1))),
      chunks_((size + HostPages::kHugePageSize - 1) / HostPages::kHugePageSize) {
  CHECK(notes_ != nullptr);
  CHECK(base.page_aligned() && size % kPageSize == 0 && size > 0);
  CHECK(base.value + size > base.value, "RAM of {:#x} bytes at {:#x} wraps around", size, base.value);
}

uint64_t PhysicalMemory::touched_pages() const {
  uint64_t pages = 0;
  for (const Chunk& chunk : chunks_) pages += chunk.touched;
  return pages;
}

void PhysicalMemory::note_first_write(PhysAddr address, uint8_t& notes) {
  if ((notes & kCode) != 0 && watcher_ != nullptr) watcher_->code_page_written(address.page());
  if (write_watcher_ != nullptr && (notes & (kTouched | kTracked)) != kTouched) {
    size_t page = index(address);
    write_watcher_->page_changes(address.page(), (notes & kTouched) != 0 ? page_bytes(page) : nullptr);
  }
  if ((notes & kTouched) == 0) touch(chunks_[index(address) / kPagesPerChunk]);
  notes = static_cast<uint8_t>((notes | kTouched) & ~(kTracked | kCode));
}

void PhysicalMemory::touch(Chunk& chunk) {
  if (chunk.touched++ != 0) return;
  if (chunk.resident) --idle_chunks_;
  chunk.resident = true;
}

/// A memset costs 40 ns while the page is in the cache, returning it to the host 1500 ns and as much again on its next
/// use.
void PhysicalMemory::discard(PhysAddr page) {
  CHECK(page.page_aligned());
  uint8_t& notes = notes_[index(page)];
  if ((notes & kCode) != 0 && watcher_ != nullptr) watcher_->code_page_written(page);
  bool touched = (notes & kTouched) != 0;
  if (touched && (notes & kTracked) != 0 && write_watcher_ != nullptr)
    write_watcher_->page_changes(page, page_bytes(index(page)));
  notes = 0;
  if (!touched) return;
  std::memset(page_bytes(index(page)), 0, kPageSize);
  if (--chunks_[index(page) / kPagesPerChunk].touched != 0) return;
  if (++idle_chunks_ > kMaxIdleChunks) release_idle_chunks();
}

void PhysicalMemory::restore(PhysAddr page, const std::byte* contents) {
  CHECK(page.page_aligned());
  WriteWatcher* watcher = std::exchange(write_watcher_, nullptr);
  if (contents == nullptr) {
    discard(page);
  } else {
    std::memcpy(writable(page), contents, kPageSize);
    set_notes(page, kTracked);
  }
  write_watcher_ = watcher;
}

void PhysicalMemory::release_idle_chunks() {
  for (size_t i = 0; i < chunks_.size(); ++i) {
    Chunk& chunk = chunks_[i];
    if (chunk.touched != 0 || !chunk.resident) continue;
    uint64_t offset = i * HostPages::kHugePageSize;
    ram_.release(offset, std::min(HostPages::kHugePageSize, size_ - offset));
    chunk.resident = false;
  }
  idle_chunks_ = 0;
}

void PhysicalMemory::release_all() {
  for (size_t page = 0; page < page_count(); ++page) {
    if (notes_[page] == 0) continue;
    if ((notes_[page] & kCode) != 0 && watcher_ != nullptr) watcher_->code_page_written(base_ + (page << kPageShift));
    notes_[page] = 0;
  }
  std::fill(chunks_.begin(), chunks_.end(), Chunk{});
  idle_chunks_ = 0;
  ram_.release(0, size_);
}

template <class Visitor>
void PhysicalMemory::for_each_page_in_use(Visitor&& visit) const {
  for_each_touched_page([&](PhysAddr address) {
    size_t page = index(address);
    if (!is_zero(page_bytes(page))) visit(page);
  });
}

void PhysicalMemory::state(Archive& ar) {
  uint64_t base = base_.value;
  uint64_t size = size_;
  ar(base, size);
  if (ar.mode() == Archive::Mode::kHash) return hash(ar);
  if (!ar.loading()) return save(ar);
  if (base != base_.value || size != size_) {
    return ar.fail(
        fmt::format("saved with {:#x} bytes of RAM at {:#x}, not {:#x} at {:#x}", size, base, size_, base_.value));
  }
  load(ar);
}

void PhysicalMemory::hash(Archive& ar) {
  uint64_t pages = 0;
  for_each_page_in_use([&](uint64_t page) {
    XXH128_hash_t hash = XXH3_128bits(page_bytes(page), kPageSize);
    uint64_t low = hash.low64;
    uint64_t high = hash.high64;
    ar(page, low, high);
    ++pages;
  });
  ar(pages);
}

void PhysicalMemory::save(Archive& ar) {
  std::vector<uint64_t> pages;
  for_each_page_in_use([&](uint64_t page) { pages.push_back(page); });
  ar.expect(pages.size() * (sizeof(uint64_t) + kPageSize) + sizeof(uint64_t));
  ar(pages);
  for (uint64_t page : pages) ar.bytes(page_bytes(page), kPageSize);
}

void PhysicalMemory::load(Archive& ar) {
  CHECK(write_watcher_ == nullptr, "somebody keeps what the pages were");
  release_all();
  std::vector<uint64_t> pages;
  ar(pages);
  uint64_t next = 0;
  for (uint64_t page : pages) {
    if (!ar.ok()) return;
    if (page < next || page >= page_count())
      return ar.fail(fmt::format("page {:#x} out of order or outside RAM", page));
    next = page + 1;
    note_write(base_ + (page << kPageShift));
    ar.bytes(page_bytes(page), kPageSize);
  }
}

}  // namespace jacinth::emu
