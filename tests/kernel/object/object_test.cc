// Signals, observers, lifetimes and snapshots of kernel objects (kernel/object/object.h, observer.h, object_table.h).
#include "kernel/object/object.h"

#include "tests/kernel/object/plain_object.h"
#include "tests/support/object_rig.h"
#include "tests/support/small_stack.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct Rig : ObjectRig {
  Rig() {
    knows<PlainObject>();
    pin();
  }
  Ref<PlainObject> plain() { return make_object<PlainObject>(core()); }
};

TEST_CASE("koids count up from 1024 and do not come back") {
  Rig k;
  Koid first = k.plain()->koid();
  REQUIRE(first == Koid::kFirst);
  k.drain();
  REQUIRE(k.core().objects().find(first) == nullptr);
  REQUIRE(abi::raw(k.plain()->koid()) == 1025);
}

TEST_CASE("clear comes before set, and observers hear only of changes") {
  Rig k;
  auto object = k.plain();
  RecordingObserver observer;
  object->observers().add(*object, observer, 0);

  object->update_signals(Signals::kUser0, Signals::kUser0);
  REQUIRE(object->signals() == Signals::kUser0);
  REQUIRE(observer.calls == 1);
  REQUIRE(observer.newly == Signals::kUser0);

  object->update_signals(Signals::kUser0, Signals::kUser0);
  REQUIRE(observer.calls == 1);

  object->update_signals(Signals::kNone, Signals::kUser1);
  REQUIRE(observer.seen == (Signals::kUser0 | Signals::kUser1));
  REQUIRE(observer.newly == Signals::kUser1);

  object->update_signals(Signals::kUser0, Signals::kNone);
  REQUIRE(observer.calls == 3);
  REQUIRE(observer.newly == Signals::kNone);
}

TEST_CASE("a strobe is seen as set and leaves nothing behind") {
  Rig k;
  auto object = k.plain();
  RecordingObserver observer;
  object->observers().add(*object, observer, 0);
  object->strobe_signals(Signals::kUser3);
  REQUIRE(observer.seen == Signals::kUser3);
  REQUIRE(observer.newly == Signals::kUser3);
  REQUIRE(object->signals() == Signals::kNone);
}

TEST_CASE("observers are told newest first") {
  Rig k;
  auto object = k.plain();
  std::vector<int> order;
  RecordingObserver a(&order, 1);
  RecordingObserver b(&order, 2);
  RecordingObserver c(&order, 3);
  for (RecordingObserver* observer : {&a, &b, &c}) object->observers().add(*object, *observer, 0);
  object->update_signals(Signals::kNone, Signals::kUser0);
  REQUIRE(order == std::vector<int>{3, 2, 1});
}

// Every pair of "who acts" and "whom it removes" among three observers, the actor itself included.
TEST_CASE("observers may leave while the others are told") {
  for (int actor = 0; actor < 3; ++actor) {
    for (int removed = 0; removed < 3; ++removed) {
      Rig k;
      auto object = k.plain();
      RecordingObserver observers[3];
      for (RecordingObserver& observer : observers) object->observers().add(*object, observer, 0);
      observers[actor].on_call = [&] { observers[removed].unlink(); };

      object->update_signals(Signals::kNone, Signals::kUser0);

      for (int i = 0; i < 3; ++i) {
        // Newest first: 2, 1, 0. Whoever was removed before its turn hears nothing.
        bool removed_before_turn = i == removed && i < actor;
        REQUIRE(observers[i].calls == (removed_before_turn ? 0 : 1));
        REQUIRE(observers[i].linked() == (i != removed));
      }
    }
  }
}

TEST_CASE("an observer that comes during a notification is not told of that change") {
  Rig k;
  auto object = k.plain();
  RecordingObserver first;
  RecordingObserver late;
  object->observers().add(*object, first, 0);
  first.on_call = [&] { object->observers().add(*object, late, 0); };
  object->update_signals(Signals::kNone, Signals::kUser0);
  REQUIRE(late.calls == 0);
  REQUIRE(late.linked());
}

TEST_CASE("a notification inside a notification skips nobody") {
  Rig k;
  auto object = k.plain();
  RecordingObserver a;
  RecordingObserver b;
  object->observers().add(*object, a, 0);
  object->observers().add(*object, b, 0);
  b.on_call = [&] {
    if (b.calls > 1) return;
    object->update_signals(Signals::kNone, Signals::kUser1);
    a.unlink();
  };
  object->update_signals(Signals::kNone, Signals::kUser0);
  REQUIRE(b.calls == 2);
  REQUIRE(a.calls == 1);
  REQUIRE(a.seen == (Signals::kUser0 | Signals::kUser1));
}

TEST_CASE("an object that dies lets its observers go") {
  Rig k;
  RecordingObserver observer;
  auto object = k.plain();
  object->observers().add(*object, observer, 0);
  object = nullptr;
  k.drain();
  REQUIRE_FALSE(observer.linked());
}

TEST_CASE("an object lives by references, also when it has none for a moment") {
  Rig k;
  PlainObject* object = k.plain().leak();
  object->release();
  { Ref<PlainObject> again(object); }
  Ref<PlainObject> kept(object);
  k.drain();
  REQUIRE(k.core().objects().size() == 1);
  kept = nullptr;
  k.drain();
  REQUIRE(k.core().objects().size() == 0);
  REQUIRE(k.core().counter("dispatcher.create") == 1);
  REQUIRE(k.core().counter("dispatcher.destroy") == 1);
}

TEST_CASE("a chain of 100 000 handles inside objects ends on a small stack") {
  Rig k;
  HandleArena& arena = k.core().handles();
  Handle head = k.make<PlainObject>();
  for (int i = 1; i < 100'000; ++i) {
    auto next = k.plain();
    next->held = k.take(head);
    head = k.handle(next);
  }
  REQUIRE(arena.live() == 100'000);

  on_small_stack([&] { k.close(head); });

  REQUIRE(arena.live() == 0);
  REQUIRE(k.core().objects().size() == 0);
}

TEST_CASE("a chain of 100 000 references ends on a small stack") {
  Rig k;
  auto head = k.plain();
  for (int i = 1; i < 100'000; ++i) {
    auto next = k.plain();
    next->referred = std::move(head);
    head = std::move(next);
  }
  on_small_stack([&] {
    head = nullptr;
    k.drain();
  });
  REQUIRE(k.core().objects().size() == 0);
}

TEST_CASE("objects that hold each other, or themselves, end with their core") {
  FakePlatform platform;
  {
    Core core(platform, {});
    auto a = make_object<PlainObject>(core);
    auto b = make_object<PlainObject>(core);
    a->held = *core.handles().make(b, Rights::kNone);
    b->held = *core.handles().make(a, Rights::kNone);
    auto ring = make_object<PlainObject>(core);
    ring->referred = ring;
  }
  SUCCEED("the table of objects checks that it is empty");
}

TEST_CASE("references among objects survive a save and load, whichever comes first") {
  ObjectRig k;
  k.knows<PlainObject>();
  k.pin();
  Handle a = k.make<PlainObject>();
  Handle b = k.make<PlainObject>();
  k.object<PlainObject>(a).referred = Ref<Object>(&k.object<PlainObject>(b));
  k.object<PlainObject>(b).held = k.take(k.duplicate(a));
  Koid koid_of_b = k.object<PlainObject>(b).koid();
  k.object<PlainObject>(b).update_signals(Signals::kNone, Signals::kUser5);

  k.reload();

  REQUIRE(k.object<PlainObject>(a).referred->koid() == koid_of_b);
  REQUIRE(k.object<PlainObject>(a).referred->signals() == Signals::kUser5);
  REQUIRE(k.object<PlainObject>(b).held.object() == &k.object<PlainObject>(a));
  REQUIRE(k.object<PlainObject>(a).handle_count() == 2);
}

// Whatever is wrong with a snapshot, loading says so and leaves a core that can be thrown away.
TEST_CASE("damaged state fails to load and harms nothing") {
  ObjectRig k;
  k.knows<PlainObject>();
  k.pin();
  Handle a = k.make<PlainObject>();
  Handle b = k.make<PlainObject>();
  k.object<PlainObject>(a).referred = Ref<Object>(&k.object<PlainObject>(b));
  k.object<PlainObject>(a).held = k.take(b);
  k.core().arm(Time{100}, k.object<PlainObject>(a));
  Writer saved;
  k.core().state(saved);

  for (size_t at = 0; at < saved.data().size(); ++at) {
    for (int flip : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> damaged = saved.data();
      damaged[at] ^= std::byte(flip);
      Core core(k.platform(), {});
      core.objects().register_type<PlainObject>();
      Reader reader(damaged);
      core.state(reader);
    }
  }
  for (size_t size = 0; size < saved.data().size(); ++size) {
    Core core(k.platform(), {});
    core.objects().register_type<PlainObject>();
    Reader reader(std::span(saved.data()).first(size));
    core.state(reader);
    REQUIRE_FALSE(reader.ok());
  }
}

}  // namespace
}  // namespace jacinth::kernel
