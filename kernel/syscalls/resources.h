// The check that many calls begin with: does a handle name a resource that covers what they are to do?
#pragma once

#include "kernel/abi/resource.h"
#include "kernel/hw/resource.h"
#include "kernel/syscalls/call.h"

namespace jacinth::kernel {

/// kBadHandle, kWrongType (also for a resource of another kind), kOutOfRange. No right is needed.
inline Status validate_resource(Call& call, Handle handle, abi::ResourceKind kind, uint64_t base, uint64_t size) {
  Ref<Resource> resource = TRY(call.get<Resource>(handle, Rights::kNone));
  return resource->validate(kind, base, size);
}
inline Status validate_resource(Call& call, Handle handle, abi::ResourceSystemBase power) {
  return validate_resource(call, handle, abi::ResourceKind::kSystem, static_cast<uint64_t>(power), 1);
}
/// Nothing but the root resource will do.
inline Status validate_root_resource(Call& call, Handle handle) {
  Ref<Resource> resource = TRY(call.get<Resource>(handle, Rights::kNone));
  return resource->is_root() ? Status::kOk : Status::kWrongType;
}

}  // namespace jacinth::kernel
