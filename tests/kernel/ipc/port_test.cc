// Ports, as objects (kernel/ipc/port.h). What programs see of them: tests/kernel/syscalls/port_test.cc.
#include "kernel/ipc/port.h"

#include "kernel/event/event.h"
#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

/// Something with packets of its own, as interrupts and pagers have them.
class PacketMaker final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kInterrupt;
  explicit PacketMaker(Core& core) : Object(core, kType) {}
  PortSource source;
  void state(Archive& ar) override {
    Object::state(ar);
    source.state(ar);
  }
};

struct Rig : ObjectRig {
  explicit Rig(Options options = {}) : ObjectRig(std::move(options)) {
    knows<Port>();
    knows<Event>();
    knows<PacketMaker>();
  }
  Handle port(abi::PortOptions options = abi::PortOptions::kNone) { return make<Port>(options); }
  Handle event() { return make<Event>(); }
  Status queue(Handle port, uint64_t key) { return object<Port>(port).queue_user({.key = key}); }
  void put(Handle port, uint64_t key) { REQUIRE(queue(port, key) == Status::kOk); }
  void watch(Handle port, Handle watched, uint64_t key, Signals trigger,
             abi::WaitAsyncOptions options = abi::WaitAsyncOptions::kOnce) {
    Port& p = object<Port>(port);
    bool was_pinned = std::exchange(pinned_, true);
    REQUIRE(p.wait_async(object<Object>(watched), table().id(watched), key, trigger, options) == Status::kOk);
    pinned_ = was_pinned;
  }
  Status cancel(Handle port, Handle watched, uint64_t key) {
    uint64_t id = table().id(watched);
    return object<Port>(port).cancel(id, key);
  }
  void signal(Handle event, Signals set, Signals clear = Signals::kNone) {
    object<Event>(event).update_signals(clear, set);
  }
  /// The key of the next packet; 0 when there is none.
  uint64_t next(Handle port) {
    Port& p = object<Port>(port);
    if (p.front() == nullptr) return 0;
    uint64_t key = p.front()->key;
    p.pop_front();
    return key;
  }
  abi::PortPacket packet(Handle port) {
    Port& p = object<Port>(port);
    REQUIRE(p.front() != nullptr);
    abi::PortPacket packet = *p.front();
    p.pop_front();
    return packet;
  }
  void queue_source(Handle port, Handle maker, uint64_t key, bool interrupt = false) {
    bool was_pinned = std::exchange(pinned_, true);
    PortSource& source = object<PacketMaker>(maker).source;
    if (!source.queued()) source.packet = {.key = key, .type = abi::PacketType::kInterrupt};
    Port& p = object<Port>(port);
    REQUIRE((interrupt ? p.queue_interrupt(source) : p.queue(source)) == Status::kOk);
    pinned_ = was_pinned;
  }
};

TEST_CASE("packets leave a port in the order in which they came, whatever their kind") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  Handle maker = k.make<PacketMaker>();
  k.watch(port, event, 2, Signals::kUser0);
  k.put(port, 1);
  k.signal(event, Signals::kUser0);
  k.queue_source(port, maker, 3);
  k.put(port, 4);

  for (uint64_t key : {1, 2, 3, 4}) REQUIRE(k.next(port) == key);
  REQUIRE(k.next(port) == 0);
}

TEST_CASE("a packet of a program arrives as it was, but for its type") {
  Rig k;
  Handle port = k.port();
  abi::PortPacket sent = {.key = ~uint64_t{0}, .type = abi::PacketType::kInterrupt, .status = Status::kPeerClosed};
  sent.user.u64 = {1, 2, 3, ~uint64_t{4}};
  REQUIRE(k.object<Port>(port).queue_user(sent) == Status::kOk);

  abi::PortPacket got = k.packet(port);
  REQUIRE(got.key == sent.key);
  REQUIRE(got.type == abi::PacketType::kUser);
  REQUIRE(got.status == Status::kPeerClosed);
  REQUIRE(got.user.u64 == sent.user.u64);
}

TEST_CASE("4097 packets of programs fit, and room comes back with each that is read") {
  Rig k;
  k.pin();
  Handle port = k.port();
  for (uint64_t i = 0; i < 4097; ++i) REQUIRE(k.queue(port, i) == Status::kOk);
  REQUIRE(k.queue(port, 5000) == Status::kShouldWait);
  REQUIRE(k.core().counter("port.full.count") == 1);
  REQUIRE(k.core().counter("port.ephemeral_packet.live") == 4097);

  REQUIRE(k.packet(port).key == 0);
  REQUIRE(k.queue(port, 5000) == Status::kOk);
  k.close(port);
  REQUIRE(k.core().counter("port.ephemeral_packet.live") == 0);
  REQUIRE(k.core().counter("port.ephemeral_packet.allocated") == 4098);
  REQUIRE(k.core().counter("port.ephemeral_packet.freed") == 4098);
}

TEST_CASE("packets of signals do not count against a full port") {
  Rig k;
  k.pin();
  Handle port = k.port();
  Handle event = k.event();
  while (k.queue(port, 1) == Status::kOk) {
  }
  k.watch(port, event, 2, Signals::kUser0);
  k.signal(event, Signals::kUser0);
  REQUIRE(k.object<Port>(port).packet_count() == 4098);
}

TEST_CASE("a signal packet says what was asked, what was true, once, and when") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  k.signal(event, Signals::kUser7);
  k.watch(port, event, 9, Signals::kUser0 | Signals::kUser1, abi::WaitAsyncOptions::kTimestamp);
  k.advance_to(Time{1234});
  k.signal(event, Signals::kUser1);
  k.advance_to(Time{2000});

  abi::PortPacket packet = k.packet(port);
  REQUIRE(packet.type == abi::PacketType::kSignalOne);
  REQUIRE(packet.status == Status::kOk);
  REQUIRE(packet.signal.trigger == (Signals::kUser0 | Signals::kUser1));
  REQUIRE(packet.signal.observed == (Signals::kUser1 | Signals::kUser7));
  REQUIRE(packet.signal.count == 1);
  REQUIRE(packet.signal.timestamp == Time{1234});
}

TEST_CASE("without the option a signal packet has no timestamp") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  k.advance_to(Time{77});
  k.signal(event, Signals::kUser0);
  k.watch(port, event, 9, Signals::kUser0);
  REQUIRE(k.packet(port).signal.timestamp == Time{0});
}

TEST_CASE("an active signal matches at once, and an edge needs a new one") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  k.signal(event, Signals::kUser0);
  k.watch(port, event, 1, Signals::kUser0);
  k.watch(port, event, 2, Signals::kUser0, abi::WaitAsyncOptions::kEdge);
  REQUIRE(k.next(port) == 1);
  REQUIRE(k.next(port) == 0);

  k.signal(event, Signals::kUser1);  // Something else changed.
  REQUIRE(k.next(port) == 0);
  k.signal(event, Signals::kNone, Signals::kUser0);
  REQUIRE(k.next(port) == 0);
  k.signal(event, Signals::kUser0);
  REQUIRE(k.next(port) == 2);
}

TEST_CASE("a wait fires once") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  k.watch(port, event, 1, Signals::kUser0);
  for (int i = 0; i < 3; ++i) {
    k.signal(event, Signals::kUser0);
    k.signal(event, Signals::kNone, Signals::kUser0);
  }
  REQUIRE(k.object<Port>(port).packet_count() == 1);
  REQUIRE(k.object<Port>(port).observer_count() == 0);
}

TEST_CASE("a pulse is enough for a packet") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  k.watch(port, event, 1, Signals::kUser0);
  k.object<Event>(event).strobe_signals(Signals::kUser0);
  REQUIRE(k.packet(port).signal.observed == Signals::kUser0);
}

TEST_CASE("cancel drops waits and packets of that handle and key, and nothing else") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  Handle same = k.duplicate(event);
  k.watch(port, event, 1, Signals::kUser0);
  k.watch(port, event, 1, Signals::kUser1);
  k.watch(port, event, 2, Signals::kUser0);
  k.watch(port, same, 1, Signals::kUser0);
  k.put(port, 1);
  k.signal(event, Signals::kUser1);

  REQUIRE(k.cancel(port, event, 1) == Status::kOk);
  REQUIRE(k.cancel(port, event, 1) == Status::kNotFound);
  REQUIRE(k.cancel(port, event, 7) == Status::kNotFound);

  k.signal(event, Signals::kUser0);
  std::vector<uint64_t> keys;
  while (uint64_t key = k.next(port)) keys.push_back(key);
  REQUIRE(keys == std::vector<uint64_t>{1, 1, 2});  // The program's, then the newest wait's first.
  REQUIRE(k.core().counter("dispatcher.observer.cancel.by_key.handled") == 1);
  REQUIRE(k.core().counter("dispatcher.observer.cancel.by_key.not_handled") == 2);
}

TEST_CASE("closing the watched handle ends its waits silently and leaves its packets") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  Handle same = k.duplicate(event);
  k.watch(port, event, 1, Signals::kUser0);
  k.watch(port, event, 2, Signals::kUser1);
  k.watch(port, same, 3, Signals::kUser1);
  k.signal(event, Signals::kUser0);

  k.close(event);
  k.signal(same, Signals::kUser1);

  REQUIRE(k.next(port) == 1);
  REQUIRE(k.next(port) == 3);
  REQUIRE(k.next(port) == 0);
}

TEST_CASE("the packets of an object that is gone can still be read") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  k.watch(port, event, 1, Signals::kUser0);
  k.signal(event, Signals::kUser0);
  k.close(event);
  REQUIRE(k.next(port) == 1);
}

TEST_CASE("a port without handles drops its packets and lets its objects go") {
  Rig k;
  Handle port = k.port();
  Handle event = k.event();
  Handle maker = k.make<PacketMaker>();
  k.watch(port, event, 1, Signals::kUser0);
  k.watch(port, event, 2, Signals::kUser1);
  k.put(port, 3);
  k.queue_source(port, maker, 4);
  k.signal(event, Signals::kUser0);
  Ref<Port> kept(&k.object<Port>(port));
  k.pin();

  k.close(port);

  REQUIRE(kept->packet_count() == 0);
  REQUIRE(k.object<Event>(event).observers().empty());
  REQUIRE_FALSE(k.object<PacketMaker>(maker).source.queued());
  k.signal(event, Signals::kUser1);
  REQUIRE(kept->queue_user({}) == Status::kBadHandle);
  REQUIRE(kept->queue(k.object<PacketMaker>(maker).source) == Status::kBadHandle);
  REQUIRE(kept->packet_count() == 0);
}

TEST_CASE("threads parked on a port sleep on when it loses its handles") {
  Rig k;
  Handle port = k.port();
  Handle thread = k.make<FakeThread>();
  Ref<Port> kept(&k.object<Port>(port));
  k.pin();
  k.object<FakeThread>(thread).park(&kept->waiters(), Time{100});
  k.close(port);
  REQUIRE(k.object<FakeThread>(thread).parked());
  k.advance_to(Time{100});
  REQUIRE(k.object<FakeThread>(thread).wait().woken_with == Status::kTimedOut);
}

TEST_CASE("interrupt packets are served first, and each stands in the queue once") {
  Rig k;
  Handle port = k.port(abi::PortOptions::kBindToInterrupt);
  Handle a = k.make<PacketMaker>();
  Handle b = k.make<PacketMaker>();
  k.put(port, 1);
  k.queue_source(port, a, 2, true);
  k.queue_source(port, b, 3, true);
  k.queue_source(port, a, 2, true);

  for (uint64_t key : {2, 3, 1, 0}) REQUIRE(k.next(port) == key);
}

TEST_CASE("a source takes its packet back, and takes it along when it ends") {
  Rig k;
  Handle port = k.port();
  Handle a = k.make<PacketMaker>();
  Handle b = k.make<PacketMaker>();
  k.queue_source(port, a, 1);
  k.queue_source(port, b, 2);
  REQUIRE(k.object<PacketMaker>(a).source.withdraw());
  REQUIRE_FALSE(k.object<PacketMaker>(a).source.withdraw());
  k.close(b);
  REQUIRE(k.next(port) == 0);
}

TEST_CASE("each packet wakes one thread, the most urgent first") {
  Rig k;
  Handle port = k.port();
  Handle usual = k.make<FakeThread>();
  Handle urgent = k.make<FakeThread>(uint8_t{30});
  k.pin();
  for (Handle thread : {usual, urgent}) k.object<FakeThread>(thread).park(&k.object<Port>(port).waiters());
  k.unpin();

  k.put(port, 1);
  REQUIRE_FALSE(k.object<FakeThread>(urgent).parked());
  REQUIRE(k.object<FakeThread>(usual).parked());
  k.put(port, 2);
  REQUIRE_FALSE(k.object<FakeThread>(usual).parked());
}

TEST_CASE("a packet whose thread died before it read it wakes the next thread") {
  Rig k;
  Handle port = k.port();
  Handle first = k.make<FakeThread>();
  Handle second = k.make<FakeThread>();
  k.pin();
  for (Handle thread : {first, second}) k.object<FakeThread>(thread).park(&k.object<Port>(port).waiters());
  k.unpin();
  k.put(port, 1);
  REQUIRE(k.object<FakeThread>(second).parked());

  k.object<Port>(port).on_waiter_lost();
  REQUIRE_FALSE(k.object<FakeThread>(second).parked());
}

TEST_CASE("the limit of observers comes from the command line and counts those that wait") {
  Rig k(Options{{"kernel.port.max-observers", "2"}});
  Handle port = k.port();
  Handle event = k.event();
  k.watch(port, event, 1, Signals::kUser0);
  REQUIRE_FALSE(k.object<Port>(port).too_many_observers());
  k.watch(port, event, 2, Signals::kUser1);
  REQUIRE(k.object<Port>(port).too_many_observers());
  k.signal(event, Signals::kUser0);
  REQUIRE_FALSE(k.object<Port>(port).too_many_observers());
}

TEST_CASE("a port of every kind of packet and wait survives a save and load") {
  Rig k;
  Handle port = k.port(abi::PortOptions::kBindToInterrupt);
  Handle event = k.event();
  Handle maker = k.make<PacketMaker>();
  Handle other = k.make<PacketMaker>();
  k.put(port, 3);
  k.watch(port, event, 4, Signals::kUser0);
  k.signal(event, Signals::kUser0);
  k.queue_source(port, maker, 5);
  k.queue_source(port, other, 2, true);
  for (uint64_t key : {11, 12, 13}) k.watch(port, event, key, Signals::kUser1);
  k.watch(port, event, 14, Signals::kUser0, abi::WaitAsyncOptions::kEdge);

  k.reload();

  for (uint64_t key : {2, 3, 4, 5, 0}) REQUIRE(k.next(port) == key);
  k.signal(event, Signals::kUser1);
  for (uint64_t key : {13, 12, 11, 0}) REQUIRE(k.next(port) == key);
  k.signal(event, Signals::kNone, Signals::kUser0);
  k.signal(event, Signals::kUser0);
  REQUIRE(k.next(port) == 14);
}

}  // namespace
}  // namespace jacinth::kernel
