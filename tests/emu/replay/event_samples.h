// Events for tests of what records them: like those of a run, but made of chance.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "emu/replay/event.h"
#include "tests/support/random.h"

namespace jacinth::emu {

/// An event and the data that it points to.
struct OwnedEvent {
  Event event;
  std::vector<std::byte> data;
  Event get() const {
    Event whole = event;
    whole.data = data;
    return whole;
  }
};

inline std::vector<OwnedEvent> sample_events(uint64_t seed, size_t count) {
  test::Random random(seed);
  std::vector<OwnedEvent> events;
  int64_t time = 0;
  for (size_t i = 0; i < count; ++i) {
    OwnedEvent& sample = events.emplace_back();
    Event& event = sample.event;
    event.kind = EventKind{static_cast<uint8_t>(random.below(kEventKinds))};
    time += static_cast<int64_t>(random.below(1000));
    event.time = Time{time};
    event.process = 1000 + random.below(3);
    event.thread = 1010 + random.below(4);
    event.number = random.one_in(20) ? random.next() : random.below(200);
    event.result = random.one_in(3) ? -static_cast<int64_t>(random.below(100)) : static_cast<int64_t>(random.below(3));
    event.argument_count = static_cast<uint8_t>(random.below(9));
    for (size_t k = 0; k < event.argument_count; ++k)
      event.arguments[k] = random.one_in(4) ? random.next() : random.below(5000);
    if (random.one_in(3)) sample.data.resize(random.below(100));
    for (std::byte& byte : sample.data) byte = std::byte(random.next());
  }
  return events;
}

}  // namespace jacinth::emu
