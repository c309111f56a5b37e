// Events and event pairs, as objects (kernel/event).
#include "kernel/event/event.h"

#include "kernel/event/eventpair.h"
#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct Rig : ObjectRig {
  Rig() {
    knows<Event>();
    knows<EventPair>();
  }
  std::pair<Handle, Handle> pair() {
    auto [a, b] = EventPair::create(core());
    return {handle(a), handle(b)};
  }
};

TEST_CASE("an event takes user signals and SIGNALED, and nothing else") {
  Rig k;
  Handle event = k.make<Event>();
  for (int bit = 0; bit < 32; ++bit) {
    auto signal = Signals{1u << bit};
    bool allowed = bit == 3 || bit >= 24;
    REQUIRE(k.object<Event>(event).user_signal(Signals::kNone, signal) ==
            (allowed ? Status::kOk : Status::kInvalidArgs));
    REQUIRE(k.object<Event>(event).user_signal(signal, Signals::kNone) ==
            (allowed ? Status::kOk : Status::kInvalidArgs));
  }
}

TEST_CASE("an event has no peer to signal") {
  Rig k;
  Handle event = k.make<Event>();
  REQUIRE(k.object<Event>(event).user_signal_peer(Signals::kNone, Signals::kUser0) == Status::kNotSupported);
}

TEST_CASE("each end of an event pair signals the other") {
  Rig k;
  auto [a, b] = k.pair();
  REQUIRE(k.object<EventPair>(a).user_signal_peer(Signals::kNone, Signals::kSignaled | Signals::kUser2) == Status::kOk);
  REQUIRE(k.object<EventPair>(b).signals() == (Signals::kSignaled | Signals::kUser2));
  REQUIRE(k.object<EventPair>(a).signals() == Signals::kNone);
  REQUIRE(k.object<EventPair>(b).user_signal_peer(Signals::kNone, Signals::kReadable) == Status::kInvalidArgs);
}

TEST_CASE("an event pair's end sees the other close, and still knows its koid") {
  Rig k;
  auto [a, b] = k.pair();
  Koid koid_of_a = k.object<EventPair>(a).koid();
  REQUIRE(k.object<EventPair>(b).related_koid() == koid_of_a);
  Handle second = k.duplicate(a);

  k.close(a);
  REQUIRE(k.object<EventPair>(b).signals() == Signals::kNone);

  k.close(second);
  REQUIRE(k.object<EventPair>(b).signals() == Signals::kPeerClosed);
  REQUIRE(k.object<EventPair>(b).related_koid() == koid_of_a);
  REQUIRE(k.object<EventPair>(b).user_signal_peer(Signals::kNone, Signals::kUser0) == Status::kPeerClosed);
  REQUIRE(k.object<EventPair>(b).user_signal_peer(Signals::kNone, Signals::kReadable) == Status::kInvalidArgs);
}

TEST_CASE("event pairs survive a save and load, whole and halved") {
  Rig k;
  auto [a, b] = k.pair();
  auto [c, d] = k.pair();
  k.close(c);
  k.reload();
  REQUIRE(k.object<EventPair>(a).user_signal_peer(Signals::kNone, Signals::kUser1) == Status::kOk);
  REQUIRE(k.object<EventPair>(b).signals() == Signals::kUser1);
  REQUIRE(k.object<EventPair>(d).signals() == Signals::kPeerClosed);
  k.close(b);
  REQUIRE(k.object<EventPair>(a).signals() == Signals::kPeerClosed);
}

}  // namespace
}  // namespace jacinth::kernel
