// Holds a run against a recording of it, event by event, and knows the first difference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "emu/replay/event_codec.h"
#include "emu/trace/trace_reader.h"

namespace jacinth::emu {

/// Where run and recording part.
struct Divergence {
  uint64_t event = 0;                     ///< Its number; events count from 0.
  std::optional<RecordedEvent> recorded;  ///< Nothing: the recording had ended.
  std::vector<std::byte> recorded_data;   ///< What recorded->event.data means.
  std::optional<Event> replayed;          ///< Nothing: the run ended.
  std::vector<std::byte> replayed_data;
  /// "the result", "argument 3", ...: what differs, as far as the recording tells.
  std::string what;
};

class Verifier final : public EventSink {
 public:
  /// `trace` outlives this. `complete`: its events go on to the end of the run.
  Verifier(const TraceReader& trace, bool complete);

  void event(const Event& event) override;
  /// The run is over: nothing more may be in the recording.
  void finish();

  const std::optional<Divergence>& divergence() const { return divergence_; }
  /// The recording is not complete (its writer was killed, or came to a cap), and the run has come to where it ends.
  bool exhausted() const { return exhausted_; }
  /// Why the recording cannot be read on.
  const std::string& failure() const { return failure_; }
  /// Whether there is nothing more to find out.
  bool done() const { return divergence_.has_value() || exhausted_ || !failure_.empty(); }
  /// Events that were the same.
  uint64_t verified() const { return verified_; }
  const EventChain& chain() const { return chain_; }

 private:
  bool load_next();
  void diverge(const RecordedEvent* recorded, const Event* replayed, std::string what);

  const TraceReader& trace_;
  bool complete_;
  RecordLevel level_ = RecordLevel::kNone;
  size_t frame_ = 0;
  std::vector<std::byte> payload_;
  std::optional<EventDecoder> decoder_;
  uint64_t decoder_event_ = 0;  // The number of the decoder's next event.
  uint64_t next_event_ = 0;     // The number of the run's next event.
  uint64_t verified_ = 0;
  EventChain chain_;
  std::optional<Divergence> divergence_;
  bool exhausted_ = false;
  std::string failure_;
};

}  // namespace jacinth::emu
