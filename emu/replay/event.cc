#include "emu/replay/event.h"

#include <xxhash.h>

namespace jacinth::emu {
std::string_view event_kind_name(EventKind kind) {
  switch (kind) {
    case EventKind::kCall: return "call";
    case EventKind::kCallAbandoned: return "call-abandoned";
    case EventKind::kException: return "exception";
    case EventKind::kProcessCreated: return "process-created";
    case EventKind::kProcessStarted: return "process-started";
    case EventKind::kProcessExited: return "process-exited";
    case EventKind::kThreadStarted: return "thread-started";
    case EventKind::kThreadExited: return "thread-exited";
    case EventKind::kDigest: return "digest";
    case EventKind::kCallParked: return "call-parked";
    case EventKind::kThreadRuns: return "thread-runs";
    case EventKind::kPageFault: return "page-fault";
    case EventKind::kCopyIn: return "copy-in";
    case EventKind::kCopyOut: return "copy-out";
    case EventKind::kOutput: return "output";
    case EventKind::kPacketQueued: return "packet-queued";
    case EventKind::kPacketTaken: return "packet-taken";
  }
  return "unknown";
}

uint64_t EventChain::data_hash(std::span<const std::byte> data) {
  return detail::fold(XXH3_64bits(data.data(), data.size()), data.size(), 12);
}

uint64_t add_copy(uint64_t copies, uint64_t address, std::span<const std::byte> bytes) {
  return detail::fold(copies ^ XXH3_64bits(bytes.data(), bytes.size()), address, 13);
}

}  // namespace jacinth::emu
