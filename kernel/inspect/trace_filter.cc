#include "kernel/inspect/trace_filter.h"

#include <algorithm>

#include "kernel/inspect/call_text.h"

namespace jacinth::kernel {

bool TraceFilter::takes(Time now, uint64_t process, uint64_t thread) const {
  if (now < from || now > until) return false;
  return tasks.empty() || std::ranges::any_of(tasks, [&](uint64_t koid) { return koid == process || koid == thread; });
}

bool TraceFilter::takes_life(Time now, uint64_t process, uint64_t thread) const {
  if (!takes(now, process, thread)) return false;
  return objects.empty() ||
         std::ranges::any_of(objects, [&](uint64_t koid) { return koid == (thread != 0 ? thread : process); });
}

bool TraceFilter::takes_end(const abi::SyscallInfo* info, const int64_t* result,
                            std::span<const uint64_t> named) const {
  if (!objects.empty() && std::ranges::find_first_of(named, objects) == named.end()) return false;
  if (!statuses.empty()) {
    bool has_status = info == nullptr || info->returns == abi::ReturnKind::kStatus ||
                      (info->returns == abi::ReturnKind::kStatusOrCount && result != nullptr && *result < 0);
    if (result == nullptr || !has_status) return false;
    if (std::ranges::find(statuses, static_cast<Status>(*result)) == statuses.end()) return false;
  }
  if (results == Results::kAll) return true;
  if (result == nullptr) return false;
  bool failed = info == nullptr || call_failed(*info, *result);
  return failed == (results == Results::kFailed);
}

}  // namespace jacinth::kernel
