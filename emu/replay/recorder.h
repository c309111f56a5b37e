// Writes down what happens in a run.
//
//   events -> chain of hashes -> encoder -> frame -> FrameSink (a file, usually by way of another thread)
//
// Left out: inputs from outside, which no guest has yet; what a run depends on beside them is emu/replay/recording.h's.
#pragma once

#include <cstdint>
#include <vector>

#include "emu/replay/event_codec.h"
#include "emu/trace/frame.h"

namespace jacinth::emu {

/// Takes frames in their order.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void frame(const FrameInfo& info, std::vector<std::byte> payload) = 0;
  /// Something empty to make the next payload in; with room, where the sink has some to give back.
  virtual std::vector<std::byte> room() { return {}; }
};

class Recorder final : public EventSink {
 public:
  /// `frames` outlives this.
  Recorder(RecordLevel level, FrameSink& frames) : level_(level), frames_(frames), encoder_(level) {}

  void event(const Event& event) override;
  /// Hands on what is not in a frame yet.
  void flush();

  uint64_t events() const { return events_; }
  const EventChain& chain() const { return chain_; }

 private:
  /// Unpacked. So much is lost when the writer is killed.
  static constexpr size_t kFrameSize = 128 << 10;

  RecordLevel level_;
  FrameSink& frames_;
  EventChain chain_;
  uint64_t events_ = 0;  // Those that are named at this level.
  EventEncoder encoder_;
  FrameInfo info_;
};

}  // namespace jacinth::emu
