// All live kernel objects by koid, and the two lists that keep destruction flat.
//
// Koids count up from ZX_KOID_FIRST (1024) and are never reused. Objects whose last handle went, and objects whose last
// reference went, wait in lists until drain(): what their ends set off (closing a channel closes the handles in its
// messages, which close channels...) is queued behind them instead of recursing.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "kernel/abi/names.h"
#include "kernel/object/ref.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Core;
class Object;

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

  /// Runs pending on_zero_handles() and destroys the dead, in the order in which they became so, until none is left.
  /// The kernel calls it before it returns to a guest; tests after each call.
  void drain();

  /// Makes an empty object of a type with a given koid while loading.
  using Factory = Ref<Object> (*)(Core& core);
  void register_factory(ObjectType type, Factory factory);

  /// Objects, then their states. Loading replaces everything.
  void state(Archive& ar);

 private:
  friend class Object;
  Koid add(Object& object);
  void remove(Object& object);
  void retire(Object& object) { dead_.push_back(&object); }
  void zero_handles(Object& object);

  std::map<uint64_t, Object*> objects_;
  std::map<ObjectType, Factory> factories_;
  std::vector<Object*> dead_;
  std::vector<Ref<Object>> unnamed_;
  uint64_t next_koid_ = abi::raw(Koid::kFirst);
  uint64_t forced_koid_ = 0;  // While loading.
  bool draining_ = false;
};

}  // namespace jacinth::kernel
