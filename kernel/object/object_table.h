// All live kernel objects by koid, and the two lists that keep destruction flat.
//
// Koids count up from ZX_KOID_FIRST (1024) and are never reused. Objects whose last handle went, and objects whose last
// reference went, wait in lists until drain(): what their ends set off (closing a channel closes the handles in its
// messages, which close channels...) is queued behind them instead of recursing.
//
// Saved state refers to objects by koid: loading first makes every object empty, by its type's factory, then loads the
// handles, then each object's own state.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <type_traits>

#include "emu/state/archive.h"
#include "kernel/abi/names.h"
#include "kernel/object/object.h"
#include "kernel/object/ref.h"

namespace jacinth::kernel {

class Core;

class ObjectTable {
 public:
  ObjectTable() = default;
  ~ObjectTable();
  ObjectTable(const ObjectTable&) = delete;
  ObjectTable& operator=(const ObjectTable&) = delete;

  /// Null when no such object lives.
  Object* find(Koid koid) const;
  size_t size() const { return objects_.size(); }
  /// In koid order.
  template <class F>
  void for_each(F&& visit) const {
    for (const auto& [koid, object] : objects_) visit(*object);
  }

  /// The first object whose koid is greater: a cursor that bears whatever comes and goes between two steps.
  Object* after(Koid koid) const;

  /// Runs pending on_zero_handles() and destroys the dead, in the order in which they became so, until none is left.
  /// The kernel calls it before it returns to a guest; tests after each call.
  void drain() {
    if (!dead_.empty() || !unnamed_.empty()) drain_all();
  }

  /// Makes an empty object of a type while loading.
  using Factory = Ref<Object> (*)(Core& core);
  void register_factory(ObjectType type, Factory factory);
  /// The usual factory: T's constructor takes the core alone.
  template <class T>
  void register_type(ObjectType type = T::kType) {
    register_factory(type, [](Core& core) { return Ref<Object>(make_object<T>(core)); });
  }

 private:
  friend class Core;
  friend class Object;
  friend bool letting_go(Archive& ar);
  void drain_all();
  Koid add(Object& object);
  void remove(Object& object);
  void retire(Object& object) { dead_.push_back(&object); }
  void zero_handles(Object& object) { unnamed_.emplace_back(&object); }

  /// Takes from every object left the references it holds, then destroys them: the end of the kernel, when what is left
  /// holds itself in a ring. Destructors must bear a null where they had an object.
  void let_go(Core& core);
  /// Which objects there are; loading makes them. They live while `held` does, or somebody refers to them.
  void state_identities(Archive& ar, Core& core, std::deque<Ref<Object>>& held);
  /// What each of them holds.
  void state_contents(Archive& ar);

  std::map<uint64_t, Object*> objects_;
  std::map<ObjectType, Factory> factories_;
  std::deque<Object*> dead_;
  std::deque<Ref<Object>> unnamed_;
  uint64_t next_koid_ = abi::raw(Koid::kFirst);
  uint64_t forced_koid_ = 0;  // While loading.
  bool draining_ = false;
  bool letting_go_ = false;
};

/// The object of this koid, or null; the koid of anything but null or a living object makes the archive fail.
Object* find_object(Archive& ar, uint64_t koid);
/// Whether this visit makes objects drop what they hold (ObjectTable::let_go()).
bool letting_go(Archive& ar);

/// A reference among the saved state: its koid, 0 for null.
template <class T>
void state_ref(Archive& ar, Ref<T>& ref) {
  uint64_t koid = ref ? abi::raw(ref->koid()) : 0;
  ar(koid);
  if (letting_go(ar)) ref = nullptr;
  if (!ar.loading()) return;
  Object* object = find_object(ar, koid);
  ref = Ref<T>(object_cast<T>(object));
  if (object != nullptr && !ref) ar.fail("a reference to an object of another type");
}

/// The same for a link that does not keep its object alive.
template <class T>
void state_link(Archive& ar, T*& link) {
  Ref<T> ref(link);
  state_ref(ar, ref);
  link = ref.get();
}

}  // namespace jacinth::kernel
