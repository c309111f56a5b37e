#include "emu/memory/memory_digest.h"

#include <xxhash.h>

#include <algorithm>

namespace jacinth::emu {
namespace {

Digest hash_of_page(size_t number, const std::byte* contents) {
  if (std::all_of(contents, contents + kPageSize, [](std::byte byte) { return byte == std::byte{}; })) return {};
  XXH128_hash_t hash = XXH3_128bits_withSeed(contents, kPageSize, number);
  return {.low = hash.low64, .high = hash.high64};
}

}  // namespace

MemoryDigest::MemoryDigest(PhysicalMemory& memory)
    : memory_(memory), parts_(static_cast<Digest*>(std::calloc(memory.page_count(), sizeof(Digest)))) {
  CHECK(parts_ != nullptr);
  memory_.set_write_watcher(this);
  memory_.for_each_touched_page([this](PhysAddr page) { look_at(page); });
}

MemoryDigest::~MemoryDigest() { memory_.set_write_watcher(nullptr); }

void MemoryDigest::page_changes(PhysAddr page, const std::byte*) { changed_.push_back(page); }

void MemoryDigest::look_at(PhysAddr page) {
  bool touched = (memory_.notes(page) & PhysicalMemory::kTouched) != 0;
  if (touched) memory_.set_notes(page, PhysicalMemory::kTracked);
  size_t number = (page - memory_.base()) >> kPageShift;
  Digest now = touched ? hash_of_page(number, memory_.data(page)) : Digest{};
  Digest& part = parts_[number];
  sum_.low += now.low - part.low;
  sum_.high += now.high - part.high;
  part = now;
}

Digest MemoryDigest::take() {
  for (PhysAddr page : changed_) look_at(page);
  changed_.clear();
  return sum_;
}

}  // namespace jacinth::emu
