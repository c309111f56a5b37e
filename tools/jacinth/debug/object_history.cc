#include "tools/jacinth/debug/object_history.h"

#include <fmt/format.h>

#include <string_view>

#include "kernel/abi/format.h"
#include "kernel/inspect/strace.h"
#include "kernel/object/traffic.h"

namespace jacinth::cli {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class Listener final : private kernel::LineSink, private kernel::TrafficWatcher, private kernel::ObjectWatcher {
 public:
  Listener(kernel::Core& core, uint64_t koid, size_t most)
      : core_(core), koid_(koid), most_(most), strace_(core, *this, options(koid)) {
    core_.add_traffic_watcher(*this);
    core_.set_object_watcher(this);
  }
  ~Listener() override {
    core_.set_object_watcher(before_);
    core_.remove_traffic_watcher(*this);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  ObjectHistory take() { return std::move(history_); }

 private:
  static kernel::StraceOptions options(uint64_t koid) {
    kernel::StraceOptions options;
    options.filter.objects = {koid};
    return options;
  }

  void add(std::string text) {
    ++history_.total;
    history_.events.push_back({.time = core_.now(), .text = std::move(text)});
    // The first stays.
    if (history_.events.size() > most_ + 1) history_.events.erase(history_.events.begin() + 1);
  }
  void line(std::string_view text) override { add(std::string(text.substr(0, text.size() - 1))); }
  void traffic(kernel::Koid koid, std::string_view what) {
    if (abi::raw(koid) != koid_) return;
    auto now = static_cast<uint64_t>(core_.now().ns);
    add(fmt::format("{:<9} {:>13} --- {} ---", koid_, fmt::format("{}.{:09}", now / kSecond, now % kSecond), what));
  }
  void packet_queued(kernel::Koid port, uint64_t, const abi::PortPacket& packet) override {
    traffic(port, fmt::format("a packet with key {:#x} is queued", packet.key));
  }
  void packet_taken(kernel::Koid port, uint64_t, const abi::PortPacket& packet) override {
    traffic(port, fmt::format("the packet with key {:#x} is taken", packet.key));
  }
  void message_queued(kernel::Koid end, uint32_t size) override {
    traffic(end, fmt::format("a message of {} bytes is queued", size));
  }
  void message_taken(kernel::Koid end) override { traffic(end, "the first message is taken"); }
  void handle_closed(kernel::Koid object, uint32_t left) override {
    traffic(object, left == 0 ? "the last handle is closed" : fmt::format("a handle is closed, {} are left", left));
  }
  void signalled(kernel::Koid object, kernel::Signals asserted) override {
    if (abi::raw(object) != koid_) return;
    kernel::Object* found = core_.objects().find(object);
    kernel::ObjectType type = found != nullptr ? found->type() : kernel::ObjectType::kNone;
    traffic(object, fmt::format("{} is asserted", abi::format_signals(type, asserted)));
  }
  void page_committed(uint64_t, uint64_t) override {}

  kernel::Core& core_;
  kernel::ObjectWatcher* before_ = core_.object_watcher();
  uint64_t koid_;
  size_t most_;
  ObjectHistory history_;
  kernel::Strace strace_;
};

}  // namespace

ObjectHistory object_history(emu::Timeline& timeline, kernel::Core& core, uint64_t koid, size_t most) {
  emu::Position here = timeline.position();
  emu::Position begin = timeline.begins();
  timeline.seek(begin);
  Listener listener(core, koid, most);
  timeline.seek(here);
  ObjectHistory history = listener.take();
  history.since_change = timeline.is_changed();
  return history;
}

std::string history_text(const ObjectHistory& history) {
  std::string text;
  if (history.since_change) text += "  (what was before the run was changed is not known)\n";
  for (size_t i = 0; i < history.events.size(); ++i) {
    text += fmt::format("  {}\n", history.events[i].text);
    size_t hidden = history.total - history.events.size();
    if (i == 0 && hidden > 0)
      text += fmt::format("  ... and {} more, up to the last {}\n", hidden, history.events.size() - 1);
  }
  return text;
}

}  // namespace jacinth::cli
