#include "emu/replay/recorder.h"

#include <utility>

namespace jacinth::emu {

void Recorder::event(const Event& event) {
  chain_.add(event);
  if (level_ == RecordLevel::kNone) return;
  if (level_ == RecordLevel::kDigests && !named_in_digests(event.kind)) return;
  if (encoder_.count() == 0) {
    info_ = {.kind = FrameKind::kEvents, .time = event.time, .event = events_};
    encoder_.begin(event.time);
  }
  encoder_.add(event, chain_.short_value());
  ++events_;
  if (encoder_.size() >= kFrameSize) flush();
}

void Recorder::flush() {
  if (encoder_.count() == 0) return;
  std::vector<std::byte> payload = frames_.room();
  encoder_.append_to(payload);
  frames_.frame(info_, std::move(payload));
  encoder_.begin(info_.time);
}

}  // namespace jacinth::emu
