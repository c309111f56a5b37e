#include "kernel/event/event.h"

#include "kernel/object/core.h"

namespace jacinth::kernel {

Event::Event(Core& core) : Object(core, kType) { ++core.counter("dispatcher.event.create"); }

Event::~Event() { ++core().counter("dispatcher.event.destroy"); }

}  // namespace jacinth::kernel
