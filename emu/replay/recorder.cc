#include "emu/replay/recorder.h"

namespace jacinth::emu {

void Recorder::event(const Event& event) {
  chain_.add(event);
  if (level_ == RecordLevel::kNone) return;
  if (level_ == RecordLevel::kDigests && !named_in_digests(event.kind)) return;
  if (!encoder_) {
    info_ = {.kind = FrameKind::kEvents, .time = event.time, .event = events_};
    encoder_.emplace(level_, event.time);
  }
  encoder_->add(event, chain_.short_value());
  ++events_;
  if (encoder_->size() >= kFrameSize) flush();
}

void Recorder::flush() {
  if (!encoder_) return;
  frames_.frame(info_, encoder_->payload());
  encoder_.reset();
}

}  // namespace jacinth::emu
