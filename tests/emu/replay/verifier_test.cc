// A run held against its recording: the first difference is found, at its event, with both sides.
#include "emu/replay/verifier.h"

#include <cstring>

#include "emu/replay/recorder.h"
#include "emu/replay/recording.h"
#include "emu/trace/trace_writer.h"
#include "tests/emu/replay/event_samples.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

/// A trace in memory.
class Tape final : public TraceStore, public FrameSink {
 public:
  explicit Tape(TraceWriter::Limit limit = {}) : writer_(*this, limit) {}

  bool write(uint64_t offset, std::span<const std::byte> bytes) override {
    if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
    std::memcpy(file.data() + offset, bytes.data(), bytes.size());
    return true;
  }
  std::string failure() const override { return {}; }
  void frame(const FrameInfo& info, std::vector<std::byte> payload) override { writer_.add(info, payload); }
  void finish() { writer_.finish(); }
  TraceReader reader() const {
    auto reader = TraceReader::open(file);
    REQUIRE(reader);
    return std::move(*reader);
  }
  uint64_t dropped() const { return writer_.dropped(); }

  std::vector<std::byte> file;

 private:
  TraceWriter writer_;
};

void record(Tape& tape, RecordLevel level, const std::vector<OwnedEvent>& events) {
  Recorder recorder(level, tape);
  for (const OwnedEvent& sample : events) recorder.event(sample.get());
  recorder.flush();
}

void replay(Verifier& verifier, const std::vector<OwnedEvent>& events) {
  for (const OwnedEvent& sample : events) verifier.event(sample.get());
}

/// The number of the event at `index` among those that the level names, or of the next of them.
uint64_t number_at(const std::vector<OwnedEvent>& events, size_t index, RecordLevel level) {
  uint64_t number = 0;
  for (size_t i = 0; i < index; ++i)
    number += level == RecordLevel::kFull || named_in_digests(events[i].event.kind) ? 1 : 0;
  return number;
}

const RecordLevel kLevels[] = {RecordLevel::kDigests, RecordLevel::kFull};

}  // namespace

TEST_CASE("verifier: The same run is the same, over many frames") {
  std::vector<OwnedEvent> events = sample_events(1, 20'000);
  for (RecordLevel level : kLevels) {
    Tape tape;
    record(tape, level, events);
    tape.finish();
    TraceReader trace = tape.reader();
    if (level == RecordLevel::kFull) REQUIRE(trace.frames().size() > 3);
    Verifier verifier(trace, true);
    replay(verifier, events);
    verifier.finish();
    REQUIRE_FALSE(verifier.done());
    REQUIRE(verifier.verified() == number_at(events, events.size(), level));
  }
}

TEST_CASE("verifier: The first event that differs is the one that is named, whatever it differs in") {
  std::vector<OwnedEvent> events = sample_events(2, 4000);
  for (RecordLevel level : kLevels) {
    Tape tape;
    record(tape, level, events);
    tape.finish();
    TraceReader trace = tape.reader();
    for (uint64_t seed : test::seeds(60)) {
      INFO("JACINTH_TEST_SEED=" << seed);
      test::Random random(seed);
      std::vector<OwnedEvent> changed = events;
      size_t at = random.below(changed.size());
      OwnedEvent& sample = changed[at];
      switch (random.below(5)) {
        case 0: sample.event.result ^= 4; break;
        case 1: sample.event.time.ns += 1; break;
        case 2: sample.event.number ^= 1; break;
        case 3: sample.event.thread += 1; break;
        case 4: sample.data.push_back(std::byte{1}); break;
      }
      Verifier verifier(trace, true);
      replay(verifier, changed);
      REQUIRE(verifier.divergence());
      REQUIRE(verifier.divergence()->event == number_at(events, at, level));
      REQUIRE(verifier.divergence()->recorded);
      REQUIRE(verifier.divergence()->replayed);
      REQUIRE_FALSE(verifier.divergence()->what.empty());
      if (level == RecordLevel::kFull) {
        REQUIRE(verifier.divergence()->recorded->event.result == events[at].event.result);
        REQUIRE(verifier.divergence()->recorded_data == events[at].data);
        REQUIRE(verifier.divergence()->replayed_data == sample.data);
      }
    }
  }
}

TEST_CASE("verifier: A run that ends early or late is told from one that ends in time") {
  std::vector<OwnedEvent> events = sample_events(3, 100);
  std::vector<OwnedEvent> fewer(events.begin(), events.end() - 10);
  Tape tape;
  record(tape, RecordLevel::kFull, events);
  tape.finish();
  TraceReader trace = tape.reader();
  Verifier early(trace, true);
  replay(early, fewer);
  REQUIRE_FALSE(early.done());
  early.finish();
  REQUIRE(early.divergence());
  REQUIRE(early.divergence()->event == 90);
  REQUIRE_FALSE(early.divergence()->replayed);

  Tape short_tape;
  record(short_tape, RecordLevel::kFull, fewer);
  short_tape.finish();
  TraceReader short_trace = short_tape.reader();
  Verifier late(short_trace, true);
  replay(late, events);
  REQUIRE(late.divergence());
  REQUIRE(late.divergence()->event == 90);
  REQUIRE_FALSE(late.divergence()->recorded);
}

TEST_CASE("verifier: A recording that was cut off is verified as far as it goes") {
  std::vector<OwnedEvent> events = sample_events(4, 20'000);
  Tape tape;
  record(tape, RecordLevel::kFull, events);
  tape.file.resize(tape.file.size() * 2 / 3);
  TraceReader trace = tape.reader();
  REQUIRE_FALSE(trace.finished());
  Verifier verifier(trace, false);
  replay(verifier, events);
  REQUIRE(verifier.exhausted());
  REQUIRE_FALSE(verifier.divergence());
  REQUIRE(verifier.verified() > 1000);
  REQUIRE(verifier.verified() < events.size());
}

TEST_CASE("verifier: A ring's recording verifies the end of a run, whose beginning it has lost") {
  std::vector<OwnedEvent> events = sample_events(5, 60'000);
  Tape tape({.bytes = 1 << 20, .ring = true});
  record(tape, RecordLevel::kFull, events);
  tape.finish();
  REQUIRE(tape.dropped() > 0);
  TraceReader trace = tape.reader();
  Verifier verifier(trace, true);
  replay(verifier, events);
  verifier.finish();
  REQUIRE_FALSE(verifier.done());
  REQUIRE(verifier.verified() > 1000);
  REQUIRE(verifier.verified() < events.size());
  // What was lost is in the chain all the same.
  events[10].event.result += 1;
  Verifier other(trace, true);
  replay(other, events);
  REQUIRE(other.divergence());
}

TEST_CASE("verifier: A damaged frame of events ends the replay with its name") {
  std::vector<OwnedEvent> events = sample_events(6, 3000);
  Tape tape;
  Recorder recorder(RecordLevel::kFull, tape);
  for (const OwnedEvent& sample : events) recorder.event(sample.get());
  recorder.flush();
  // A frame that is whole and holds no events.
  tape.frame({.kind = FrameKind::kEvents, .event = recorder.events()}, std::vector<std::byte>(5));
  tape.finish();
  TraceReader trace = tape.reader();
  Verifier verifier(trace, true);
  replay(verifier, events);
  verifier.event(events[0].get());
  REQUIRE(verifier.failure().ends_with("(events): it is too short for events"));
}

TEST_CASE("verifier: What a run depends on comes back, and what is damaged is refused") {
  RunDescription run{.version = "0.1.0", .board = "virt-arm64", .cpus = 2, .seed = 7, .program = "hello"};
  run.arguments = {"a", ""};
  run.environment = {{"K", "V"}};
  run.kernel_options = {{"aslr.disable", "true"}};
  run.time_limit = 5;
  std::vector<std::byte> bytes = to_payload(run);
  auto back = from_payload<RunDescription>(bytes);
  REQUIRE(back);
  REQUIRE(back->board == "virt-arm64");
  REQUIRE(back->arguments == run.arguments);
  REQUIRE(back->environment == run.environment);
  REQUIRE(back->kernel_options == run.kernel_options);
  REQUIRE(back->time_limit == run.time_limit);
  for (uint64_t seed : test::seeds(5000)) {
    test::Random random(seed);
    std::vector<std::byte> damaged = bytes;
    if (random.one_in(2)) damaged.resize(random.below(damaged.size()));
    for (uint64_t n = 1 + random.below(3); n > 0 && !damaged.empty(); --n)
      damaged[random.below(damaged.size())] = std::byte(random.next());
    auto result = from_payload<RunDescription>(damaged);
    if (!result) REQUIRE_FALSE(result.error().empty());
  }
}

TEST_CASE("verifier: A trace that says nothing of a run is no recording") {
  Tape tape;
  record(tape, RecordLevel::kFull, sample_events(1, 10));
  tape.finish();
  TraceReader trace = tape.reader();
  auto recording = Recording::open(trace);
  REQUIRE_FALSE(recording);
  REQUIRE(recording.error() == "it does not say what it is a recording of");
}

TEST_CASE("recording: Whatever stands in a frame, with the right checksum, is read or named with its frame") {
  std::vector<OwnedEvent> events = sample_events(11, 80);
  RunDescription run{.version = "1", .board = "b", .cpus = 2, .program = "p", .arguments = {"one", "two"}};
  RecordedFile file{.path = "p", .digest = digest_of_bytes({}), .embedded = true, .bytes = {}};
  RunConclusion end{.reason = "exited", .events = 80};
  for (RecordLevel level : kLevels) {
    run.level = level;
    std::vector<std::pair<FrameInfo, std::vector<std::byte>>> frames;
    struct Frames final : FrameSink {
      explicit Frames(std::vector<std::pair<FrameInfo, std::vector<std::byte>>>& to) : all(to) {}
      void frame(const FrameInfo& info, std::vector<std::byte> payload) override {
        all.emplace_back(info, std::move(payload));
      }
      std::vector<std::pair<FrameInfo, std::vector<std::byte>>>& all;
    } sink(frames);
    frames.emplace_back(FrameInfo{.kind = FrameKind::kRun}, to_payload(run));
    frames.emplace_back(FrameInfo{.kind = FrameKind::kFile}, to_payload(file));
    Recorder recorder(level, sink);
    for (const OwnedEvent& sample : events) recorder.event(sample.get());
    recorder.flush();
    frames.emplace_back(FrameInfo{.kind = FrameKind::kEnd}, to_payload(end));

    for (uint64_t seed : test::seeds(20'000)) {
      INFO("JACINTH_TEST_SEED=" << seed);
      test::Random random(seed);
      auto changed = frames;
      std::vector<std::byte>& payload = changed[random.below(changed.size())].second;
      if (random.one_in(4)) payload.resize(random.below(payload.size() + 1));
      for (uint64_t n = 1 + random.below(4); n > 0 && !payload.empty(); --n) {
        size_t at = random.below(random.one_in(2) ? std::min<size_t>(24, payload.size()) : payload.size());
        payload[at] = random.one_in(2) ? std::byte(random.next()) : std::byte(0xff);
      }
      Tape tape;
      for (const auto& [info, bytes] : changed) tape.frame(info, bytes);
      tape.finish();
      TraceReader reader = tape.reader();
      REQUIRE(reader.problems().empty());
      auto recording = Recording::open(reader);
      if (!recording) {
        REQUIRE(recording.error().starts_with("frame "));
        continue;
      }
      Verifier verifier(reader, recording->complete());
      replay(verifier, events);
      verifier.finish();
      if (!verifier.failure().empty()) REQUIRE(verifier.failure().starts_with("frame "));
    }
  }
}

}  // namespace jacinth::emu
