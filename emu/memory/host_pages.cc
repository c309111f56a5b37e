#include "emu/memory/host_pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "emu/base/check.h"

namespace jacinth::emu {

HostPages::HostPages(uint64_t size) : size_(size), reserved_(size + kHugePageSize) {
  CHECK(size > 0 && reserved_ > size);
  reservation_ = mmap(nullptr, reserved_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(reservation_ != MAP_FAILED, "the host cannot reserve {} bytes: {}", reserved_, std::strerror(errno));
  uint64_t start = reinterpret_cast<uintptr_t>(reservation_);
  uint64_t aligned = (start + kHugePageSize - 1) & ~(kHugePageSize - 1);
  data_ = static_cast<std::byte*>(reservation_) + (aligned - start);
  // Only advice: a host without huge pages is slower, not wrong.
  (void)madvise(data_, size_, MADV_HUGEPAGE);
}

HostPages::~HostPages() { munmap(reservation_, reserved_); }

void HostPages::release(uint64_t offset, uint64_t size) {
  CHECK(offset <= size_ && size <= size_ - offset);
  if (size == 0) return;
  CHECK(madvise(data_ + offset, size, MADV_DONTNEED) == 0, "{}", std::strerror(errno));
}

}  // namespace jacinth::emu
