// Whoever shows pages of a container somewhere (a mapping in an address space) and must hear when they change.
#pragma once

#include <cstdint>
#include <map>

namespace jacinth::kernel {

/// A range of page numbers in a container.
struct PageRange {
  uint64_t first = 0;
  uint64_t count = 0;

  uint64_t end() const { return first + count; }
  /// What both have; a count of zero when nothing.
  PageRange intersect(PageRange other) const {
    uint64_t from = first > other.first ? first : other.first;
    uint64_t to = end() < other.end() ? end() : other.end();
    return from < to ? PageRange{from, to - from} : PageRange{};
  }
};

class PageViewer {
 public:
  PageViewer() = default;
  PageViewer(const PageViewer&) = delete;
  PageViewer& operator=(const PageViewer&) = delete;
  virtual ~PageViewer() = default;

  /// Other frames than before stand behind these pages, or none: translations must go.
  virtual void pages_changed(PageRange pages) = 0;
  /// A snapshot sees these pages now as well: nobody may write to their frames.
  virtual void pages_shared(PageRange pages) = 0;
  /// Whether a CPU has accessed the page here since this was asked last.
  virtual bool take_accessed(uint64_t /*page*/) { return false; }

  /// What it shows, in pages of the container.
  PageRange viewed() const { return viewed_; }

 protected:
  PageRange viewed_;

 private:
  friend class CowPages;
  std::multimap<uint64_t, PageViewer*>::iterator place_;  ///< Among the container's viewers.
};

}  // namespace jacinth::kernel
