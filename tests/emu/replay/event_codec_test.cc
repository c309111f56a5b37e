// Events in frames: what is written comes back, small things are small, and no damage is believed or breaks anything.
#include "emu/replay/event_codec.h"

#include <algorithm>
#include <cstring>

#include "tests/emu/replay/event_samples.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using test::Random;

void require_same(const Event& a, const Event& b) {
  REQUIRE(a.kind == b.kind);
  REQUIRE(a.time == b.time);
  REQUIRE(a.process == b.process);
  REQUIRE(a.thread == b.thread);
  REQUIRE(a.number == b.number);
  REQUIRE(a.result == b.result);
  REQUIRE(a.argument_count == b.argument_count);
  for (size_t i = 0; i < a.argument_count; ++i) REQUIRE(a.arguments[i] == b.arguments[i]);
  REQUIRE(std::ranges::equal(a.data, b.data));
}

std::vector<std::byte> payload_of(const EventEncoder& encoder) {
  std::vector<std::byte> payload;
  encoder.append_to(payload);
  return payload;
}

}  // namespace

TEST_CASE("event codec: At the full level every event comes back as it was") {
  for (uint64_t seed : test::seeds(20)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    std::vector<OwnedEvent> events = sample_events(seed, 300);
    EventEncoder encoder(RecordLevel::kFull, Time{5});
    for (size_t i = 0; i < events.size(); ++i) encoder.add(events[i].get(), static_cast<uint32_t>(i * 77));
    REQUIRE(encoder.count() == 300);
    std::vector<std::byte> payload = payload_of(encoder);
    auto decoder = EventDecoder::open(payload, Time{5});
    REQUIRE(decoder);
    REQUIRE(decoder->level() == RecordLevel::kFull);
    for (size_t i = 0; i < events.size(); ++i) {
      REQUIRE(decoder->left() == 300 - i);
      auto recorded = decoder->next();
      REQUIRE(recorded);
      REQUIRE(recorded->hash == i * 77);
      require_same(recorded->event, events[i].get());
    }
    REQUIRE(decoder->left() == 0);
  }
}

TEST_CASE("event codec: A frame holds nothing of the one that its encoder made before") {
  std::vector<OwnedEvent> events = sample_events(2, 100);
  auto encode = [&](EventEncoder& encoder, size_t from, size_t to) {
    encoder.begin(events[from].event.time);
    for (size_t i = from; i < to; ++i) encoder.add(events[i].get(), static_cast<uint32_t>(i));
    return payload_of(encoder);
  };
  EventEncoder used(RecordLevel::kFull);
  EventEncoder fresh(RecordLevel::kFull);
  REQUIRE(encode(used, 0, 60).size() > 0);
  REQUIRE(encode(used, 60, 100) == encode(fresh, 60, 100));
}

TEST_CASE("event codec: At the level of digests kind, thread and number come back, and the hash") {
  std::vector<OwnedEvent> events = sample_events(1, 300);
  std::erase_if(events, [](const OwnedEvent& sample) { return !named_in_digests(sample.event.kind); });
  EventEncoder encoder(RecordLevel::kDigests, Time{});
  for (const OwnedEvent& sample : events) encoder.add(sample.get(), 7);
  std::vector<std::byte> payload = payload_of(encoder);
  auto decoder = EventDecoder::open(payload, Time{});
  REQUIRE(decoder);
  for (const OwnedEvent& sample : events) {
    auto recorded = decoder->next();
    REQUIRE(recorded);
    REQUIRE(recorded->event.kind == sample.event.kind);
    REQUIRE(recorded->event.thread == sample.event.thread);
    REQUIRE(recorded->event.process == sample.event.process);
    REQUIRE(recorded->event.number == sample.event.number);
    REQUIRE(recorded->hash == 7);
  }
}

TEST_CASE("event codec: A call in a loop costs two bytes and its hash") {
  EventEncoder encoder(RecordLevel::kDigests, Time{});
  Event call{.kind = EventKind::kCall, .argument_count = 1, .process = 1040, .thread = 1042, .number = 31};
  encoder.add(call, 1);
  size_t before = encoder.size();
  encoder.add(call, 2);
  REQUIRE(encoder.size() - before == 6);
}

TEST_CASE("event codec: The chain tells any two events apart in everything that they hold") {
  std::vector<OwnedEvent> events = sample_events(3, 200);
  Random random(9);
  for (const OwnedEvent& sample : events) {
    EventChain a;
    a.add(sample.get());
    auto differs = [&](auto&& change) {
      OwnedEvent other = sample;
      change(other);
      EventChain b;
      b.add(other.get());
      return a.value() != b.value();
    };
    REQUIRE(differs([](OwnedEvent& e) { e.event.time.ns += 1; }));
    REQUIRE(differs([](OwnedEvent& e) { e.event.thread ^= 1; }));
    REQUIRE(differs([](OwnedEvent& e) { e.event.process ^= 1; }));
    REQUIRE(differs([](OwnedEvent& e) { e.event.number ^= 1; }));
    REQUIRE(differs([](OwnedEvent& e) { e.event.result ^= 1; }));
    REQUIRE(differs([](OwnedEvent& e) { e.event.copies = 1; }));
    if (sample.event.argument_count > 0)
      REQUIRE(differs([&](OwnedEvent& e) { e.event.arguments[random.below(e.event.argument_count)] ^= 16; }));
    if (!sample.data.empty())
      REQUIRE(differs([&](OwnedEvent& e) { e.data[random.below(e.data.size())] ^= std::byte{2}; }));
  }
}

TEST_CASE("event codec: What a call copied is told apart by order, place and bytes") {
  std::vector<std::byte> ab = {std::byte{1}, std::byte{2}};
  std::vector<std::byte> ba = {std::byte{2}, std::byte{1}};
  uint64_t one = add_copy(0, 0x1000, ab);
  REQUIRE(one != 0);
  REQUIRE(one != add_copy(0, 0x1001, ab));
  REQUIRE(one != add_copy(0, 0x1000, ba));
  REQUIRE(add_copy(one, 0x2000, ba) != add_copy(add_copy(0, 0x2000, ba), 0x1000, ab));
}

TEST_CASE("event codec: Damaged events end in an error or in other events, never in anything worse") {
  for (RecordLevel level : {RecordLevel::kDigests, RecordLevel::kFull}) {
    std::vector<OwnedEvent> events = sample_events(4, 60);
    EventEncoder encoder(level, Time{});
    for (const OwnedEvent& sample : events)
      if (level == RecordLevel::kFull || named_in_digests(sample.event.kind)) encoder.add(sample.get(), 1);
    std::vector<std::byte> whole = payload_of(encoder);
    for (uint64_t seed : test::seeds(20'000)) {
      INFO("JACINTH_TEST_SEED=" << seed);
      Random random(seed);
      std::vector<std::byte> payload = whole;
      if (random.one_in(3)) payload.resize(random.below(payload.size()));
      for (uint64_t n = random.below(4); n > 0 && !payload.empty(); --n)
        payload[random.below(random.one_in(2) ? std::min<size_t>(16, payload.size()) : payload.size())] =
            std::byte(random.next());
      auto decoder = EventDecoder::open(payload, Time{});
      if (!decoder) {
        REQUIRE_FALSE(decoder.error().empty());
        continue;
      }
      uint64_t read = 0;
      while (decoder->left() > 0) {
        auto recorded = decoder->next();
        if (!recorded) break;
        REQUIRE(recorded->event.argument_count <= 8);
        ++read;
      }
      REQUIRE(read <= payload.size());
    }
  }
}

}  // namespace jacinth::emu
