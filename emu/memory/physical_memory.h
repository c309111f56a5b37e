// Guest RAM: one block of host memory, reserved at once and backed by the host only where touched.
//
// Besides bytes it keeps one byte of notes per page, for three protocols that need to know about every write:
//  - touched:  the page may differ from zero, so a digest or snapshot must look at it;
//  - tracked:  nobody wrote to the page since somebody who keeps what pages were (emu/memory/page_history.h) set this
//              note on it; the first write clears it (the TLB hands out read-only entries until then);
//  - code:     an engine may have translated instructions from the page. A page is either writable through some TLB or
//              executable through some TLB, never both, across all engines (emu/cpu). The first write clears it.
// A fourth note, for the third protocol, says that some TLB may hold a writable entry.
//
// The digest is a hash over the hashes of the single pages, so that hashes of pages nobody wrote to could be kept from
// one digest to the next without changing it.
//
// Left out: ROM, NUMA, and holes: a board has one contiguous block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "emu/base/address.h"
#include "emu/base/check.h"
#include "emu/memory/host_pages.h"
#include "emu/state/archive.h"

namespace jacinth::emu {

/// Hears that a page which engines may have translated from is about to be written by someone else than an engine.
class CodeWatcher {
 public:
  virtual ~CodeWatcher() = default;
  /// The page's notes still say kCode.
  virtual void code_page_written(PhysAddr page) = 0;
};

/// Hears of a page before its contents change for the first time since it was noted as tracked, or since it was zero.
class WriteWatcher {
 public:
  virtual ~WriteWatcher() = default;
  /// Null contents: the page is zero, and not touched.
  virtual void page_changes(PhysAddr page, const std::byte* contents) = 0;
};

class PhysicalMemory {
 public:
  enum Note : uint8_t { kTouched = 1, kTracked = 2, kCode = 4, kWritableInTlb = 8 };

  /// Reserves `size` bytes (a multiple of the page size, at least one page) that the guest sees at `base`.
  PhysicalMemory(PhysAddr base, uint64_t size);
  PhysAddr base() const { return base_; }
  uint64_t size() const { return size_; }
  uint64_t page_count() const { return size_ / kPageSize; }

  bool contains(PhysAddr address, uint64_t length = 1) const {
    return address >= base_ && length <= size_ && address - base_ <= size_ - length;
  }

  /// The bytes at `address`, to read. Stays valid for the life of the memory; `address` must be inside.
  const std::byte* data(PhysAddr address) const {
    CHECK(contains(address), "{:#x}", address.value);
    return ram_.data() + (address - base_);
  }

  /// The bytes from `address` to the end of its page, to write now. Everybody but an engine writes through here.
  std::byte* writable(PhysAddr address) {
    CHECK(contains(address), "{:#x}", address.value);
    note_write(address);
    return ram_.data() + (address - base_);
  }

  /// Notes that the page of `address` is about to be written: by writable(), or by a TLB entry that allows it.
  void note_write(PhysAddr address) {
    uint8_t& notes = notes_[index(address)];
    if ((notes & (kTouched | kTracked | kCode)) == kTouched) [[likely]]
      return;
    note_first_write(address, notes);
  }

  uint8_t notes(PhysAddr address) const { return notes_[index(address)]; }
  /// For every note but kTouched: a page becomes touched only by note_write().
  void set_notes(PhysAddr address, uint8_t notes) {
    CHECK((notes & kTouched) == 0);
    notes_[index(address)] |= notes;
  }
  void clear_notes(PhysAddr address, uint8_t notes) {
    CHECK((notes & kTouched) == 0);
    notes_[index(address)] &= static_cast<uint8_t>(~notes);
  }

  /// Pages that were written since they were last zero.
  uint64_t touched_pages() const;

  /// Makes the page zero and forgets its notes; it leaves the digest. No TLB may still allow writes to it. Its host
  /// memory goes back to the host some time after its 2 MiB neighbourhood is unused.
  void discard(PhysAddr page);

  /// Gives a page the contents that it had, without telling the write watcher: null for zero and not touched. It is
  /// tracked from then on. No TLB may still allow writes to it.
  void restore(PhysAddr page, const std::byte* contents);

  /// Watchers must outlive the memory or be reset to null.
  void set_code_watcher(CodeWatcher* watcher) { watcher_ = watcher; }
  void set_write_watcher(WriteWatcher* watcher) { write_watcher_ = watcher; }
  /// Calls visit(page address) for each touched page, in order.
  template <class Visitor>
  void for_each_touched_page(Visitor&& visit) const {
    for (size_t i = 0; i < chunks_.size(); ++i) {
      if (chunks_[i].touched == 0) continue;
      size_t end = std::min((i + 1) * kPagesPerChunk, page_count());
      for (size_t page = i * kPagesPerChunk; page < end; ++page) {
        if ((notes_[page] & kTouched) != 0) visit(base_ + (page << kPageShift));
      }
    }
  }

  /// The host address that engines map; only emu/cpu uses it.
  std::byte* host_base() { return ram_.data(); }

  /// All touched pages that are not zero, in order: number and contents. Loading makes every other page zero, and
  /// expects memory of the same base and size.
  void state(Archive& ar);

 private:
  /// The unit in which the host gives memory and takes it back.
  struct Chunk {
    uint16_t touched = 0;   ///< Pages with kTouched.
    bool resident = false;  ///< The host may have memory behind it.
  };
  static constexpr uint64_t kPagesPerChunk = HostPages::kHugePageSize / kPageSize;
  /// So many chunks without a touched page stay resident: handing a page to and fro must not cost a huge page each
  /// time.
  static constexpr size_t kMaxIdleChunks = 4;

  size_t index(PhysAddr address) const {
    CHECK(contains(address), "{:#x}", address.value);
    return (address - base_) >> kPageShift;
  }
  const std::byte* page_bytes(size_t page) const { return ram_.data() + (page << kPageShift); }
  std::byte* page_bytes(size_t page) { return ram_.data() + (page << kPageShift); }

  void note_first_write(PhysAddr address, uint8_t& notes);
  void touch(Chunk& chunk);
  void release_idle_chunks();
  void release_all();
  /// Calls visit(page number) for each touched page that is not zero, in order.
  template <class Visitor>
  void for_each_page_in_use(Visitor&& visit) const;
  void hash(Archive& ar);
  void save(Archive& ar);
  void load(Archive& ar);

  struct Free {
    void operator()(uint8_t* block) const { std::free(block); }
  };

  PhysAddr base_;
  uint64_t size_;
  HostPages ram_;
  std::unique_ptr<uint8_t[], Free> notes_;  // From calloc: a large machine must not pay for notes it never writes.
  std::vector<Chunk> chunks_;
  size_t idle_chunks_ = 0;
  CodeWatcher* watcher_ = nullptr;
  WriteWatcher* write_watcher_ = nullptr;
};

}  // namespace jacinth::emu
