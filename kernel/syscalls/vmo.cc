// Calls on VMOs. zircon/kernel/lib/syscalls/vmo.cc, and the checks of vm_object_dispatcher.cc that need rights.
#include "kernel/abi/vmo.h"

#include <algorithm>
#include <array>

#include "kernel/abi/policy.h"
#include "kernel/hw/bti.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/resources.h"
#include "kernel/syscalls/revision.h"
#include "kernel/syscalls/vmo_transfer.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {
namespace {

using abi::VmoChildOptions;
using abi::VmoOp;

Status vmo_create(Call& call, uint64_t size, abi::VmoOptions options, UserOut<Handle> out) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewVmo));
  Ref<Vmo> vmo = TRY(Vmo::create(call.core(), size, options));
  if (of_july_2020(call)) vmo->begin_empty();
  return call.give(out, vmo, abi::default_rights(ObjectType::kVmo));
}

/// One run of page frames, all of them there from the start.
Status vmo_create_contiguous(Call& call, Handle bti_handle, size_t size, uint32_t alignment_log2, UserOut<Handle> out) {
  if (size == 0) return Status::kInvalidArgs;
  if (alignment_log2 == 0) alignment_log2 = kPageShift;
  if (alignment_log2 < kPageShift || alignment_log2 >= 64) return Status::kInvalidArgs;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewVmo));
  TRY(call.get<Bti>(bti_handle, Rights::kMap));
  Ref<Vmo> vmo = TRY(Vmo::create_contiguous(call.core(), size, uint64_t{1} << alignment_log2));
  return call.give(out, vmo, abi::default_rights(ObjectType::kVmo));
}

/// Device registers.
Status vmo_create_physical(Call& call, Handle resource, PhysAddr base, size_t size, UserOut<Handle> out) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewVmo));
  TRY_STATUS(validate_resource(call, resource, abi::ResourceKind::kMmio, base.value, size));
  Ref<Vmo> vmo = TRY(Vmo::create_physical(call.core(), base, size));
  return call.give(out, vmo, abi::default_rights(ObjectType::kVmo));
}

Status vmo_read(Call& call, Handle handle, UserBytesOut buffer, uint64_t offset, uint64_t size) {
  Ref<Vmo> vmo = TRY(call.get<Vmo>(handle, Rights::kRead));
  return read_vmo(call, *vmo, offset, size, buffer, progress(call));
}

Status vmo_write(Call& call, Handle handle, UserBytesIn buffer, uint64_t offset, uint64_t size) {
  Ref<Vmo> vmo = TRY(call.get<Vmo>(handle, Rights::kWrite));
  return write_vmo(call, *vmo, offset, size, buffer, progress(call));
}

/// Anyone may ask for the size.
Status vmo_get_size(Call& call, Handle handle, UserOut<uint64_t> size) {
  Ref<Vmo> vmo = TRY(call.get<Vmo>(handle, Rights::kNone));
  return size.write(vmo->size());
}

Status vmo_set_size(Call& call, Handle handle, uint64_t size) {
  Ref<Vmo> vmo = TRY(call.get<Vmo>(handle, Rights::kWrite));
  return vmo->set_size(size);
}

/// LOCK tells what was discarded; when the guest cannot be told, it is not locked.
Status lock_and_tell(Vmo& vmo, uint64_t offset, uint64_t size, UserBytesOut buffer, uint64_t buffer_size) {
  abi::VmoLockState state;
  // What was discarded is told once: not to a call that has to wait for the page to tell it in.
  if (buffer_size >= sizeof state && buffer.prepare(sizeof state) == Status::kParked) return Status::kParked;
  TRY_STATUS(vmo.lock(offset, size, &state));
  Status status = buffer_size < sizeof state ? Status::kInvalidArgs : buffer.write_value(state);
  if (status != Status::kOk) static_cast<void>(vmo.unlock(offset, size));
  return status;
}

/// What changes contents needs WRITE, what only cleans caches READ, hints nothing. Locks need either: see may_lock().
Rights rights_of(VmoOp op) {
  switch (op) {
    case VmoOp::kCommit:
    case VmoOp::kDecommit:
    case VmoOp::kZero:
    case VmoOp::kCacheInvalidate: return Rights::kWrite;
    case VmoOp::kCacheSync:
    case VmoOp::kCacheClean:
    case VmoOp::kCacheCleanInvalidate: return Rights::kRead;
    default: return Rights::kNone;
  }
}

bool may_lock(Call& call, Handle handle) {
  return intersects(call.handles().find(handle)->rights, Rights::kRead | Rights::kWrite);
}

Status vmo_op_range(Call& call, Handle handle, VmoOp op, uint64_t offset, uint64_t size, UserBytesOut buffer,
                    uint64_t buffer_size) {
  // It could drop what was written but not cleaned: for debuggers alone.
  if (op == VmoOp::kCacheInvalidate && !debugging_syscalls(call)) {
    TRY(call.get<Vmo>(handle, Rights::kNone));
    return Status::kNotSupported;
  }
  Ref<Vmo> vmo = TRY(call.get<Vmo>(handle, rights_of(op)));
  bool locks = op == VmoOp::kLock || op == VmoOp::kTryLock || op == VmoOp::kUnlock;
  if (locks && !call.resumed() && !may_lock(call, handle)) return Status::kAccessDenied;
  switch (op) {
    case VmoOp::kCommit:
      // What went while the call waited for its pages is as good as committed.
      if (call.resumed()) size = vmo->size() > offset ? std::min(size, vmo->size() - offset) : 0;
      return size > 0 || !call.resumed() ? vmo->commit(offset, size) : Status::kOk;
    case VmoOp::kDecommit: return vmo->decommit(offset, size);
    case VmoOp::kZero: return vmo->zero(offset, size);
    case VmoOp::kLock: return lock_and_tell(*vmo, offset, size, buffer, buffer_size);
    case VmoOp::kTryLock: return vmo->lock(offset, size, nullptr);
    case VmoOp::kUnlock: return vmo->unlock(offset, size);
    case VmoOp::kCacheSync:
    case VmoOp::kCacheClean:
    case VmoOp::kCacheInvalidate:
    case VmoOp::kCacheCleanInvalidate: return vmo->cache_operation(offset, size);
    case VmoOp::kDontNeed:
    case VmoOp::kAlwaysNeed: return vmo->hint(op, offset, size, progress(call));
  }
  return Status::kInvalidArgs;
}

Status vmo_set_cache_policy(Call& call, Handle handle, abi::CachePolicy policy) {
  if (policy > abi::CachePolicy::kWriteCombining) return Status::kInvalidArgs;
  Ref<Vmo> vmo = TRY(call.get<Vmo>(handle, Rights::kMap));
  return vmo->set_cache_policy(policy);
}

/// The child's handle never has a right that a new VMO would not have, nor one that the source lacks, but for writing
/// to a copy that is the caller's own.
Status vmo_create_child(Call& call, Handle handle, VmoChildOptions options, uint64_t offset, uint64_t size,
                        UserOut<Handle> out) {
  Ref<Vmo> vmo = TRY(call.get<Vmo>(handle, Rights::kDuplicate | Rights::kRead));
  Rights rights = call.handles().find(handle)->rights;
  Ref<Vmo> child = TRY(vmo->create_child(options, offset, size, contains(rights, Rights::kGetProperty)));

  rights |= Rights::kGetProperty | Rights::kSetProperty;
  if (contains(options, VmoChildOptions::kNoWrite)) {
    rights = rights & ~Rights::kWrite;
  } else if (!contains(options, VmoChildOptions::kSlice)) {
    rights = (rights & ~Rights::kExecute) | Rights::kWrite;
  }
  return call.give(out, child, rights);
}

/// Consumes the handle once it was found. Without a VMEX resource, the job's policy decides.
Status vmo_replace_as_executable(Call& call, Handle handle, Handle vmex, UserOut<Handle> out) {
  Status allowed = vmex == Handle::kInvalid ? call.policy(abi::PolicyCondition::kAmbientMarkVmoExec)
                                            : validate_resource(call, vmex, abi::ResourceSystemBase::kVmex);
  HandleOwner source = TRY(call.handles().remove(handle));
  if (allowed != Status::kOk) return allowed;
  if (source.object()->type() != ObjectType::kVmo) return Status::kBadHandle;
  return call.give(out, source.object(), source.rights() | Rights::kExecute);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_vmo_create", bind<vmo_create>, Support::kFull,
     "Discardable VMOs are discarded when a frame is needed and none is free, in the order in which they were "
     "unlocked. The content size is the size, but 0 for programs with a dynamic linker, as in July 2020."},
    {"zx_vmo_create_child", bind<vmo_create_child>, Support::kFull,
     "Snapshots share pages without hidden parents; of several that see a page, the oldest is charged."},
    {"zx_vmo_create_contiguous", bind<vmo_create_contiguous>, Support::kFull,
     "The lowest run of frames that was never used, else the lowest that is free."},
    {"zx_vmo_create_physical", bind<vmo_create_physical>, Support::kFull,
     "Any addresses but RAM's. No board has devices: an access through a mapping is a page fault, on x86-64 too."},
    {"zx_vmo_get_size", bind<vmo_get_size>, Support::kFull, "The size in whole pages."},
    {"zx_vmo_op_range", bind<vmo_op_range>, Support::kFull,
     "The model has no caches: cleaning them only checks the range. Contiguous VMOs lend what they decommit if "
     "kernel.ppb.loan says so. For programs of July 2020, what is behind the end is cut off a range to commit, "
     "decommit or zero."},
    {"zx_vmo_read", bind<vmo_read>, Support::kFull,
     "Page by page; waits for the pager of the VMO, and for that of the buffer."},
    {"zx_vmo_replace_as_executable", bind<vmo_replace_as_executable>, Support::kFull,
     "With a VMEX resource, or without one as the job's policy says."},
    {"zx_vmo_set_cache_policy", bind<vmo_set_cache_policy>, Support::kFull,
     "The policy goes into the page tables; the model has no caches."},
    {"zx_vmo_set_size", bind<vmo_set_size>, Support::kFull,
     "As in 2022: the exact size becomes the content size, and the rest of the last page is zeroed, but for programs "
     "of July 2020."},
    {"zx_vmo_write", bind<vmo_write>, Support::kFull, "Page by page; what was written before a failure stays."},
});

}  // namespace

std::span<const Row> vmo_rows() { return kRows; }

}  // namespace jacinth::kernel
