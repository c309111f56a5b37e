// Handle values, their lookup and their ends (kernel/object/handle_table.h).
#include "kernel/object/handle_table.h"

#include <set>

#include "tests/kernel/object/plain_object.h"
#include "tests/support/object_rig.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

struct Rig : ObjectRig {
  Rig() {
    knows<PlainObject>();
    pin();
  }
  PlainObject& plain(Handle handle) { return object<PlainObject>(handle); }
};

TEST_CASE("a handle value has both low bits set and differs between processes") {
  Rig k;
  HandleTable other(k.core().handles(), 2, 0x1234'5678);
  Ref<Object> object = make_object<PlainObject>(k.core());

  Handle mine = k.handle(object);
  Handle theirs = other.add(*k.core().handles().make(object, Rights::kNone));

  REQUIRE((abi::raw(mine) & 3) == 3);
  REQUIRE((abi::raw(theirs) & 3) == 3);
  REQUIRE(k.table().find(theirs) == nullptr);
  REQUIRE(other.find(mine) == nullptr);
}

TEST_CASE("a value that is off by one bit is bad") {
  Rig k;
  Handle handle = k.make<PlainObject>();
  for (int bit = 0; bit < 32; ++bit) {
    REQUIRE(k.table().find(Handle{abi::raw(handle) ^ 1u << bit}) == nullptr);
  }
  REQUIRE(k.table().find(handle) != nullptr);
}

TEST_CASE("lookup reports a bad handle before a wrong type before missing rights") {
  Rig k;
  Handle handle = k.handle(make_object<PlainObject>(k.core()), Rights::kRead);
  auto get = [&](Handle value, auto* type, Rights rights) {
    return k.table().get<std::remove_pointer_t<decltype(type)>>(value, rights).status();
  };
  PlainObject* plain = nullptr;
  FakeThread* thread = nullptr;

  REQUIRE(get(Handle::kInvalid, thread, Rights::kWrite) == Status::kBadHandle);
  REQUIRE(get(handle, thread, Rights::kWrite) == Status::kWrongType);
  REQUIRE(get(handle, plain, Rights::kRead | Rights::kWrite) == Status::kAccessDenied);
  REQUIRE(get(handle, plain, Rights::kRead) == Status::kOk);
}

TEST_CASE("a closed value stays bad for a million handles") {
  Rig k;
  HandleArena& arena = k.core().handles();
  HandleTable table(arena, 2, 0);
  Ref<Object> object = make_object<PlainObject>(k.core());
  std::set<Handle> values;
  for (int i = 0; i < 100'000; ++i) {
    Handle handle = table.add(*arena.make(object, Rights::kNone));
    REQUIRE(values.insert(handle).second);
    REQUIRE(table.close(handle) == Status::kOk);
  }
}

TEST_CASE("the arena is full at 256 Ki handles and gives slots again after a close") {
  Rig k;
  HandleArena& arena = k.core().handles();
  HandleTable table(arena, 2, 0);
  Ref<Object> object = make_object<PlainObject>(k.core());
  Handle first = table.add(*arena.make(object, Rights::kNone));
  while (arena.live() < HandleArena::kMaxHandles) table.add(*arena.make(object, Rights::kNone));

  REQUIRE(arena.make(object, Rights::kNone).status() == Status::kNoMemory);
  REQUIRE(object->handle_count() == HandleArena::kMaxHandles);

  REQUIRE(table.close(first) == Status::kOk);
  REQUIRE(arena.make(object, Rights::kNone).status() == Status::kOk);
}

TEST_CASE("handles are listed newest first") {
  Rig k;
  Handle a = k.make<PlainObject>();
  Handle b = k.make<PlainObject>();
  Handle c = k.make<PlainObject>();
  k.close(b);
  Handle d = k.make<PlainObject>();

  std::vector<Handle> listed;
  k.table().for_each([&](Handle value, const HandleEntry&) { listed.push_back(value); });
  REQUIRE(listed == std::vector<Handle>{d, c, a});
}

TEST_CASE("the object hears of its last handle once, and not while one is in flight") {
  Rig k;
  Handle first = k.make<PlainObject>();
  Ref<PlainObject> object(&k.plain(first));
  HandleOwner flying = k.take(k.duplicate(first));
  REQUIRE(object->handle_count() == 2);

  k.close(first);
  REQUIRE(object->zero_handles == 0);

  flying.reset();
  k.drain();
  REQUIRE(object->zero_handles == 1);
}

TEST_CASE("an object that got a new handle before anybody looked was never without") {
  Rig k;
  Handle first = k.make<PlainObject>();
  Ref<PlainObject> object(&k.plain(first));
  REQUIRE(k.table().close(first) == Status::kOk);
  k.handle(object);
  k.drain();
  REQUIRE(object->zero_handles == 0);
}

TEST_CASE("taking a handle in tells the object whose it is") {
  Rig k;
  REQUIRE(k.plain(k.make<PlainObject>()).owner == ObjectRig::kProcess);
}

TEST_CASE("closing a handle ends the waits made through it, newest first, and no others") {
  Rig k;
  Handle watched = k.make<PlainObject>();
  Handle other = k.duplicate(watched);
  PlainObject& object = k.plain(watched);
  std::vector<int> order;
  RecordingObserver first(&order, 1);
  RecordingObserver second(&order, 2);
  RecordingObserver bystander(&order, 3);
  object.observers().add(object, first, k.table().id(watched));
  object.observers().add(object, bystander, k.table().id(other));
  object.observers().add(object, second, k.table().id(watched));

  k.close(watched);

  REQUIRE(order == std::vector<int>{2, 1});
  REQUIRE_FALSE(first.linked());
  REQUIRE(bystander.linked());
  REQUIRE(object.observers().size() == 1);
}

TEST_CASE("a move ends waits when the handle is taken in, not when it leaves") {
  Rig k;
  Handle handle = k.make<PlainObject>();
  PlainObject& object = k.plain(handle);
  RecordingObserver observer;
  object.observers().add(object, observer, k.table().id(handle));

  HandleOwner flying = k.take(handle);
  object.update_signals(Signals::kNone, Signals::kUser0);
  REQUIRE(observer.calls == 1);
  REQUIRE_FALSE(observer.closed);

  k.table().add(std::move(flying));
  REQUIRE(observer.closed);
}

TEST_CASE("a handle dropped in flight ends its waits") {
  Rig k;
  Handle handle = k.make<PlainObject>();
  PlainObject& object = k.plain(handle);
  RecordingObserver observer;
  object.observers().add(object, observer, k.table().id(handle));

  k.take(handle).reset();
  REQUIRE(observer.closed);
}

TEST_CASE("a table closes its newest handles first") {
  Rig k;
  std::vector<int> order;
  RecordingObserver a(&order, 1);
  RecordingObserver b(&order, 2);
  {
    HandleTable table(k.core().handles(), 2, 0);
    Ref<PlainObject> object = make_object<PlainObject>(k.core());
    Handle first = table.add(*k.core().handles().make(object, Rights::kNone));
    Handle second = table.add(*k.core().handles().make(object, Rights::kNone));
    object->observers().add(*object, b, table.id(second));
    object->observers().add(*object, a, table.id(first));
  }
  REQUIRE(order == std::vector<int>{2, 1});
  REQUIRE(k.core().handles().live() == 0);
}

TEST_CASE("values, rights, order and handles in flight survive a save and load") {
  ObjectRig k;
  k.knows<PlainObject>();
  Handle a = k.make<PlainObject>();
  Handle b = k.handle(make_object<PlainObject>(k.core()), Rights::kRead);
  Handle c = k.make<PlainObject>();
  k.object<PlainObject>(a).held = k.take(c);
  uint64_t flying = k.object<PlainObject>(a).held.id();

  k.reload();

  REQUIRE(k.table().find(c) == nullptr);
  REQUIRE(k.table().find(b)->rights == Rights::kRead);
  REQUIRE(k.object<PlainObject>(a).held.id() == flying);
  std::vector<Handle> listed;
  k.table().for_each([&](Handle value, const HandleEntry&) { listed.push_back(value); });
  REQUIRE(listed == std::vector<Handle>{b, a});
  REQUIRE(k.core().handles().live() == 3);

  k.close(a);
  k.close(b);
  REQUIRE(k.core().objects().size() == 0);
  REQUIRE(k.core().counter("handles.live") == 0);
}

TEST_CASE("a new handle takes the same value with and without a save and load before it") {
  Handle values[2];
  for (bool reloaded : {false, true}) {
    ObjectRig k;
    k.knows<PlainObject>();
    for (int i = 0; i < 1000; ++i) k.close(k.make<PlainObject>());
    if (reloaded) k.reload();
    values[reloaded] = k.make<PlainObject>();
  }
  REQUIRE(values[0] == values[1]);
}

}  // namespace
}  // namespace jacinth::kernel
