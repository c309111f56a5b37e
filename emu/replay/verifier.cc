#include "emu/replay/verifier.h"

#include <fmt/format.h>

#include <algorithm>

namespace jacinth::emu {
namespace {

/// What differs; empty when only the hashes do, which a recording of digests has nothing but.
std::string difference(const RecordedEvent& recorded, const Event& replayed, RecordLevel level) {
  const Event& was = recorded.event;
  if (was.kind != replayed.kind) return "the kind of event";
  if (was.process != replayed.process || was.thread != replayed.thread) return "the thread";
  if (was.number != replayed.number) return "the number";
  if (level != RecordLevel::kFull) return "";
  if (was.time != replayed.time) return "the time";
  if (was.argument_count != replayed.argument_count) return "how many arguments there are";
  for (size_t i = 0; i < was.argument_count; ++i)
    if (was.arguments[i] != replayed.arguments[i]) return fmt::format("argument {}", i + 1);
  if (was.result != replayed.result) return "the result";
  if (!std::ranges::equal(was.data, replayed.data)) return "the data";
  return "";
}

}  // namespace

Verifier::Verifier(const TraceReader& trace, bool complete) : trace_(trace), complete_(complete) {
  // What the recording is of, its first frame of events says.
  for (size_t i = 0; i < trace.frames().size() && level_ == RecordLevel::kNone; ++i) {
    if (trace.frames()[i].kind != FrameKind::kEvents) continue;
    frame_ = i;
    if (load_next()) level_ = decoder_->level();
  }
}

/// Goes to the next frame of events. False when there is none, or it cannot be read.
bool Verifier::load_next() {
  decoder_.reset();
  const std::vector<FrameInfo>& frames = trace_.frames();
  while (frame_ < frames.size() && frames[frame_].kind != FrameKind::kEvents) ++frame_;
  if (frame_ == frames.size()) return false;
  const FrameInfo& info = frames[frame_];
  auto payload = trace_.read(frame_++);
  if (!payload) {
    failure_ = payload.error();
    return false;
  }
  payload_ = std::move(*payload);
  auto decoder = EventDecoder::open(payload_, info.time);
  if (!decoder) {
    failure_ = fmt::format("frame {} (events): {}", info.number, decoder.error());
    return false;
  }
  decoder_ = std::move(*decoder);
  decoder_event_ = info.event;
  return true;
}

void Verifier::event(const Event& event) {
  if (done()) return;
  chain_.add(event);
  if (level_ == RecordLevel::kNone) return;
  if (level_ == RecordLevel::kDigests && !named_in_digests(event.kind)) return;
  uint64_t number = next_event_++;
  while (!decoder_ || decoder_->left() == 0) {
    if (load_next()) continue;
    if (!failure_.empty()) return;
    if (!complete_) {
      exhausted_ = true;
      return;
    }
    next_event_ = number;
    return diverge(nullptr, &event, "the recording ends here, and the run goes on");
  }
  // A ring has lost the beginning, and damage a piece.
  if (number < decoder_event_) return;
  const RecordedEvent* recorded = decoder_->read();
  if (recorded == nullptr) {
    failure_ = fmt::format("frame {} (events): {}", trace_.frames()[frame_ - 1].number, decoder_->error());
    return;
  }
  ++decoder_event_;
  std::string what = difference(*recorded, event, level_);
  if (what.empty() && recorded->hash == chain_.short_value()) {
    ++verified_;
    return;
  }
  next_event_ = number;
  if (what.empty())
    what = level_ == RecordLevel::kFull ? "something before it that no event tells"
                                        : "its arguments, result, data or time";
  diverge(recorded, &event, std::move(what));
}

void Verifier::finish() {
  if (done() || level_ == RecordLevel::kNone) return;
  while (!decoder_ || decoder_->left() == 0) {
    if (!load_next()) return;
  }
  const RecordedEvent* recorded = decoder_->read();
  if (recorded == nullptr) {
    failure_ = fmt::format("frame {} (events): {}", trace_.frames()[frame_ - 1].number, decoder_->error());
    return;
  }
  diverge(recorded, nullptr, "the run ends here, and the recording goes on");
}

void Verifier::diverge(const RecordedEvent* recorded, const Event* replayed, std::string what) {
  Divergence& found = divergence_.emplace();
  found.event = next_event_;
  found.what = std::move(what);
  if (recorded != nullptr) {
    found.recorded = *recorded;
    found.recorded_data.assign(recorded->event.data.begin(), recorded->event.data.end());
    found.recorded->event.data = {};
  }
  if (replayed != nullptr) {
    found.replayed = *replayed;
    found.replayed_data.assign(replayed->data.begin(), replayed->data.end());
    found.replayed->data = {};
  }
}

}  // namespace jacinth::emu
