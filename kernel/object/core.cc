#include "kernel/object/core.h"

#include <charconv>
#include <cstring>

#include "emu/base/check.h"
#include "emu/state/archive.h"

namespace jacinth::kernel {

Core::Core(Platform& platform, Options options)
    : platform_(platform),
      options_(std::move(options)),
      common_counters_{
          .created = counter("dispatcher.create"),
          .destroyed = counter("dispatcher.destroy"),
          .observed = counter("dispatcher.observer.add"),
          .canceled = counter("dispatcher.observer.cancel"),
          .handles_made = counter("handles.made"),
          .handles_duplicated = counter("handles.duped"),
          .handles_live = counter("handles.live"),
          .channel_messages = counter("channel.messages"),
          .channel_bytes = {&counter("channel.bytes.0"), &counter("channel.bytes.64"), &counter("channel.bytes.256"),
                            &counter("channel.bytes.1k"), &counter("channel.bytes.4k"), &counter("channel.bytes.16k"),
                            &counter("channel.bytes.64k")},
      },
      handles_(*this),
      log_(platform) {}

Core::~Core() { let_go(); }

void Core::let_go() {
  handles_.abandon();
  objects_.let_go(*this);
}

Core& Core::of(Archive& ar) {
  CHECK(ar.context() != nullptr, "the state of kernel objects needs their core as context");
  return *static_cast<Core*>(ar.context());
}

uint64_t Core::arm(Time when, Duration early, Duration late, Object& object) {
  uint64_t id = when == Time::never() ? deadlines_.add(when, object) : deadlines_.add(when, early, late, object);
  set_alarm();
  return id;
}

void Core::cancel(uint64_t id) { deadlines_.remove(id); }

void Core::fire_deadlines() {
  alarm_ = Time::never();
  while (Object* object = deadlines_.pop(now())) object->on_deadline();
  set_alarm();
}

void Core::set_alarm() {
  Time next = deadlines_.next();
  if (next >= alarm_) return;  // An alarm for nothing is harmless.
  alarm_ = next;
  platform_.set_alarm(next);
}

int64_t& Core::counter(std::string_view name) {
  auto found = counters_.find(name);
  if (found == counters_.end()) found = counters_.emplace(std::string(name), 0).first;
  return found->second;
}

uint64_t Core::option(std::string_view name, uint64_t otherwise) const {
  auto found = options_.find(name);
  if (found == options_.end()) return otherwise;
  const std::string& text = found->second;
  // Switches are written in words, too (zircon/kernel/lib/boot-options).
  if (text == "true" || text == "on" || text == "yes") return 1;
  if (text == "false" || text == "off" || text == "no") return 0;
  bool hexadecimal = text.starts_with("0x");
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [stopped, error] = std::from_chars(text.data() + (hexadecimal ? 2 : 0), end, value, hexadecimal ? 16 : 10);
  return error == std::errc() && stopped == end ? value : otherwise;
}

// SplitMix64 (Steele, Lea and Flood, 2014) read at a position: any part of the stream can be drawn again after loading.
uint64_t Core::random64() {
  auto mix = [](uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ z >> 27) * 0x94d0'49bb'1331'11eb;
    return z ^ z >> 31;
  };
  return mix(mix(platform_.seed()) + ++random_position_ * 0x9e37'79b9'7f4a'7c15);
}

void Core::random(std::span<std::byte> out) {
  while (!out.empty()) {
    uint64_t word = random64();
    size_t size = std::min(out.size(), sizeof word);
    std::memcpy(out.data(), &word, size);
    out = out.subspan(size);
  }
}

void Core::state(Archive& ar) {
  ar.set_context(this);
  objects_.drain();
  if (ar.loading()) {
    let_go();
    deadlines_.clear();
    CHECK(objects_.size() == 0, "somebody holds an object across loading");
    for (auto& [name, value] : counters_) value = 0;
  }

  std::deque<Ref<Object>> held;
  objects_.state_identities(ar, *this, held);
  handles_.state(ar);
  objects_.state_contents(ar);
  deadlines_.state(ar);
  log_.state(ar);
  ar(random_position_);

  // In place: objects keep references into the map. Last, since making objects counts.
  size_t count = ar.count(counters_.size(), 16);
  if (!ar.loading()) {
    for (auto& [name, value] : counters_) {
      std::string copy = name;
      ar(copy, value);
    }
  } else {
    for (auto& [name, value] : counters_) value = 0;
    for (size_t i = 0; i < count && ar.ok(); ++i) {
      std::string name;
      int64_t value = 0;
      ar(name, value);
      counter(name) = value;
    }
    if (!ar.ok()) {  // The arena is empty then, and what hangs from it goes.
      deadlines_.clear();
    }
    held.clear();
    objects_.drain();
    alarm_ = Time::never();
    set_alarm();
  }
}

}  // namespace jacinth::kernel
