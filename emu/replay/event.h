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
  kCopyOut,    ///< The kernel wrote to memory of a program: arguments: where; data; or several copies of a call.
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

/// How much of it a recording has.
enum class RecordLevel : uint8_t {
  kNone,     ///< What the run depends on, and how it ended.
  kDigests,  ///< A hash for each call and other event.
  kFull,     ///< All events with all that they hold.
};

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
  /// Of a call whose copies are no events of their own: a hash over them; 0: there were none.
  uint64_t copies = 0;
};

/// Puts one more copy into Event::copies.
uint64_t add_copy(uint64_t copies, uint64_t address, std::span<const std::byte> bytes);

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void event(const Event& event) = 0;
};

namespace detail {

/// Odd, and half of their bits set: places of words in an event are told apart by them.
inline constexpr uint64_t kPlaces[] = {
    0x9e37'79b9'7f4a'7c15, 0xbf58'476d'1ce4'e5b9, 0x94d0'49bb'1331'11eb, 0xd6e8'feb8'6659'fd93,
    0xa076'1d64'78bd'642f, 0xe703'7ed1'a0b4'28db, 0x8ebc'6af0'9c88'c6e3, 0x5899'65cc'7537'4cc3,
    0x1d8e'4e27'c47d'124f, 0xeb44'acca'b455'd165, 0xc2b2'ae3d'27d4'eb4f, 0x1656'67b1'9e37'79f9,
    0x85eb'ca77'c2b2'ae63, 0x27d4'eb2f'1656'67c5, 0xff51'afd7'ed55'8ccd, 0xc4ce'b9fe'1a85'ec53};

inline uint64_t fold(uint64_t a, uint64_t b, size_t place) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a ^ kPlaces[place]) * (b ^ kPlaces[place + 1]);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace detail

/// The hash of all that happened so far. Two runs with the same value had the same events.
class EventChain {
 public:
  /// Two words at a time, multiplied to 128 bits and folded, all pairs of an event independent of each other: an event
  /// is two multiplications deep, where a word by word hash would be ten (12 ns more).
  void add(const Event& event) {
    using detail::fold;
    uint64_t hash = fold(static_cast<uint64_t>(event.kind) | event.number << 8, event.thread ^ event.process << 32, 0) ^
                    fold(static_cast<uint64_t>(event.time.ns), static_cast<uint64_t>(event.result), 2);
    size_t count = event.argument_count;
    for (size_t i = 0; i < count; i += 2)
      hash ^= fold(event.arguments[i], i + 1 < count ? event.arguments[i + 1] : 0, 4 + i);
    if (!event.data.empty()) [[unlikely]]
      hash ^= data_hash(event.data);
    if (event.copies != 0) hash ^= fold(event.copies, static_cast<uint64_t>(event.kind), 12);
    value_ = fold(value_, hash, 14);
  }
  uint64_t value() const { return value_; }
  /// What a recording keeps of it for one event.
  uint32_t short_value() const { return static_cast<uint32_t>(value_ ^ value_ >> 32); }

 private:
  static uint64_t data_hash(std::span<const std::byte> data);
  uint64_t value_ = 0;
};

}  // namespace jacinth::emu
