// The least that a kernel object can be, for tests of what all of them share. It can hold a handle, so that chains and
// rings can be built.
#pragma once

#include <functional>
#include <vector>

#include "kernel/object/handle_table.h"
#include "kernel/object/object.h"
#include "kernel/object/object_table.h"

namespace jacinth::kernel {

class PlainObject final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kEvent;
  explicit PlainObject(Core& core) : Object(core, kType) {}

  HandleOwner held;
  Ref<Object> referred;
  uint32_t zero_handles = 0;
  uint64_t owner = 0;

  void on_handle_owner(Koid koid) override { owner = abi::raw(koid); }
  void on_zero_handles() override {
    ++zero_handles;
    held.reset();
  }
  void state(Archive& ar) override {
    Object::state(ar);
    held.state(ar);
    state_ref(ar, referred);
    ar(zero_handles, owner);
  }
};

/// Remembers what it was told.
class RecordingObserver final : public Observer {
 public:
  explicit RecordingObserver(std::vector<int>* order = nullptr, int name = 0) : order_(order), name_(name) {}
  void on_signals(Signals signals, Signals rose) override {
    seen = signals;
    newly = rose;
    ++calls;
    if (order_ != nullptr) order_->push_back(name_);
    if (on_call) on_call();
  }
  void on_handle_closed() override {
    closed = true;
    if (order_ != nullptr) order_->push_back(name_);
    unlink();
  }

  Signals seen = Signals::kNone;
  Signals newly = Signals::kNone;
  int calls = 0;
  bool closed = false;
  std::function<void()> on_call;

 private:
  std::vector<int>* order_;
  int name_;
};

}  // namespace jacinth::kernel
