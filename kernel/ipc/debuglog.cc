#include "kernel/ipc/debuglog.h"

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

Debuglog::Debuglog(Core& core) : Object(core, kType) {}

Debuglog::Debuglog(Core& core, bool readable) : Object(core, kType), readable_(readable) {
  update_signals(Signals::kNone, abi::initial_signals(kType));
  if (!readable_) return;
  core.log().add_reader(*this);
  if (core.log().find(0) != nullptr) on_record();
}

Debuglog::~Debuglog() {
  if (readable_) core().log().remove_reader(*this);
}

const Log::Record* Debuglog::read() {
  const Log::Record* record = core().log().find(next_);
  if (record != nullptr) next_ = record->sequence + 1;
  if (next_ >= core().log().next_sequence()) update_signals(Signals::kLogReadable, Signals::kNone);
  return record;
}

void Debuglog::on_record() { update_signals(Signals::kNone, Signals::kLogReadable); }

void Debuglog::state(Archive& ar) {
  Object::state(ar);
  ar(readable_, next_);
}

void Debuglog::on_loaded(Archive& ar) {
  Object::on_loaded(ar);
  if (readable_) core().log().add_reader(*this);
}

}  // namespace jacinth::kernel
