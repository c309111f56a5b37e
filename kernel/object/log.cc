#include "kernel/object/log.h"

#include "emu/state/archive.h"
#include "kernel/platform/platform.h"

namespace jacinth::kernel {

void Log::Record::state(Archive& ar) { ar(sequence, severity, flags, timestamp, pid, tid, text); }

void Log::write(Koid pid, Koid tid, uint8_t severity, uint8_t flags, std::string_view text) {
  text = text.substr(0, kMaxText);
  std::string line(text);
  if (!line.ends_with('\n')) line += '\n';
  platform_.console_write(line);

  records_.push_back({.sequence = next_sequence_++,
                      .severity = severity,
                      .flags = flags,
                      .timestamp = platform_.now(),
                      .pid = pid,
                      .tid = tid,
                      .text = std::string(text)});
  used_ += cost(records_.back());
  while (used_ > kCapacity) {
    used_ -= cost(records_.front());
    records_.pop_front();
  }
  for (LogReader* reader : readers_) reader->on_record();
}

const Log::Record* Log::find(uint64_t sequence) const {
  if (records_.empty() || sequence >= next_sequence_) return nullptr;
  uint64_t oldest = records_.front().sequence;
  return &records_[sequence > oldest ? sequence - oldest : 0];
}

void Log::state(Archive& ar) {
  ar(records_, next_sequence_);
  if (!ar.loading()) return;
  used_ = 0;
  for (const Record& record : records_) used_ += cost(record);
}

}  // namespace jacinth::kernel
