#include "kernel/event/event.h"

#include "kernel/object/core.h"

namespace jacinth::kernel {

Event::Event(Core& core) : Object(core, kType) {}

Event::~Event() = default;

}  // namespace jacinth::kernel
