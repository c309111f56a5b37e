// The kernel's log: the newest records of all programs, and the readers that follow them.
//
// zircon/kernel/lib/debuglog: a ring of 128 KiB; a record that a reader was too slow for is lost to it, which the
// sequence numbers show. Each line also goes to the serial console, as the kernel's dumper thread does it, but without
// the prefix of time and koids.
//
// Left out: records of the kernel's own.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "emu/time/time.h"
#include "kernel/abi/names.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Platform;

/// Hears of new records.
class LogReader {
 public:
  virtual ~LogReader() = default;
  virtual void on_record() = 0;
};

class Log {
 public:
  static constexpr size_t kCapacity = 128 << 10;
  /// What a record can hold: as much as the records of July 2020 had room for.
  static constexpr size_t kMaxText = 224;

  struct Record {
    uint64_t sequence = 0;
    uint8_t severity = 0;
    uint8_t flags = 0;
    Time timestamp;
    Koid pid{};
    Koid tid{};
    std::string text;
    void state(Archive& ar);
  };

  explicit Log(Platform& platform) : platform_(platform) {}

  /// Longer text is cut.
  void write(Koid pid, Koid tid, uint8_t severity, uint8_t flags, std::string_view text);
  /// The oldest record that is there with a sequence number of at least `sequence`; null when there is none.
  const Record* find(uint64_t sequence) const;
  uint64_t next_sequence() const { return next_sequence_; }

  void add_reader(LogReader& reader) { readers_.push_back(&reader); }
  void remove_reader(LogReader& reader) { std::erase(readers_, &reader); }

  void state(Archive& ar);

 private:
  static size_t cost(const Record& record) { return 40 + record.text.size(); }

  Platform& platform_;
  std::deque<Record> records_;
  size_t used_ = 0;
  uint64_t next_sequence_ = 0;
  std::vector<LogReader*> readers_;
};

}  // namespace jacinth::kernel
