// What the kernel does with memory by itself as time goes on: pages grow older, and pages of zeros are given back
// (zircon/kernel/vm/scanner.cc, and the thread of page_queues.cc).
//
// The real kernel has threads for it. Here it is done when a CPU next asks for work, for all the time that has passed
// since: virtual time and the state decide, nothing else, and no alarm of its own keeps an idle machine running.
//
//   ages     also when nothing is evicted; not more often than min-aging-interval, not less often than
//   max-aging-interval; in between as soon as
//            there are more active pages than inactive ones, weighed by active-ratio-multiplier
//   zeros    once a second, zero-page-scans-per-second pages
//   eviction while the watchdog wants it continuously, every eviction-interval-seconds
//
// Left out: giving back page tables that nobody used for a while.
#pragma once

#include <cstdint>

#include "emu/time/time.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Core;
class Vm;

/// Which pages go when memory is to be freed.
enum class EvictionLevel : uint8_t {
  kOnlyOldest,     ///< Those that nobody used for long.
  kIncludeNewest,  ///< All but those in use now.
};

class Scanner {
 public:
  explicit Scanner(Vm& vm) : vm_(vm) {}

  /// Kernel options kernel.page-scanner.*.
  void configure(const Core& core);
  bool evicts() const { return enabled_ && evicts_; }

  /// When run() has something to do next.
  Time due() const { return due_; }
  void run(Time now);

  /// Frees at least `min_pages`, and until `free_target` are free; now, and from now on again and again if
  /// `continuously`. How many it were now.
  uint64_t evict(uint64_t min_pages, uint64_t free_target, EvictionLevel level);
  void evict_continuously(uint64_t min_pages, uint64_t free_target);
  void stop_evicting() { continuous_ = false; }

  void state(Archive& ar);

 private:
  void age(Time now);
  void scan_zeros(Time now);
  void evict_again(Time now);
  void find_due();

  Vm& vm_;
  bool enabled_ = false;
  bool evicts_ = false;
  Duration min_aging_{};
  Duration max_aging_{};
  uint64_t active_ratio_ = 0;
  uint64_t zero_scans_ = 0;
  unsigned discardable_percent_ = 0;
  Duration eviction_interval_{};

  Time due_ = Time::never();
  Time last_aging_;
  Time last_zero_scan_;
  bool continuous_ = false;
  uint64_t min_pages_ = 0;
  uint64_t free_target_ = 0;
  Time last_eviction_;
};

}  // namespace jacinth::kernel
