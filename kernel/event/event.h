// Events: signals and nothing else (zircon/kernel/object/event_dispatcher.h).
//
// The memory-pressure events of zx_system_get_event are events that the kernel keeps (kernel/task/memory_watchdog.h).
#pragma once

#include "kernel/object/object.h"

namespace jacinth::kernel {

class Event final : public Object {
 public:
  static constexpr ObjectType kType = ObjectType::kEvent;
  explicit Event(Core& core);

 private:
  ~Event() override;
};

}  // namespace jacinth::kernel
