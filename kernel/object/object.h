// The base of everything a handle can name: a koid, a type, signals, and those who watch them.
//
//   handles, mappings, messages, parked calls --Ref--> Object --> observers (ports, parked threads, event queues)
//
// An object lives while anything refers to it; on_zero_handles() runs when no handle (in a table or in a message) names
// it any more, which is what Zircon programs mean by "closed". kernel/object/dispatcher.cc of Zircon settles the order:
// signals change first, then observers hear of it, those that came last first.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kernel/abi/names.h"
#include "kernel/object/observer.h"
#include "kernel/object/ref.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class Core;
class HandleArena;
class ObjectTable;
class Waiter;

class Object {
 public:
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  Koid koid() const { return koid_; }
  ObjectType type() const { return type_; }
  Core& core() const { return core_; }

  /// The koid that ZX_INFO_HANDLE_BASIC reports as related: the peer, the parent job, the process of a thread; 0 for
  /// none.
  virtual Koid related_koid() const { return {}; }
  /// Whether object_wait_* and wait_async accept it at all (else NOT_SUPPORTED).
  virtual bool waitable() const { return true; }

  Signals signals() const { return signals_; }
  /// Clears, then sets, then tells the observers if anything changed.
  void update_signals(Signals clear, Signals set);
  /// A pulse: observers see `strobe` asserted although it is clear again afterwards.
  void strobe_signals(Signals strobe);
  /// zx_object_signal: user signals, and what the type adds (abi::user_settable()); kInvalidArgs for others.
  Status user_signal(Signals clear, Signals set);
  /// zx_object_signal_peer. kNotSupported for objects without a peer.
  virtual Status user_signal_peer(Signals clear, Signals set);

  /// ZX_PROP_NAME: at most 31 bytes. Objects without names have an empty one.
  virtual std::string_view name() const { return {}; }
  virtual Status set_name(std::string_view name);

  /// Handles that name this object, in tables and in flight. Maintained by the handle arena.
  uint32_t handle_count() const { return handle_count_; }
  void add_handle();
  void remove_handle();
  /// A handle to it came into the table of the process `owner` (channels care).
  virtual void on_handle_owner(Koid owner);

  ObserverList& observers() { return observers_; }

  /// The object as something that can park: threads.
  virtual Waiter* as_waiter() { return nullptr; }
  /// A thread that had been woken by this object died before its call could run again: wake the next one instead.
  virtual void on_waiter_lost() {}

  void add_ref() { ++refs_; }
  void release() {
    if (--refs_ == 0) retire();
  }
  uint32_t ref_count() const { return refs_; }

  /// A deadline that Core::arm() was given for this object has come.
  virtual void on_deadline() {}

  /// All state of the derived class; each override calls its base first. Its constructor's arguments are part of it:
  /// the object to load into was made by a factory (kernel/object/object_table.h) that knows the core alone.
  virtual void state(Archive& ar);
  /// Everything that was saved is loaded: time to restore what rests on others (the order of links), or to fail when it
  /// does not fit together. Overrides call their base.
  virtual void on_loaded(Archive& ar);

 protected:
  /// Registers the object in the core's table, which gives it its koid.
  Object(Core& core, ObjectType type);
  virtual ~Object();

  /// No handle names the object any more (it may live on: mapped, in use by a parked call).
  virtual void on_zero_handles() {}
  /// The number of handles changed (VMOs and jobs care).
  virtual void on_handle_count_changed() {}

 private:
  friend class HandleArena;
  friend class ObjectTable;
  void retire();
  void tell_signalled(Signals asserted);

  Core& core_;
  Koid koid_;
  ObjectType type_;
  Signals signals_{};
  uint32_t handle_count_ = 0;
  uint32_t refs_ = 0;
  bool zero_handles_pending_ = false;
  bool retired_ = false;  // On the list of the dead.
  ObserverList observers_;
};

/// The only way to make one: an object lives by its references.
template <class T, class... Arguments>
Ref<T> make_object(Arguments&&... arguments) {
  return Ref<T>(new T(std::forward<Arguments>(arguments)...));
}

/// The object as a T; null when it is of another type. T::kType names the type, or T::is(type) where several fit.
template <class T>
T* object_cast(Object* object) {
  if constexpr (std::is_same_v<T, Object>) {
    return object;
  } else if constexpr (requires { T::is(ObjectType::kNone); }) {
    return object != nullptr && T::is(object->type()) ? static_cast<T*>(object) : nullptr;
  } else {
    return object != nullptr && object->type() == T::kType ? static_cast<T*>(object) : nullptr;
  }
}

template <class T>
Ref<T> ref_cast(const Ref<Object>& object) {
  return Ref<T>(object_cast<T>(object.get()));
}

}  // namespace jacinth::kernel
