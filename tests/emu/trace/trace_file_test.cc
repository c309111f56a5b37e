// The container of traces: what comes back, what is left of a damaged or unfinished file, and what no damage can do.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "emu/trace/trace_index.h"
#include "emu/trace/trace_reader.h"
#include "emu/trace/trace_writer.h"
#include "tests/support/damage.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using test::Random;

class Memory final : public TraceStore {
 public:
  bool write(uint64_t offset, std::span<const std::byte> bytes) override {
    REQUIRE(offset <= file.size());
    if (offset + bytes.size() > space) return false;
    file.resize(std::max<size_t>(file.size(), offset + bytes.size()));
    std::memcpy(file.data() + offset, bytes.data(), bytes.size());
    return true;
  }
  std::string failure() const override { return "no space"; }

  std::vector<std::byte> file;
  uint64_t space = UINT64_MAX;
};

std::vector<std::byte> payload(uint64_t seed, size_t size) {
  Random random(seed);
  std::vector<std::byte> bytes(size);
  // Some of it repeats, as events do.
  for (size_t i = 0; i < size; ++i) bytes[i] = std::byte(i % 3 == 0 ? random.next() : i % 7);
  return bytes;
}

/// A run, `events` frames of events, an end.
std::vector<std::byte> small_file(size_t events, bool finished = true) {
  Memory store;
  TraceWriter writer(store, {});
  writer.add({.kind = FrameKind::kRun}, payload(1000, 100));
  for (size_t i = 0; i < events; ++i)
    writer.add({.kind = FrameKind::kEvents, .time = Time{static_cast<int64_t>(i) * 10}, .event = i * 5},
               payload(i, 50 + i));
  if (finished) {
    writer.add({.kind = FrameKind::kEnd}, payload(2000, 20));
    writer.finish();
  }
  return store.file;
}

/// Where each frame begins.
std::vector<size_t> offsets(std::span<const std::byte> file) {
  std::vector<size_t> found;
  for (size_t at = kTraceHeaderSize; at < file.size();) {
    auto frame = look_at_frame(file.subspan(at));
    if (!frame) break;
    found.push_back(at);
    at += frame->size;
  }
  return found;
}

}  // namespace

TEST_CASE("trace file: What was written comes back, in order, with number, time and kind") {
  std::vector<std::byte> file = small_file(5);
  auto reader = TraceReader::open(file);
  REQUIRE(reader);
  REQUIRE(reader->finished());
  REQUIRE(reader->problems().empty());
  REQUIRE(reader->frames().size() == 7);
  REQUIRE(reader->frames()[0].kind == FrameKind::kRun);
  REQUIRE(reader->read(0) == payload(1000, 100));
  for (size_t i = 0; i < 5; ++i) {
    const FrameInfo& info = reader->frames()[1 + i];
    REQUIRE(info.kind == FrameKind::kEvents);
    REQUIRE(info.number == 1 + i);
    REQUIRE(info.time == Time{static_cast<int64_t>(i) * 10});
    REQUIRE(info.event == i * 5);
    REQUIRE(info.raw_size == 50 + i);
    REQUIRE(reader->read(1 + i) == payload(i, 50 + i));
  }
  REQUIRE(reader->frames()[6].kind == FrameKind::kEnd);
}

TEST_CASE("trace file: A time is found without reading what came before") {
  std::vector<std::byte> file = small_file(5);
  auto reader = TraceReader::open(file);
  REQUIRE(reader);
  REQUIRE(reader->find(FrameKind::kEvents, Time{0}) == 1);
  REQUIRE(reader->find(FrameKind::kEvents, Time{25}) == 3);
  REQUIRE(reader->find(FrameKind::kEvents, Time::never()) == 5);
  REQUIRE(reader->find(FrameKind::kEvents, Time{-1}) == reader->frames().size());
}

TEST_CASE("trace file: An empty payload is a frame like any other") {
  Memory store;
  TraceWriter writer(store, {});
  writer.add({.kind = FrameKind::kEvents}, {});
  writer.finish();
  auto reader = TraceReader::open(store.file);
  REQUIRE(reader);
  REQUIRE(reader->frames().size() == 1);
  REQUIRE(reader->read(0)->empty());
}

TEST_CASE("trace file: Cut off anywhere, it is read up to its last whole frame") {
  std::vector<std::byte> file = small_file(4);
  std::vector<size_t> begins = offsets(file);
  for (size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    auto reader = TraceReader::open(std::span(file).first(size));
    if (size < kTraceHeaderSize) {
      REQUIRE_FALSE(reader);
      continue;
    }
    REQUIRE(reader);
    REQUIRE_FALSE(reader->finished());
    // The last of `begins` is the index.
    size_t whole = 0;
    while (whole + 1 < begins.size() && begins[whole + 1] <= size) ++whole;
    REQUIRE(reader->frames().size() == whole);
    for (size_t i = 0; i < whole; ++i) REQUIRE(reader->read(i));
    bool at_border = size == kTraceHeaderSize || std::ranges::find(begins, size) != begins.end();
    if (whole + 1 < begins.size()) REQUIRE(reader->problems().empty() == at_border);
  }
}

TEST_CASE("trace file: One that was never finished is read to its end") {
  std::vector<std::byte> file = small_file(4, false);
  auto reader = TraceReader::open(file);
  REQUIRE(reader);
  REQUIRE_FALSE(reader->finished());
  REQUIRE(reader->problems().empty());
  REQUIRE(reader->frames().size() == 5);
}

TEST_CASE("trace file: A damaged frame is named, and the others are read") {
  std::vector<std::byte> file = small_file(4);
  size_t begin = offsets(file)[2];
  file[begin + kFrameHeaderSize + 3] ^= std::byte{4};
  for (bool with_index : {true, false}) {
    std::span<const std::byte> bytes = with_index ? std::span(file) : std::span(file).first(file.size() - 16);
    auto reader = TraceReader::open(bytes);
    REQUIRE(reader);
    REQUIRE(reader->finished() == with_index);
    REQUIRE(reader->frames().size() == 5);
    REQUIRE(reader->problems().size() == 1);
    REQUIRE(reader->problems()[0] == fmt::format("the frame at byte {} is damaged: its checksum is wrong", begin));
    for (const FrameInfo& info : reader->frames()) REQUIRE(info.number != 2);
  }
}

TEST_CASE("trace file: Other files and other versions are refused with the reason") {
  std::vector<std::byte> file = small_file(1);
  REQUIRE(TraceReader::open({}).error() == "it is no trace of jacinth");
  std::vector<std::byte> other = file;
  other[0] = std::byte{'J'};
  REQUIRE(TraceReader::open(other).error() == "it is no trace of jacinth");
  std::vector<std::byte> newer = file;
  newer[kTraceMagic.size()] = std::byte{kTraceMajor + 1};
  REQUIRE(TraceReader::open(newer).error() ==
          fmt::format("it is a trace of format {}, and this jacinth reads format {}", kTraceMajor + 1, kTraceMajor));
  std::vector<std::byte> minor = file;
  minor[kTraceMagic.size() + 1] = std::byte{77};
  auto reader = TraceReader::open(minor);
  REQUIRE(reader);
  REQUIRE(reader->minor_version() == 77);
}

TEST_CASE("trace file: A cap keeps the beginning, and the end that every file has") {
  Memory store;
  TraceWriter writer(store, {.bytes = 2000});
  writer.add({.kind = FrameKind::kRun}, payload(1, 100));
  for (uint64_t i = 0; i < 100; ++i) writer.add({.kind = FrameKind::kEvents, .event = i}, payload(i, 200));
  writer.add({.kind = FrameKind::kEnd}, payload(2, 10));
  REQUIRE(writer.dropped() > 0);
  writer.finish();
  auto reader = TraceReader::open(store.file);
  REQUIRE(reader);
  const std::vector<FrameInfo>& frames = reader->frames();
  REQUIRE(frames.size() == 102 - writer.dropped());
  REQUIRE(frames.front().kind == FrameKind::kRun);
  REQUIRE(frames.back().kind == FrameKind::kEnd);
  for (size_t i = 1; i + 1 < frames.size(); ++i) REQUIRE(frames[i].event == i - 1);
}

TEST_CASE("trace file: A ring keeps the newest events, also when its writer is killed") {
  for (bool finished : {true, false}) {
    Memory store;
    TraceWriter writer(store, {.bytes = 2000, .ring = true});
    writer.add({.kind = FrameKind::kRun}, payload(1, 100));
    for (uint64_t i = 0; i < 100; ++i) writer.add({.kind = FrameKind::kEvents, .event = i}, payload(i, 100 + i % 50));
    REQUIRE(store.file.size() <= 2000);
    if (finished) {
      writer.add({.kind = FrameKind::kEnd}, payload(2, 10));
      writer.finish();
    }
    auto reader = TraceReader::open(store.file);
    REQUIRE(reader);
    REQUIRE(reader->finished() == finished);
    std::vector<FrameInfo> frames = reader->frames();
    REQUIRE(reader->read(0) == payload(1, 100));
    REQUIRE(frames.front().kind == FrameKind::kRun);
    frames.erase(frames.begin());
    if (finished) frames.pop_back();
    REQUIRE(frames.size() > 3);
    // The newest without a gap.
    for (size_t i = 0; i < frames.size(); ++i) REQUIRE(frames[i].event == 100 - frames.size() + i);
  }
}

TEST_CASE("trace file: A frame that no ring can hold is left out") {
  Memory store;
  TraceWriter writer(store, {.bytes = 1000, .ring = true});
  writer.add({.kind = FrameKind::kEvents}, payload(1, 100));
  writer.add({.kind = FrameKind::kEvents}, payload(2, 5000));
  writer.finish();
  REQUIRE(writer.dropped() == 1);
  auto reader = TraceReader::open(store.file);
  REQUIRE(reader);
  REQUIRE(reader->frames().size() == 1);
}

TEST_CASE("trace file: A disk that is full leaves what was written before readable") {
  Memory store;
  store.space = 1000;
  TraceWriter writer(store, {});
  writer.add({.kind = FrameKind::kRun}, payload(1, 100));
  while (!writer.failed()) writer.add({.kind = FrameKind::kEvents}, payload(writer.frames(), 100));
  uint64_t tried = writer.frames();
  writer.add({.kind = FrameKind::kEvents}, payload(3, 10));
  writer.finish();
  auto reader = TraceReader::open(store.file);
  REQUIRE(reader);
  REQUIRE_FALSE(reader->finished());
  REQUIRE(reader->problems().empty());
  REQUIRE(reader->frames().size() == tried - 1);
}

TEST_CASE("trace file: No damage makes a frame come back as what it was not") {
  std::vector<std::byte> whole = small_file(6);
  for (uint64_t seed : test::seeds(100'000)) {
    Random random(seed);
    std::vector<std::byte> file = whole;
    test::damage(file, random);
    INFO("JACINTH_TEST_SEED=" << seed);
    auto reader = TraceReader::open(file);
    if (!reader) continue;
    for (size_t i = 0; i < reader->frames().size(); ++i) {
      const FrameInfo& info = reader->frames()[i];
      auto bytes = reader->read(i);
      if (!bytes) continue;
      if (info.kind == FrameKind::kRun) REQUIRE(*bytes == payload(1000, 100));
      if (info.kind == FrameKind::kEnd) REQUIRE(*bytes == payload(2000, 20));
      if (info.kind == FrameKind::kEvents) REQUIRE(*bytes == payload(info.number - 1, 50 + info.number - 1));
    }
  }
}

TEST_CASE("trace file: A frame is the same whatever its packer packed before") {
  FramePacker packer;
  FrameInfo info{.kind = FrameKind::kEvents, .number = 3};
  packer.pack({.kind = FrameKind::kFile}, payload(7, 5000));
  std::vector<std::byte> small = payload(1, 100);
  REQUIRE(std::ranges::equal(packer.pack(info, small), pack_frame(info, small)));
  std::vector<std::byte> large = payload(2, 20'000);
  REQUIRE(std::ranges::equal(packer.pack(info, large), pack_frame(info, large)));
}

TEST_CASE("trace file: A frame that lies about its size when unpacked is refused") {
  std::vector<std::byte> frame = pack_frame({.kind = FrameKind::kEvents}, payload(1, 100));
  REQUIRE(unpack_frame(frame) == payload(1, 100));
  // A header of its own, with the right checksum, before a payload of another size.
  std::vector<std::byte> other = pack_frame({.kind = FrameKind::kEvents}, payload(1, 101));
  std::vector<std::byte> cut(other.begin(), other.end() - 1);
  REQUIRE(unpack_frame(cut).error() == "it is cut off");
}

}  // namespace jacinth::emu
