// What happened in a run, as a recorder hears it and a replay is held against. The machine knows nothing of kernels:
// who speaks of processes, threads and calls here passes their numbers (kernel/inspect/event_source.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "emu/time/time.h"

namespace jacinth::emu {

enum class EventKind : uint8_t {
  // What a recording of digests has one by one.
  kCall,            ///< A call ended: number, arguments, result.
  kCallAbandoned,   ///< It ended its own thread, or its thread was killed: number, arguments.
  kException,       ///< number: its type; arguments: PC, address, code.
  kProcessCreated,  ///< arguments: its job.
  kProcessStarted,
  kProcessExited,  ///< result: the return code.
  kThreadStarted,
  kThreadExited,
  kDigest,  ///< arguments: the two halves of a digest of the machine.
  // What only its chained hash has.
  kPageFault,  ///< number: the kind of access; arguments: the page.
  kCopyOut,    ///< A call wrote to memory of its program: arguments: where; data.
  kOutput,     ///< data: what went to the console.
  // What only a full recording has.
  kCallParked,  ///< number
  kThreadRuns,  ///< number: the CPU.
  kCopyIn,      ///< A call read memory of its program.
  // Since minor version 1 of the format.
  kPacketQueued,  ///< number: its type; arguments: the port, the packet's number there, its key, its status.
  kPacketTaken,   ///< The same.
};
inline constexpr uint8_t kEventKinds = 17;
std::string_view event_kind_name(EventKind kind);
/// Whether a recording of digests names it, rather than only hash it.
constexpr bool named_in_digests(EventKind kind) { return kind <= EventKind::kDigest; }

struct Event {
  EventKind kind = EventKind::kCall;
  uint8_t argument_count = 0;
  Time time;
  uint64_t process = 0;
  uint64_t thread = 0;  ///< 0: of no thread.
  uint64_t number = 0;
  int64_t result = 0;
  std::array<uint64_t, 8> arguments = {};  ///< Only the first argument_count mean anything.
  std::span<const std::byte> data;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void event(const Event& event) = 0;
};

/// The hash of all that happened so far. Two runs with the same value had the same events.
class EventChain {
 public:
  void add(const Event& event);
  uint64_t value() const { return value_; }
  /// What a recording keeps of it for one event.
  uint32_t short_value() const { return static_cast<uint32_t>(value_ ^ value_ >> 32); }

 private:
  uint64_t value_ = 0;
};

}  // namespace jacinth::emu
