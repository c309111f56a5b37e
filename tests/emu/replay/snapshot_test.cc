// The file of a snapshot: what comes back, and that nothing but what was saved ever does.
#include "emu/replay/snapshot.h"

#include <algorithm>
#include <cstring>

#include "tests/support/damage.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using test::Random;

/// Frames one after the other, as in a file.
class FileSink final : public FrameSink {
 public:
  FileSink() : file(snapshot_header()) {}
  void frame(const FrameInfo& info, std::vector<std::byte> payload) override {
    FrameInfo numbered = info;
    numbered.number = number_++;
    std::vector<std::byte> bytes = pack_frame(numbered, payload);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> file;

 private:
  uint64_t number_ = 0;
};

/// A machine of a kind.
struct State {
  std::vector<uint64_t> numbers;
  std::map<uint32_t, std::string> names;
  bool operator==(const State&) const = default;
  void state(Archive& ar) { ar(numbers, names); }
};

State sample_state(size_t size) {
  State state;
  for (size_t i = 0; i < size; ++i) state.numbers.push_back(i * 0x9e37'79b9'7f4a'7c15);
  for (uint32_t i = 0; i < 10; ++i) state.names[i * 3] = std::string(i, 'x');
  return state;
}

template <class T>
void add(FileSink& sink, FrameKind kind, T value) {
  sink.frame({.kind = kind}, to_payload(value));
}

std::vector<std::byte> sample_file(size_t size) {
  FileSink sink;
  RunDescription run;
  run.version = "1.2.3";
  run.board = "virt-arm64";
  run.arguments = {"one", "two"};
  add(sink, FrameKind::kRun, run);
  add(sink, FrameKind::kFile, RecordedFile{.path = "hello", .embedded = true, .bytes = std::vector<std::byte>(100)});
  add(sink, FrameKind::kInput, RecordedInput{.question = "input 0", .present = true, .bytes = {std::byte{7}}});
  StateWriter writer(sink, Time{42});
  State state = sample_state(size);
  writer(state);
  writer.finish({.layout = "a layout", .folders = {"/data"}});
  return sink.file;
}

std::expected<State, std::string> load(const Snapshot& snapshot) {
  State state;
  auto loaded = snapshot.state.load([&state](Archive& ar) { ar(state); });
  if (!loaded) return std::unexpected(loaded.error());
  return state;
}

TEST_CASE("snapshot file: What was saved comes back, however many pieces it takes") {
  for (size_t size : {size_t{0}, size_t{10}, kStatePiece / 8 - 1, kStatePiece, 3 * kStatePiece}) {
    std::vector<std::byte> file = sample_file(size);
    auto snapshot = Snapshot::open(file);
    REQUIRE(snapshot);
    REQUIRE(snapshot->run.version == "1.2.3");
    REQUIRE(snapshot->run.arguments == std::vector<std::string>{"one", "two"});
    REQUIRE(snapshot->program.path == "hello");
    REQUIRE(snapshot->inputs.at("input 0").bytes.size() == 1);
    REQUIRE_FALSE(snapshot->launch);
    REQUIRE(snapshot->state.about().time == 42);
    REQUIRE(snapshot->state.about().folders == std::vector<std::string>{"/data"});
    REQUIRE(load(*snapshot) == sample_state(size));
  }
}

TEST_CASE("snapshot file: Copied into a recording, the state is the same, and no place on the host goes along") {
  std::vector<std::byte> file = sample_file(1000);
  auto snapshot = Snapshot::open(file);
  REQUIRE(snapshot);
  FileSink sink;
  add(sink, FrameKind::kRun, snapshot->run);
  add(sink, FrameKind::kFile, snapshot->program);
  REQUIRE(snapshot->state.copy(sink));
  auto copied = Snapshot::open(sink.file);
  REQUIRE(copied);
  REQUIRE(copied->state.about().folders.empty());
  REQUIRE(load(*copied) == sample_state(1000));
}

TEST_CASE("snapshot file: Cut off anywhere, it is refused") {
  std::vector<std::byte> file = sample_file(100);
  for (size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    REQUIRE_FALSE(Snapshot::open(std::span(file).first(size)));
  }
}

TEST_CASE("snapshot file: A state that is shorter or longer than what is read of it is refused") {
  std::vector<std::byte> file = sample_file(100);
  auto snapshot = Snapshot::open(file);
  REQUIRE(snapshot);
  uint64_t number = 0;
  auto some = snapshot->state.load([&number](Archive& ar) { ar(number); });
  REQUIRE_FALSE(some);
  REQUIRE(some.error().ends_with("bytes are left over"));
  std::array<State, 2> both;
  REQUIRE_FALSE(snapshot->state.load([&both](Archive& ar) { ar(both); }));
}

TEST_CASE("snapshot file: No damage makes it come back as what it was not") {
  std::vector<std::byte> whole = sample_file(30);
  for (uint64_t seed : test::seeds(100'000)) {
    Random random(seed);
    std::vector<std::byte> file = whole;
    test::damage(file, random);
    INFO("JACINTH_TEST_SEED=" << seed);
    auto snapshot = Snapshot::open(file);
    if (!snapshot) {
      REQUIRE_FALSE(snapshot.error().empty());
      continue;
    }
    REQUIRE(file == whole);
    REQUIRE(load(*snapshot) == sample_state(30));
  }
}

TEST_CASE("snapshot file: What is wrong behind right checksums is refused, or is what it says") {
  std::vector<std::byte> whole = sample_file(30);
  for (uint64_t seed : test::seeds(20'000)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    Random random(seed);
    // The frames again, with some bytes of one of them others, or with a frame of another kind, missing or twice.
    FileSink sink;
    size_t frames = 0;
    for (size_t at = kSnapshotMagic.size() + 1; at < whole.size(); ++frames)
      at += look_at_frame(std::span(whole).subspan(at))->size;
    size_t chosen = random.below(frames);
    uint64_t how = random.below(8);
    size_t number = 0;
    for (size_t at = kSnapshotMagic.size() + 1; at < whole.size(); ++number) {
      std::span<const std::byte> rest = std::span(whole).subspan(at);
      StoredFrame frame = *look_at_frame(rest);
      at += frame.size;
      std::vector<std::byte> payload = *unpack_frame(rest);
      if (number == chosen) {
        if (how == 0) continue;
        if (how == 1) sink.frame(frame.info, payload);
        if (how == 2) frame.info.kind = FrameKind{static_cast<uint8_t>(random.below(24))};
        if (how == 3) payload.resize(random.below(payload.size() + 8));
        for (uint64_t n = how > 3 ? 1 + random.below(3) : 0; n > 0; --n) {
          uint64_t value = random.one_in(2) ? ~uint64_t{0} >> random.below(64) : random.below(300);
          size_t to = random.below(payload.size());
          std::memcpy(payload.data() + to, &value, std::min({sizeof value, payload.size() - to, 1 + random.below(8)}));
        }
      }
      sink.frame(frame.info, std::move(payload));
    }
    auto snapshot = Snapshot::open(sink.file);
    if (snapshot) static_cast<void>(load(*snapshot));
  }
}

}  // namespace
}  // namespace jacinth::emu
