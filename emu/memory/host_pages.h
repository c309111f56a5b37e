// A block of zeroed host memory that costs nothing until it is touched.
//
// The block asks the host for huge pages: a first touch then costs 80 to 350 ns per 4 KiB page instead of 1200 (Linux
// 6.18 in a KVM guest, EPYC 7003), and the host's own TLB misses less. Memory is therefore taken and given back 2 MiB
// at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jacinth::emu {

class HostPages {
 public:
  static constexpr uint64_t kHugePageSize = 2u << 20;

  /// Reserves address space for `size` bytes, all zero, aligned to a huge page.
  explicit HostPages(uint64_t size);
  ~HostPages();
  HostPages(const HostPages&) = delete;
  HostPages& operator=(const HostPages&) = delete;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

  /// Makes whole host pages zero again and returns them to the host.
  void release(uint64_t offset, uint64_t size);

 private:
  uint64_t size_;
  uint64_t reserved_;
  void* reservation_ = nullptr;
  std::byte* data_ = nullptr;
};

}  // namespace jacinth::emu
