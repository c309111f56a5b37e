// The time line of a run: slices that close, arrows from cause to effect, and who is on which CPU.
#include "kernel/inspect/timeline.h"

#include <map>

#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

class Sink final : public TimelineSink {
 public:
  struct Flow {
    std::string category;
    uint64_t from = 0;
    uint64_t to = 0;
    Time begun;
    Time ended;
  };
  struct Switch {
    uint64_t from;
    Leaves how;
    uint64_t to;
  };

  void process(uint64_t koid, std::string_view name) override { names[koid] = name; }
  void thread(TimelineThread thread, std::string_view name) override { names[thread.thread] = name; }
  void switched(Time, unsigned, TimelineThread from, Leaves how, TimelineThread to, int) override {
    switches.push_back({from.thread, how, to.thread});
  }
  void woken(Time, unsigned, TimelineThread thread) override { woken_threads.push_back(thread.thread); }
  void begin(Time, TimelineThread thread, std::string_view, std::string_view name) override {
    open[thread.thread].emplace_back(name);
  }
  void end(Time, TimelineThread thread, std::string_view, std::string_view name,
           std::span<const Text> arguments) override {
    REQUIRE_FALSE(open[thread.thread].empty());
    REQUIRE(open[thread.thread].back() == name);
    open[thread.thread].pop_back();
    if (!arguments.empty()) results[std::string(name)] = arguments.back().value;
  }
  void instant(Time, TimelineThread, std::string_view, std::string_view name, std::span<const Text>) override {
    instants.emplace_back(name);
  }
  void flow_begin(Time at, TimelineThread thread, std::string_view category, uint64_t id) override {
    REQUIRE_FALSE(open[thread.thread].empty());
    flows[id] = {.category = std::string(category), .from = thread.thread, .begun = at};
  }
  void flow_end(Time at, TimelineThread thread, std::string_view category, uint64_t id) override {
    REQUIRE_FALSE(open[thread.thread].empty());
    REQUIRE(flows.at(id).category == category);
    flows[id].to = thread.thread;
    flows[id].ended = at;
  }
  void counter(Time, std::string_view name, std::span<const Value> values) override {
    counters[std::string(name)] = values[0].value;
  }

  /// From whom to whom arrows of a category lead.
  std::vector<std::pair<uint64_t, uint64_t>> arrows(std::string_view category) const {
    std::vector<std::pair<uint64_t, uint64_t>> found;
    for (const auto& [id, flow] : flows)
      if (flow.category == category && flow.to != 0) found.emplace_back(flow.from, flow.to);
    return found;
  }

  std::map<uint64_t, std::string> names;
  std::vector<Switch> switches;
  std::vector<uint64_t> woken_threads;
  std::map<uint64_t, std::vector<std::string>> open;
  std::map<std::string, std::string> results;
  std::vector<std::string> instants;
  std::map<uint64_t, Flow> flows;
  std::map<std::string, uint64_t> counters;
};

using Arrows = std::vector<std::pair<uint64_t, uint64_t>>;
uint64_t id(Thread& thread) { return abi::raw(thread.koid()); }

}  // namespace

TEST_CASE("timeline: A call is a slice, with its arguments and result when it is over") {
  KernelRig k;
  Sink sink;
  Timeline timeline(k.core(), sink, {}, {});
  REQUIRE(k.call("event_create", 0, k.room(4)) == Status::kOk);
  REQUIRE(sink.results.at("zx_event_create") == "ZX_OK");
  REQUIRE(sink.open[id(k.main_thread())].empty());
  REQUIRE(sink.counters.contains("memory"));
  REQUIRE(sink.counters.contains("handles"));
}

TEST_CASE("timeline: A packet leads from who queues it to who takes it, and so does the wake-up") {
  KernelRig k;
  Sink sink;
  GuestAddr out = k.room(4);
  REQUIRE(k.call("port_create", 0, out) == Status::kOk);
  Handle port = k.peek<Handle>(out);
  Thread& reader = k.thread();
  GuestAddr packet = k.room(48);
  Timeline timeline(k.core(), sink, {}, {});

  k.start(reader, "port_wait", port, Time::never(), k.room(48));
  REQUIRE(k.call("port_queue", port, packet) == Status::kOk);
  k.run();

  Arrows one{{id(k.main_thread()), id(reader)}};
  REQUIRE(sink.arrows("packet") == one);
  REQUIRE(sink.arrows("wake") == one);
  REQUIRE(sink.woken_threads == std::vector<uint64_t>{id(reader)});
}

TEST_CASE("timeline: Messages lead from writer to reader in their order") {
  KernelRig k;
  Sink sink;
  GuestAddr out = k.room(8);
  REQUIRE(k.call("channel_create", 0, out, out + 4) == Status::kOk);
  Handle a = k.peek<Handle>(out);
  Handle b = k.peek<Handle>(out + 4);
  Thread& reader = k.thread();
  GuestAddr text = k.user_text("hello");
  Timeline timeline(k.core(), sink, {}, {});

  for (int i = 0; i < 2; ++i) {
    REQUIRE(k.call("channel_write", a, 0, text, 5, 0, 0) == Status::kOk);
    k.advance_to(Time{100 * (i + 1)});
  }
  for (int i = 0; i < 2; ++i)
    REQUIRE(k.call_as(reader, "channel_read", b, 0, k.room(8), 0, 8, 0, k.room(4), 0) == Status::kOk);

  Arrows two(2, {id(k.main_thread()), id(reader)});
  REQUIRE(sink.arrows("message") == two);
  REQUIRE(sink.flows.at(1).begun == Time{0});
  REQUIRE(sink.flows.at(2).begun == Time{100});
}

TEST_CASE("timeline: The timer wakes who sleeps") {
  KernelRig k;
  Sink sink;
  Thread& sleeper = k.thread();
  Timeline timeline(k.core(), sink, {}, {});
  k.start(sleeper, "nanosleep", Time{1000});
  REQUIRE(sink.open[id(sleeper)].size() == 1);
  k.advance_to(Time{2000});
  REQUIRE(sink.open[id(sleeper)].empty());
  REQUIRE(sink.arrows("wake") == Arrows{{kTimerThread.thread, id(sleeper)}});
}

TEST_CASE("timeline: What is open when the run is over is closed, and nothing is looked at twice") {
  KernelRig k;
  Sink sink;
  Thread& sleeper = k.thread();
  Timeline timeline(k.core(), sink, {}, {});
  k.start(sleeper, "nanosleep", Time::never());
  timeline.finish();
  REQUIRE(sink.open[id(sleeper)].empty());
}

TEST_CASE("timeline: It changes nothing that the guest could see") {
  auto digest_after = [](bool watched) {
    KernelRig k;
    Sink sink;
    std::optional<Timeline> timeline;
    GuestAddr out = k.room(8);
    GuestAddr text = k.user_text("hello");
    if (watched) timeline.emplace(k.core(), sink, TextLimits{}, TraceFilter{});
    REQUIRE(k.call("channel_create", 0, out, out + 4) == Status::kOk);
    REQUIRE(k.call("channel_write", k.peek<Handle>(out), 0, text, 5, 0, 0) == Status::kOk);
    return k.digest();
  };
  REQUIRE(digest_after(true) == digest_after(false));
}

}  // namespace jacinth::kernel
