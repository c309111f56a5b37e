#include "kernel/object/core.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "emu/base/check.h"
#include "emu/state/archive.h"

namespace jacinth::kernel {
namespace {

// A packet and an observer of a port take about 96 and 200 bytes of the real kernel's memory.
constexpr uint64_t kPacketsPerPage = 42;
constexpr uint64_t kObserversPerPage = 20;

}  // namespace

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
      packet_slab_(kPacketsPerPage, option("kernel.portpacket.reserve-pages", 1) * platform.cpu_count()),
      observer_slab_(kObserversPerPage, option("kernel.portobserver.reserve-pages", 8) * platform.cpu_count()),
      ipc_memory_(option("kernel.bufferchain.reserve-pages", 32) * platform.cpu_count()),
      handles_(*this),
      log_(platform) {}

Core::~Core() { let_go(); }

void Core::let_go() {
  handles_.abandon();
  objects_.let_go(*this);
}

void Core::set_kernel_pages(KernelPages* pages) {
  kernel_pages_ = pages;
  packet_slab_.set_source(pages);
  observer_slab_.set_source(pages);
  ipc_memory_.set_source(pages);
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
  while (Object* object = deadlines_.pop(now())) {
    ++fired_deadlines_;
    object->on_deadline();
  }
  set_alarm();
}

void Core::set_kernel_deadline(Time when) {
  kernel_deadline_ = when;
  set_alarm();
}

void Core::set_alarm() {
  Time next = std::min(deadlines_.next(), kernel_deadline_);
  if (next >= alarm_) return;  // An alarm for nothing is harmless.
  alarm_ = next;
  platform_.set_alarm(next);
}

int64_t& Core::counter(std::string_view name) {
  auto found = counters_.find(name);
  if (found == counters_.end()) found = counters_.emplace(std::string(name), 0).first;
  return found->second;
}

namespace {

/// What the kernel's counters call the objects of a type; empty where its classes have names of their own.
std::string_view counted_as(ObjectType type) {
  switch (type) {
    case ObjectType::kNone:
    case ObjectType::kInterrupt: return {};
    case ObjectType::kProcess: return "process";
    case ObjectType::kThread: return "thread";
    case ObjectType::kVmo: return "vmo";
    case ObjectType::kChannel: return "channel";
    case ObjectType::kEvent: return "event";
    case ObjectType::kPort: return "port";
    case ObjectType::kPciDevice: return "pci_device";
    case ObjectType::kDebuglog: return "log";
    case ObjectType::kSocket: return "socket";
    case ObjectType::kResource: return "resource";
    case ObjectType::kEventpair: return "eventpair";
    case ObjectType::kJob: return "job";
    case ObjectType::kVmar: return "vmar";
    case ObjectType::kFifo: return "fifo";
    case ObjectType::kGuest: return "guest";
    case ObjectType::kVcpu: return "vcpu";
    case ObjectType::kTimer: return "timer";
    case ObjectType::kIommu: return "iommu";
    case ObjectType::kBti: return "bti";
    case ObjectType::kProfile: return "profile";
    case ObjectType::kPmt: return "pinned_memory_token";
    case ObjectType::kSuspendToken: return "suspend_token";
    case ObjectType::kPager: return "pager";
    case ObjectType::kException: return "exception";
    case ObjectType::kClock: return "clock";
    case ObjectType::kStream: return "stream";
    case ObjectType::kMsi: return "msi";
  }
  return {};
}

}  // namespace

void Core::count_created(ObjectType type) {
  ++common_counters_.created;
  TypeCounters& counters = type_counters_[abi::raw(type)];
  if (counters.created == nullptr) {
    std::string_view name = counted_as(type);
    if (name.empty()) return;
    std::string family = "dispatcher." + std::string(name);
    counters = {.created = &counter(family + ".create"), .destroyed = &counter(family + ".destroy")};
  }
  ++*counters.created;
}

void Core::count_destroyed(ObjectType type) {
  ++common_counters_.destroyed;
  TypeCounters& counters = type_counters_[abi::raw(type)];
  if (counters.destroyed != nullptr) ++*counters.destroyed;
}

bool Core::option_is(std::string_view name, std::string_view word) const {
  const KernelOption* row = find_kernel_option(name);
  CHECK(row != nullptr && row->modelled, "the table of kernel options does not say that {} is modelled", name);
  auto found = options_.find(name);
  return found != options_.end() && found->second == word;
}

uint64_t Core::option(std::string_view name, uint64_t otherwise) const {
  const KernelOption* row = find_kernel_option(name);
  CHECK(row != nullptr && row->modelled, "the table of kernel options does not say that {} is modelled", name);
  auto found = options_.find(name);
  if (found == options_.end()) return otherwise;
  const std::string& text = found->second;
  // Switches are written in words, too (zircon/kernel/lib/boot-options).
  if (text == "true" || text == "on" || text == "yes") return 1;
  if (text == "false" || text == "off") return 0;
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

void Core::state(Archive& ar, std::deque<Ref<Object>>* held_for_caller) {
  ar.set_context(this);
  objects_.drain();
  if (ar.loading()) {
    let_go();
    deadlines_.clear();
    CHECK(objects_.size() == 0, "somebody holds an object across loading");
    for (auto& [name, value] : counters_) value = 0;
  }

  ar(packet_slab_, observer_slab_, ipc_memory_);
  uint64_t slab_pages = packet_slab_.pages() + observer_slab_.pages();
  if (ar.loading() && kernel_pages_ != nullptr && slab_pages != kernel_pages_->count(KernelPages::Use::kSlab)) {
    ar.fail("slabs without the pages that they count");
    packet_slab_.forget();
    observer_slab_.forget();
  }
  if (ar.loading() && kernel_pages_ != nullptr && ipc_memory_.pages() != kernel_pages_->count(KernelPages::Use::kIpc)) {
    ar.fail("messages without the pages that they count");
    ipc_memory_.forget();
  }
  std::deque<Ref<Object>> held;
  objects_.state_identities(ar, *this, held);
  handles_.state(ar);
  objects_.state_contents(ar);
  deadlines_.state(ar);
  log_.state(ar);
  ar(fired_deadlines_, random_position_, alarm_, kernel_deadline_);

  // In place: objects keep references into the map. Last, since making objects counts. A counter of nothing is as if it
  // were not there: a kernel that was in use before it was loaded has more of them.
  auto counts = [](const auto& counter) { return counter.second != 0; };
  size_t count = ar.count(static_cast<size_t>(std::ranges::count_if(counters_, counts)), 16);
  if (!ar.loading()) {
    for (auto& [name, value] : counters_) {
      if (value == 0) continue;
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
    if (held_for_caller != nullptr) {
      *held_for_caller = std::move(held);
    } else {
      held.clear();
      objects_.drain();
    }
    // Also an alarm for nothing comes again: a loaded machine looks up at the same moments.
    if (alarm_ != Time::never()) platform_.set_alarm(alarm_);
    set_alarm();
  }
}

}  // namespace jacinth::kernel
