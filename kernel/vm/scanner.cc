#include "kernel/vm/scanner.h"

#include <algorithm>

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

Duration seconds(uint64_t count) {
  return Duration{static_cast<int64_t>(std::min<uint64_t>(count, 1 << 30)) * kSecond};
}

}  // namespace

// The defaults are those of options.inc in the real kernel's boot options.
void Scanner::configure(const Core& core) {
  enabled_ = core.option("kernel.page-scanner.start-at-boot", 1) != 0;
  evicts_ = core.option("kernel.page-scanner.enable-eviction", 1) != 0;
  min_aging_ = std::max(seconds(core.option("kernel.page-scanner.min-aging-interval", 2)), Duration{kSecond});
  max_aging_ = std::max(seconds(core.option("kernel.page-scanner.max-aging-interval", 15)), min_aging_);
  active_ratio_ = core.option("kernel.page-scanner.active-ratio-multiplier", 2);
  zero_scans_ = core.option("kernel.page-scanner.zero-page-scans-per-second", 20'000);
  discardable_percent_ = static_cast<unsigned>(
      std::min<uint64_t>(core.option("kernel.page-scanner.discardable-evictions-percent", 20), 100));
  eviction_interval_ =
      std::max(seconds(core.option("kernel.page-scanner.eviction-interval-seconds", 10)), Duration{kSecond});
  find_due();
}

void Scanner::find_due() {
  due_ = Time::never();
  if (!enabled_) return;
  due_ = std::min(due_, last_aging_ + min_aging_);
  if (zero_scans_ > 0) due_ = std::min(due_, last_zero_scan_ + Duration{kSecond});
  if (continuous_) due_ = std::min(due_, last_eviction_ + eviction_interval_);
}

void Scanner::run(Time now) {
  if (!enabled_) return;
  age(now);
  if (zero_scans_ > 0) scan_zeros(now);
  if (continuous_) evict_again(now);
  find_due();
}

void Scanner::age(Time now) {
  PageQueues& queues = vm_.pmm().queues();
  // After as many turns without an access all are as old as they get.
  for (unsigned turn = 0; turn < PageQueues::kGenerations; ++turn) {
    uint64_t active = queues.active_count();
    uint64_t inactive = queues.inactive_count();
    if (active + inactive == 0) break;
    bool soon = active * active_ratio_ > inactive;
    Time next = last_aging_ + (soon ? min_aging_ : max_aging_);
    if (now < next) return;
    vm_.harvest_accessed();
    vm_.move_used_to_lent();
    queues.rotate();
    last_aging_ = next;
  }
  if (now >= last_aging_ + min_aging_) last_aging_ = now;
}

void Scanner::scan_zeros(Time now) {
  int64_t passed = (now - last_zero_scan_).ns / kSecond;
  if (passed <= 0) return;
  last_zero_scan_ = last_zero_scan_ + Duration{passed * kSecond};
  uint64_t waiting = vm_.pmm().queues().zero_fork_count();
  if (waiting == 0) return;
  uint64_t seconds = std::min<uint64_t>(static_cast<uint64_t>(passed), waiting / zero_scans_ + 1);
  vm_.dedup_zero_forks(std::min(waiting, zero_scans_ > waiting ? waiting : zero_scans_ * seconds));
}

uint64_t Scanner::evict(uint64_t min_pages, uint64_t free_target, EvictionLevel level) {
  return evicts() ? vm_.evict(min_pages, free_target, level, discardable_percent_) : 0;
}

void Scanner::evict_continuously(uint64_t min_pages, uint64_t free_target) {
  if (!evicts()) return;
  continuous_ = true;
  min_pages_ += min_pages;
  free_target_ = free_target;
  last_eviction_ = vm_.core().now();
  evict_again(last_eviction_ + eviction_interval_);
  find_due();
}

void Scanner::evict_again(Time now) {
  if (now < last_eviction_ + eviction_interval_) return;
  uint64_t freed = vm_.evict(min_pages_, free_target_, EvictionLevel::kOnlyOldest, discardable_percent_);
  min_pages_ -= std::min(min_pages_, freed);
  last_eviction_ = vm_.core().now();
}

void Scanner::state(Archive& ar) {
  ar(last_aging_, last_zero_scan_, continuous_, min_pages_, free_target_, last_eviction_);
  if (ar.loading()) find_due();
}

}  // namespace jacinth::kernel
