#include "kernel/object/object.h"

#include "emu/base/check.h"
#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/object/traffic.h"

namespace jacinth::kernel {

Object::Object(Core& core, ObjectType type)
    : core_(core), koid_(core.objects().add(*this)), type_(type), signals_(abi::initial_signals(type)) {
  core.count_created(type);
}

Object::~Object() {
  core_.count_destroyed(type_);
  core_.trace(abi::KtraceEvent::kObjectDelete, abi::raw(koid_));
  observers_.clear();
  core_.objects().remove(*this);
}

void Object::update_signals(Signals clear, Signals set) {
  Signals before = signals_;
  signals_ = (signals_ & ~clear) | set;
  if (signals_ == before) return;
  tell_signalled(signals_ & ~before);
  observers_.notify(signals_, signals_ & ~before);
}

void Object::strobe_signals(Signals strobe) {
  tell_signalled(strobe & ~signals_);
  observers_.notify(signals_ | strobe, strobe & ~signals_);
}

inline void Object::tell_signalled(Signals asserted) {
  ObjectWatcher* watcher = core_.object_watcher();
  if (watcher != nullptr && asserted != Signals::kNone) [[unlikely]]
    watcher->signalled(koid_, asserted);
}

Status Object::user_signal(Signals clear, Signals set) {
  if (!within(clear | set, abi::user_settable(type_))) return Status::kInvalidArgs;
  update_signals(clear, set);
  return Status::kOk;
}

Status Object::user_signal_peer(Signals, Signals) { return Status::kNotSupported; }

Status Object::set_name(std::string_view) { return Status::kNotSupported; }

void Object::on_handle_owner(Koid) {}

void Object::add_handle() {
  ++handle_count_;
  on_handle_count_changed();
}

void Object::remove_handle() {
  CHECK(handle_count_ > 0);
  --handle_count_;
  on_handle_count_changed();
  if (handle_count_ == 0 && !zero_handles_pending_) {
    zero_handles_pending_ = true;
    core_.objects().zero_handles(*this);
  }
}

void Object::retire() {
  if (!retired_) core_.objects().retire(*this);
  retired_ = true;
}

void Object::state(Archive& ar) {
  ar(signals_);
  observers_.state(ar);
}

void Object::on_loaded(Archive& /*ar*/) { observers_.restore_order(); }

}  // namespace jacinth::kernel
