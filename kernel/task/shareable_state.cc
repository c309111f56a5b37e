#include "kernel/task/shareable_state.h"

#include "emu/state/archive.h"
#include "kernel/object/core.h"
#include "kernel/object/object_table.h"
#include "kernel/task/thread.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {

void ShareableState::end() {
  if (--living_ > 0) return;
  futexes_.clear();
  handles_.clear();
}

void ShareableState::finish() {
  if (living_ > 0 || !space_) return;
  space_->destroy();
  space_ = nullptr;
}

void ShareableState::state(Archive& ar) {
  ar(handles_, futexes_, living_);
  if (letting_go(ar)) space_ = nullptr;
  state_ref(ar, Core::of(ar).vm(), space_);
}

}  // namespace jacinth::kernel
