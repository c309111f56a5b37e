// What a recorder hears of the kernel: packets when all is told, and without them what recordings of format 1.0 had.
#include "kernel/inspect/event_source.h"

#include "tests/support/kernel_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using emu::EventKind;
using Detail = EventSource::Detail;

struct Heard final : emu::EventSink {
  void event(const emu::Event& event) override {
    events.push_back(event);
    events.back().data = {};
  }
  std::vector<emu::Event> of(EventKind kind) const {
    std::vector<emu::Event> found;
    for (const emu::Event& event : events)
      if (event.kind == kind) found.push_back(event);
    return found;
  }
  std::vector<emu::Event> events;
};

/// A packet goes from one thread through a port to another, and a timer's signal makes a second one.
Heard heard(Detail detail) {
  KernelRig k;
  Heard sink;
  GuestAddr out = k.room(8);
  REQUIRE(k.call("port_create", 0, out) == Status::kOk);
  Handle port = k.peek<Handle>(out);
  REQUIRE(k.call("timer_create", 0, 0, out + 4) == Status::kOk);
  Handle timer = k.peek<Handle>(out + 4);
  GuestAddr sent = k.user(abi::PortPacket{.key = 77, .status = Status::kTimedOut});
  Thread& reader = k.thread();
  EventSource source(k.core(), sink, detail);

  k.start(reader, "port_wait", port, Time::never(), k.room(48));
  REQUIRE(k.call("port_queue", port, sent) == Status::kOk);
  k.run();
  REQUIRE(k.call("object_wait_async", timer, port, 5, 8, 0) == Status::kOk);
  REQUIRE(k.call("timer_set", timer, Time{1000}, 0) == Status::kOk);
  k.advance_to(Time{2000});
  return sink;
}

}  // namespace

TEST_CASE("event source: A packet is told when it is queued and when it is taken") {
  Heard sink = heard(Detail::kAll);
  std::vector<emu::Event> queued = sink.of(EventKind::kPacketQueued);
  std::vector<emu::Event> taken = sink.of(EventKind::kPacketTaken);
  REQUIRE(queued.size() == 2);
  REQUIRE(taken.size() == 1);
  REQUIRE(queued[0].arguments == taken[0].arguments);
  REQUIRE(queued[0].arguments[2] == 77);
  REQUIRE(queued[0].arguments[3] == static_cast<uint32_t>(abi::raw(Status::kTimedOut)));
  REQUIRE(queued[0].thread != taken[0].thread);
  // The timer is no thread.
  REQUIRE(queued[1].thread == 0);
  REQUIRE(queued[1].arguments[2] == 5);
}

TEST_CASE("event source: Without packets everything else is as it was") {
  std::vector<emu::Event> all = heard(Detail::kAll).events;
  std::erase_if(all, [](const emu::Event& event) { return event.kind >= EventKind::kPacketQueued; });
  std::vector<emu::Event> without = heard(Detail::kAllButPackets).events;
  REQUIRE(all.size() == without.size());
  for (size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].kind == without[i].kind);
    REQUIRE(all[i].time == without[i].time);
    REQUIRE(all[i].thread == without[i].thread);
  }
  REQUIRE(heard(Detail::kResults).of(EventKind::kPacketQueued).empty());
}

TEST_CASE("event source: What a call wrote is part of the call, where it is not told by itself") {
  std::vector<emu::Event> apart = heard(Detail::kResultsAndCopies).of(EventKind::kCopyOut);
  REQUIRE(apart.size() == 1);
  for (const emu::Event& call : heard(Detail::kResultsAndCopies).of(EventKind::kCall)) REQUIRE(call.copies == 0);
  Heard together = heard(Detail::kResults);
  REQUIRE(together.of(EventKind::kCopyOut).empty());
  // Of the calls, port_wait alone writes: the packet.
  for (const emu::Event& call : together.of(EventKind::kCall)) {
    bool wrote = call.thread == apart[0].thread;
    REQUIRE((call.copies != 0) == wrote);
  }
}

TEST_CASE("event source: Recordings of each format are told in its own words") {
  using emu::RecordLevel;
  REQUIRE(EventSource::detail(RecordLevel::kFull, 0) == Detail::kAllButPackets);
  REQUIRE(EventSource::detail(RecordLevel::kFull, 1) == Detail::kAll);
  REQUIRE(EventSource::detail(RecordLevel::kFull, 2) == Detail::kAll);
  REQUIRE(EventSource::detail(RecordLevel::kDigests, 1) == Detail::kResultsAndCopies);
  REQUIRE(EventSource::detail(RecordLevel::kDigests, 2) == Detail::kResults);
}

}  // namespace jacinth::kernel
