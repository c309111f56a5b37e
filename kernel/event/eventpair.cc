#include "kernel/event/eventpair.h"

#include "kernel/object/core.h"

namespace jacinth::kernel {

EventPair::EventPair(Core& core) : PeeredObject(core, kType) {}

EventPair::~EventPair() = default;

std::pair<Ref<EventPair>, Ref<EventPair>> EventPair::create(Core& core) {
  auto a = make_object<EventPair>(core);
  auto b = make_object<EventPair>(core);
  pair(*a, *b);
  return {std::move(a), std::move(b)};
}

}  // namespace jacinth::kernel
