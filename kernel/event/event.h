// Events: signals and nothing else (zircon/kernel/object/event_dispatcher.h).
//
// Left out: the memory-pressure events of zx_system_get_event, which are events that somebody keeps.
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
