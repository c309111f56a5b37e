// The records of a Fuchsia trace (fxt) as bytes: words of 64 bits, little end first
// (docs/reference/tracing/trace-format.md of Fuchsia).
//
// Written: the magic number, one provider, a tick of one nanosecond, strings and threads by index, kernel objects,
// events, and of the scheduler context switches and wake-ups. Left out: blobs, logs, userspace objects.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emu/time/time.h"

namespace jacinth::cli {

class FxtWriter {
 public:
  enum class EventType : uint8_t {
    kInstant = 0,
    kCounter = 1,
    kDurationBegin = 2,
    kDurationEnd = 3,
    kFlowBegin = 8,
    kFlowEnd = 10,
  };
  enum class ThreadState : uint8_t { kNew = 0, kSuspended = 2, kBlocked = 3, kDying = 4, kDead = 5 };
  struct Thread {
    uint64_t process = 0;
    uint64_t thread = 0;
  };
  struct Argument {
    enum class Type : uint8_t { kInt32 = 1, kUint64 = 4, kString = 6, kKoid = 8 };
    std::string_view name;
    Type type = Type::kString;
    uint64_t value = 0;
    std::string_view text;
  };

  /// Appends to `out`, which whoever owns it may empty between two calls.
  explicit FxtWriter(std::string& out) : out_(out) {}

  /// What every trace begins with.
  void begin(std::string_view provider);
  void process(uint64_t koid, std::string_view name);
  void thread(Thread thread, std::string_view name);
  /// `id` is a flow's or a counter's, and nothing for other events.
  void event(EventType type, Time at, Thread thread, std::string_view category, std::string_view name,
             std::span<const Argument> arguments = {}, uint64_t id = 0);
  /// A thread of weight kIdle is what a CPU runs when it has nothing to do.
  static constexpr int32_t kIdle = INT32_MIN;
  void context_switch(Time at, unsigned cpu, uint64_t from, ThreadState state, int32_t from_weight, uint64_t to,
                      int32_t to_weight);
  void wakeup(Time at, unsigned cpu, uint64_t thread);

 private:
  uint16_t string(std::string_view text);
  uint8_t thread_index(Thread thread);
  /// A record in the making: its header comes last, when its size is known.
  struct Record {
    std::vector<uint64_t> words{0};
    void stream(std::string_view text);
  };
  void argument(Record& record, const Argument& argument, uint16_t name);
  void object(uint8_t type, uint64_t koid, std::string_view name, std::span<const Argument> arguments);
  /// The strings that arguments need, before the record that they stand in.
  std::vector<uint16_t> names_of(std::span<const Argument> arguments);
  void put(Record& record, uint8_t type, uint64_t header);

  std::string& out_;
  std::map<std::string, uint16_t, std::less<>> strings_;
  std::map<std::pair<uint64_t, uint64_t>, uint8_t> threads_;
};

}  // namespace jacinth::cli
