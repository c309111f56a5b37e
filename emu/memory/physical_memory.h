// Guest RAM: one block of host memory, reserved at once and backed by the host only where touched.
//
// Besides bytes it keeps one byte of notes per page, for three protocols that need to know about every write:
//  - touched:  the page may differ from zero, so a digest or snapshot must look at it;
//  - tracked:  a snapshot wants to hear of the first write (the TLB hands out read-only entries until then);
//  - code:     an engine may have translated instructions from the page. A page is either writable through some TLB or
//              executable through some TLB, never both, across all engines (emu/cpu).
//
// Left out: ROM, NUMA, and holes: a board has one contiguous block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "emu/base/address.h"
#include "emu/base/check.h"
#include "emu/state/archive.h"

namespace jacinth::emu {

/// Hears that a page which engines may have translated from is about to be written by someone else than an engine.
class CodeWatcher {
 public:
  virtual ~CodeWatcher() = default;
  virtual void code_page_written(PhysAddr page) = 0;
};

class PhysicalMemory {
 public:
  enum Note : uint8_t { kTouched = 1, kTracked = 2, kCode = 4 };

  /// Reserves `size` bytes (a multiple of the page size, at least one page) that the guest sees at `base`.
  PhysicalMemory(PhysAddr base, uint64_t size);
  ~PhysicalMemory();
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;

  PhysAddr base() const { return base_; }
  uint64_t size() const { return size_; }
  uint64_t page_count() const { return size_ / kPageSize; }

  bool contains(PhysAddr address, uint64_t length = 1) const {
    return address >= base_ && length <= size_ && address - base_ <= size_ - length;
  }

  /// The bytes at `address`, to read. Stays valid for the life of the memory; `address` must be inside.
  const std::byte* data(PhysAddr address) const {
    CHECK(contains(address), "{:#x}", address.value);
    return host_ + (address - base_);
  }

  /// The bytes from `address` to the end of its page, to write now. Everybody but an engine writes through here.
  std::byte* writable(PhysAddr address) {
    CHECK(contains(address), "{:#x}", address.value);
    note_write(address);
    return host_ + (address - base_);
  }

  /// Notes that the page of `address` is about to be written: by writable(), or by a TLB entry that allows it.
  void note_write(PhysAddr address) {
    uint8_t& notes = notes_[index(address)];
    if ((notes & (kTouched | kTracked | kCode)) == kTouched) [[likely]]
      return;
    note_first_write(address, notes);
  }

  uint8_t notes(PhysAddr address) const { return notes_[index(address)]; }
  void set_notes(PhysAddr address, uint8_t notes) { notes_[index(address)] |= notes; }
  void clear_notes(PhysAddr address, uint8_t notes) { notes_[index(address)] &= static_cast<uint8_t>(~notes); }

  /// Makes the page zero, and gives its host memory back when it was touched. The page leaves the digest.
  void discard(PhysAddr page);

  /// The watcher must outlive the memory or be reset to null.
  void set_code_watcher(CodeWatcher* watcher) { watcher_ = watcher; }

  /// The host address that engines map; only emu/cpu uses it.
  std::byte* host_base() { return host_; }

  /// All touched pages that are not zero, in order: number and contents.
  void state(Archive& ar);

 private:
  size_t index(PhysAddr address) const { return (address - base_) >> kPageShift; }
  void note_first_write(PhysAddr address, uint8_t& notes);

  PhysAddr base_;
  uint64_t size_;
  std::byte* host_ = nullptr;
  std::vector<uint8_t> notes_;
  CodeWatcher* watcher_ = nullptr;
};

}  // namespace jacinth::emu
