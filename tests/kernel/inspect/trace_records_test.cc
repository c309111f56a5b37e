// Records of what happens: what they hold, which of them a filter takes, and other words for numbers.
#include "kernel/inspect/trace_records.h"

#include "kernel/inspect/strace.h"
#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

class Sink final : public RecordSink {
 public:
  void record(const TraceRecord& record) override {
    records.push_back(record);
    // They are good during the call only.
    records.back().process_name = records.back().thread_name = {};
  }
  ValueNames* names_for(const Thread&) override { return names; }
  std::vector<TraceRecord> records;
  ValueNames* names = nullptr;
};

class Words final : public ValueNames {
 public:
  std::string koid(uint64_t) override { return "KOID"; }
  std::string handle(uint32_t, std::optional<GuestView::Named> named) override { return named ? "OBJECT" : "HANDLE"; }
  std::string address(uint64_t) override { return "ADDRESS"; }
  std::string time(uint64_t) override { return "TIME"; }
};

Handle make_event(KernelRig& k) {
  GuestAddr out = k.room(4);
  REQUIRE(k.call("event_create", 0, out) == Status::kOk);
  return k.peek<Handle>(out);
}
uint64_t koid_of(KernelRig& k, Handle handle) { return abi::raw(k.process()->handles().find(handle)->object->koid()); }

}  // namespace

TEST_CASE("trace records: A call has its arguments before, its results after, and what its handles name") {
  KernelRig k;
  Sink sink;
  TraceRecords records(k.core(), sink, {}, {});
  k.advance_to(Time{500});
  Handle event = make_event(k);

  REQUIRE(sink.records.size() == 1);
  const TraceRecord& call = sink.records[0];
  REQUIRE(call.kind == TraceRecord::Kind::kCall);
  REQUIRE(call.call == "zx_event_create");
  REQUIRE(call.time == Time{500});
  REQUIRE((call.returned && !call.failed && !call.waited && !call.unfinished));
  REQUIRE(call.result_text == "ZX_OK");
  REQUIRE(call.arguments.size() == 2);
  REQUIRE(call.arguments[0].name == "options");
  REQUIRE_FALSE(call.arguments[0].is_result);
  REQUIRE(call.arguments[1].is_result);
  REQUIRE(call.arguments[1].objects == std::vector<uint64_t>{koid_of(k, event)});
}

TEST_CASE("trace records: A call that waited says so, and one that still waits is told at the end") {
  KernelRig k;
  Sink sink;
  Thread& one = k.thread();
  Thread& other = k.thread();
  TraceRecords records(k.core(), sink, {}, {});
  k.start(one, "nanosleep", Time{1000});
  k.start(other, "nanosleep", Time::never());
  k.advance_to(Time{2000});
  REQUIRE(sink.records.size() == 1);
  REQUIRE(sink.records[0].waited);
  REQUIRE(sink.records[0].time == Time{0});
  REQUIRE(sink.records[0].end == Time{2000});
  records.finish();
  REQUIRE(sink.records.size() == 2);
  REQUIRE(sink.records[1].unfinished);
  REQUIRE(sink.records[1].thread == abi::raw(other.koid()));
  records.finish();
  REQUIRE(sink.records.size() == 2);
}

TEST_CASE("trace records: Only calls that name the object, going in or coming out") {
  KernelRig k;
  Handle first = make_event(k);
  Sink sink;
  TraceFilter filter;
  filter.objects = {koid_of(k, first), koid_of(k, first) + 1};
  TraceRecords records(k.core(), sink, {}, filter);
  REQUIRE(k.call("object_signal", first, 0, 8) == Status::kOk);
  Handle second = make_event(k);
  Handle third = make_event(k);
  REQUIRE(k.call("handle_close", third) == Status::kOk);
  REQUIRE(k.call("handle_close", second) == Status::kOk);
  std::vector<std::string> names;
  for (const TraceRecord& record : sink.records) names.push_back(record.call);
  REQUIRE(names == std::vector<std::string>{"zx_object_signal", "zx_event_create", "zx_handle_close"});
}

TEST_CASE("trace records: Only calls that end with the status") {
  KernelRig k;
  Sink sink;
  TraceFilter filter;
  filter.statuses = {Status::kBadHandle};
  TraceRecords records(k.core(), sink, {}, filter);
  static_cast<void>(make_event(k));
  static_cast<void>(k.call("object_signal", 0x12345673, 0, 8));
  REQUIRE(sink.records.size() == 1);
  REQUIRE(sink.records[0].failed);
}

TEST_CASE("trace records: Other words take the place of what is another number in every run") {
  KernelRig k;
  Handle event = make_event(k);
  Sink sink;
  Words words;
  sink.names = &words;
  TraceRecords records(k.core(), sink, {}, {});
  k.advance_to(Time{80'000});
  static_cast<void>(k.call("object_wait_one", event, 8, Time{70'000}, k.room(4)));
  static_cast<void>(k.call("handle_close", 0x12345673));
  REQUIRE(sink.records.at(0).arguments[0].text == "OBJECT");
  REQUIRE(sink.records[0].arguments[2].text == "TIME");
  REQUIRE(sink.records.at(1).arguments[0].text == "HANDLE");
}

TEST_CASE("strace: Times are since the line before when that is asked for") {
  KernelRig k;
  struct Lines final : LineSink {
    void line(std::string_view text) override { lines.emplace_back(text); }
    std::vector<std::string> lines;
  } lines;
  StraceOptions options;
  options.relative = true;
  Strace strace(k.core(), lines, options);
  k.advance_to(Time{5000});
  static_cast<void>(make_event(k));
  k.advance_to(Time{5700});
  static_cast<void>(make_event(k));
  REQUIRE(lines.lines.size() == 2);
  REQUIRE(lines.lines[0].find(" 0.000005000 zx_") != std::string::npos);
  REQUIRE(lines.lines[1].find(" 0.000000700 zx_") != std::string::npos);
}

}  // namespace jacinth::kernel
