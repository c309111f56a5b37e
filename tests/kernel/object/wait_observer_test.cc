// What a parked wait keeps of what woke it (kernel/object/wait_observer.h).
#include "kernel/object/wait_observer.h"

#include "tests/kernel/object/plain_object.h"
#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct Rig : ObjectRig {
  Rig() { knows<PlainObject>(); }
  Handle thread = make<FakeThread>();
  FakeThread& waiter() { return object<FakeThread>(thread); }
  WaitObservers& waits() { return waiter().waits; }
  PlainObject& plain(Handle handle) { return object<PlainObject>(handle); }

  /// Waits for these signals on these handles; parks when none is active.
  void wait(std::initializer_list<std::pair<Handle, Signals>> items) {
    bool was_pinned = std::exchange(pinned_, true);
    waits().begin(items.size());
    for (auto [handle, signals] : items) waits().add(plain(handle), table().id(handle), signals);
    if (!waits().any_matched()) waiter().park(nullptr);
    pinned_ = was_pinned;
  }
  Status woken_with() { return waiter().wait().woken_with; }
};

TEST_CASE("a wait for what is active matches at once") {
  Rig k;
  Handle a = k.make<PlainObject>();
  k.plain(a).update_signals(Signals::kNone, Signals::kUser0 | Signals::kUser5);
  k.wait({{a, Signals::kUser0 | Signals::kUser1}});
  REQUIRE(k.waits().any_matched());
  REQUIRE(k.waits().observed(0) == (Signals::kUser0 | Signals::kUser5));
  REQUIRE(k.plain(a).observers().empty());
}

TEST_CASE("what a wait observed is kept when the signal is gone again") {
  Rig k;
  Handle a = k.make<PlainObject>();
  k.wait({{a, Signals::kUser0}});
  k.plain(a).update_signals(Signals::kNone, Signals::kUser1);
  REQUIRE(k.waiter().parked());
  k.plain(a).update_signals(Signals::kNone, Signals::kUser0);
  k.plain(a).update_signals(Signals::kUserAll, Signals::kNone);
  REQUIRE_FALSE(k.waiter().parked());
  REQUIRE(k.woken_with() == Status::kOk);
  REQUIRE(k.waits().observed(0) == (Signals::kUser0 | Signals::kUser1));
}

TEST_CASE("a strobed signal wakes and is kept") {
  Rig k;
  Handle a = k.make<PlainObject>();
  k.wait({{a, Signals::kUser0}});
  k.plain(a).strobe_signals(Signals::kUser0);
  REQUIRE(k.waits().observed(0) == Signals::kUser0);
}

TEST_CASE("items that did not match report the signals of now") {
  Rig k;
  Handle a = k.make<PlainObject>();
  Handle b = k.make<PlainObject>();
  k.wait({{a, Signals::kUser0}, {b, Signals::kUser0}});
  k.plain(a).update_signals(Signals::kNone, Signals::kUser0);
  k.plain(b).update_signals(Signals::kNone, Signals::kUser3);
  REQUIRE(k.waits().observed(1) == Signals::kUser3);
  k.plain(b).update_signals(Signals::kNone, Signals::kUser0);
  k.plain(b).update_signals(Signals::kUserAll, Signals::kNone);
  REQUIRE(k.waits().observed(1) == (Signals::kUser0 | Signals::kUser3));
}

TEST_CASE("a wait whose handle closes is canceled") {
  Rig k;
  Handle a = k.make<PlainObject>();
  Handle other = k.duplicate(a);
  k.plain(a).update_signals(Signals::kNone, Signals::kUser1);
  k.wait({{other, Signals::kUser0}, {a, Signals::kUser0}});
  k.close(other);
  REQUIRE(k.woken_with() == Status::kCanceled);
  REQUIRE(k.waits().any_canceled());
  REQUIRE(k.waits().observed(0) == (Signals::kUser1 | Signals::kHandleClosed));
  REQUIRE(k.waits().observed(1) == Signals::kUser1);
}

TEST_CASE("what matched first counts when the handle closes later") {
  Rig k;
  Handle a = k.make<PlainObject>();
  k.wait({{a, Signals::kUser0}});
  k.plain(a).update_signals(Signals::kNone, Signals::kUser0);
  k.close(a);
  REQUIRE(k.woken_with() == Status::kOk);
  REQUIRE_FALSE(k.waits().any_canceled());
}

TEST_CASE("one handle can be waited on twice in one wait") {
  Rig k;
  Handle a = k.make<PlainObject>();
  k.wait({{a, Signals::kUser0}, {a, Signals::kUser1}});
  k.plain(a).update_signals(Signals::kNone, Signals::kUser1);
  REQUIRE(k.waits().observed(0) == Signals::kUser1);
  k.close(a);
  REQUIRE(k.waits().observed(1) == Signals::kUser1);
  REQUIRE(k.waits().observed(0) == (Signals::kUser1 | Signals::kHandleClosed));
}

TEST_CASE("a wait that is over watches nothing") {
  Rig k;
  Handle a = k.make<PlainObject>();
  k.wait({{a, Signals::kUser0}, {a, Signals::kUser1}});
  REQUIRE(k.plain(a).observers().size() == 2);
  k.waits().end();
  REQUIRE(k.plain(a).observers().empty());
  REQUIRE(k.waits().size() == 0);
}

TEST_CASE("a thread that dies in a wait watches nothing") {
  Rig k;
  Handle a = k.make<PlainObject>();
  k.wait({{a, Signals::kUser0}});
  k.close(k.thread);
  REQUIRE(k.plain(a).observers().empty());
  k.close(a);
}

}  // namespace
}  // namespace jacinth::kernel
