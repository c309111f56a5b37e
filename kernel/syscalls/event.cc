// Events and event pairs. zircon/kernel/lib/syscalls/{object,eventpair}.cc.
#include "kernel/event/event.h"

#include <array>

#include "kernel/event/eventpair.h"
#include "kernel/syscalls/families.h"

namespace jacinth::kernel {
namespace {

Status event_create(Call& call, uint32_t options, UserOut<Handle> out) {
  if (options != 0) return Status::kInvalidArgs;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewEvent));
  return call.give(out, make_object<Event>(call.core()), abi::default_rights(ObjectType::kEvent));
}

Status eventpair_create(Call& call, uint32_t options, UserOut<Handle> out0, UserOut<Handle> out1) {
  if (options != 0) return Status::kNotSupported;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewEventpair));
  auto [end0, end1] = EventPair::create(call.core());
  return call.give(out0, end0, out1, end1, abi::default_rights(ObjectType::kEventpair));
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_event_create", bind<event_create>, Support::kFull, "Any option is ZX_ERR_INVALID_ARGS."},
    {"zx_eventpair_create", bind<eventpair_create>, Support::kFull, "Any option is ZX_ERR_NOT_SUPPORTED."},
});

}  // namespace

std::span<const Row> event_rows() { return kRows; }

}  // namespace jacinth::kernel
