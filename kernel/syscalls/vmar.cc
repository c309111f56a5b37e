// Calls on address regions, and on the memory of other processes. zircon/kernel/lib/syscalls/vmar.cc, debug.cc.
#include "kernel/abi/vmar.h"

#include <algorithm>
#include <array>

#include "kernel/abi/policy.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/vmo_transfer.h"
#include "kernel/vm/address_region.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {
namespace {

using abi::VmOptions;
using enum abi::VmOptions;

/// The rights that a handle needs, or gives, for bits such as kPermRead or kCanMapRead.
Rights rights_for(VmOptions options, VmOptions read, VmOptions write, VmOptions execute) {
  Rights rights = Rights::kNone;
  if (contains(options, read)) rights |= Rights::kRead;
  if (contains(options, write)) rights |= Rights::kWrite;
  if (contains(options, execute)) rights |= Rights::kExecute;
  return rights;
}
Rights rights_for_permissions(VmOptions options) { return rights_for(options, kPermRead, kPermWrite, kPermExecute); }
VmOptions allowance_for_rights(Rights rights) {
  VmOptions allowed = kNone;
  if (contains(rights, Rights::kRead)) allowed |= kCanMapRead;
  if (contains(rights, Rights::kWrite)) allowed |= kCanMapWrite;
  if (contains(rights, Rights::kExecute)) allowed |= kCanMapExecute;
  return allowed;
}

/// No board has execute-only memory, so what asks for it "if there is any" gets readable memory.
VmOptions settle_execute_only(VmOptions options) {
  if (contains(options, kPermReadIfXomUnsupported | kPermExecute)) options |= kPermRead;
  return options & ~kPermReadIfXomUnsupported;
}

/// WRITE or EXECUTE alone cannot be had.
bool valid_permissions(VmOptions options) {
  return contains(options, kPermRead) || !intersects(options, kPermWrite | kPermExecute);
}

Status allow_write_and_execute(Call& call, VmOptions options) {
  if (!contains(options, kPermWrite | kPermExecute)) return Status::kOk;
  return call.policy(abi::PolicyCondition::kVmarWx);
}

Status vmar_allocate(Call& call, Handle parent_handle, VmOptions options, uint64_t offset, uint64_t size,
                     UserOut<Handle> out, UserOut<uint64_t> address) {
  Rights needed = rights_for(options, kCanMapRead, kCanMapWrite, kCanMapExecute);
  Ref<AddressRegion> parent = TRY(call.get<AddressRegion>(parent_handle, needed));
  if (address.prepare() == Status::kParked || out.prepare() == Status::kParked) return Status::kParked;
  Ref<AddressRegion> region = TRY(parent->allocate(offset, size, options));
  Status status = address.write(region->base().value);
  if (status == Status::kOk) status = call.give(out, region, region->handle_rights());
  if (status != Status::kOk) static_cast<void>(region->destroy());
  return status;
}

/// No right is needed.
Status vmar_destroy(Call& call, Handle handle) {
  Ref<AddressRegion> region = TRY(call.get<AddressRegion>(handle, Rights::kNone));
  return region->destroy();
}

Status vmar_map(Call& call, Handle handle, VmOptions options, uint64_t offset, Handle vmo_handle, uint64_t vmo_offset,
                uint64_t length, UserOut<uint64_t> address) {
  Ref<AddressRegion> region = TRY(call.get<AddressRegion>(handle, Rights::kNone));
  Ref<Vmo> vmo = TRY(call.get<Vmo>(vmo_handle, Rights::kMap));
  options = settle_execute_only(options);
  if (!valid_permissions(options)) return Status::kInvalidArgs;
  if (contains(options, kMapRange | kSpecificOverwrite)) return Status::kInvalidArgs;
  if (intersects(options, kCanMapMask)) return Status::kInvalidArgs;

  // What both handles allow now is what zx_vmar_protect may ask for later.
  Rights rights = call.handles().find(handle)->rights & call.handles().find(vmo_handle)->rights;
  if (!contains(rights, rights_for_permissions(options))) return Status::kAccessDenied;
  TRY_STATUS(allow_write_and_execute(call, options));
  // What it overwrites is gone afterwards.
  if (address.prepare() == Status::kParked) return Status::kParked;
  GuestAddr base = TRY(region->map({.offset = offset,
                                    .vmo = vmo,
                                    .vmo_offset = vmo_offset,
                                    .length = length,
                                    .options = options | (allowance_for_rights(rights) & region->options())}));
  Status status = address.write(base.value);
  if (status != Status::kOk) static_cast<void>(region->unmap(base, length));
  return status;
}

/// No right is needed.
Status vmar_unmap(Call& call, Handle handle, GuestAddr address, uint64_t length) {
  Ref<AddressRegion> region = TRY(call.get<AddressRegion>(handle, Rights::kNone));
  return region->unmap(address, length);
}

Status vmar_protect(Call& call, Handle handle, VmOptions options, GuestAddr address, uint64_t length) {
  Ref<AddressRegion> region = TRY(call.get<AddressRegion>(handle, rights_for_permissions(options)));
  options = settle_execute_only(options);
  if (!valid_permissions(options)) return Status::kInvalidArgs;
  TRY_STATUS(allow_write_and_execute(call, options));
  return region->protect(address, length, options);
}

Status vmar_op_range(Call& call, Handle handle, abi::VmarOp op, GuestAddr address, uint64_t length, UserBytesOut buffer,
                     uint64_t buffer_size) {
  Ref<AddressRegion> region = TRY(call.get<AddressRegion>(handle, Rights::kNone));
  if (!buffer.null() || buffer_size != 0) return Status::kInvalidArgs;
  return region->op_range(op, address, length, progress(call));
}

/// A piece of another process's memory: up to the end of the mapping that holds the address. Contents come from the
/// VMO, so that a debugger sees what the process itself cannot.
struct Piece {
  Ref<Vmo> vmo;
  uint64_t offset = 0;
  uint64_t size = 0;
};
Result<Piece> find_piece(Process& process, GuestAddr address, uint64_t size, AccessKind access) {
  if (process.dead()) return Status::kBadState;
  Mapping* mapping = process.space_at(address)->find_mapping(address);
  if (mapping == nullptr) return Status::kNoMemory;
  // All of it: every process sees the same.
  bool vdso = mapping->vmo().koid() == process.core().vm().vdso().vmo;
  if (access == AccessKind::kWrite && vdso) return Status::kAccessDenied;
  return Piece{.vmo = Ref<Vmo>(&mapping->vmo()),
               .offset = mapping->offset() + (address - mapping->base()),
               .size = std::min(size, mapping->end() - address)};
}

constexpr uint64_t kMaxDebugTransfer = 64 << 20;

Status process_read_memory(Call& call, Handle handle, GuestAddr address, UserBytesOut buffer, uint64_t size,
                           UserOut<uint64_t> actual) {
  if (buffer.null() || size == 0 || size > kMaxDebugTransfer) return Status::kInvalidArgs;
  Ref<Process> process = TRY(call.get<Process>(handle, Rights::kRead | Rights::kWrite));
  Piece piece = TRY(find_piece(*process, address, size, AccessKind::kRead));
  TRY_STATUS(read_vmo(call, *piece.vmo, piece.offset, piece.size, buffer, progress(call)));
  return actual.write(piece.size);
}

Status process_write_memory(Call& call, Handle handle, GuestAddr address, UserBytesIn buffer, uint64_t size,
                            UserOut<uint64_t> actual) {
  if (!debugging_syscalls(call)) return Status::kNotSupported;
  if (buffer.null() || size == 0 || size > kMaxDebugTransfer) return Status::kInvalidArgs;
  Ref<Process> process = TRY(call.get<Process>(handle, Rights::kWrite));
  Piece piece = TRY(find_piece(*process, address, size, AccessKind::kWrite));
  TRY_STATUS(write_vmo(call, *piece.vmo, piece.offset, piece.size, buffer, progress(call)));
  return actual.write(piece.size);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_process_read_memory", bind<process_read_memory>, Support::kFull,
     "Up to the end of one mapping, at most 64 MiB."},
    {"zx_process_write_memory", bind<process_write_memory>, Support::kFull,
     "ZX_ERR_NOT_SUPPORTED unless kernel.enable-debugging-syscalls is set, as there."},
    {"zx_vmar_allocate", bind<vmar_allocate>, Support::kFull,
     "An occupied place is ZX_ERR_ALREADY_EXISTS, for programs of July 2020 ZX_ERR_NO_MEMORY."},
    {"zx_vmar_destroy", bind<vmar_destroy>, Support::kFull, "Ends everything below; the root stays."},
    {"zx_vmar_map", bind<vmar_map>, Support::kFull,
     "ALLOW_FAULTS is required for discardable VMOs alone, as in the kernel; no execute-only memory. A place that is "
     "taken is ZX_ERR_NO_MEMORY for programs of July 2020, an offset that overflows ZX_ERR_INVALID_ARGS."},
    {"zx_vmar_op_range", bind<vmar_op_range>, Support::kFull,
     "Commit, decommit, map, and the hints. Any other is ZX_ERR_NOT_SUPPORTED for programs of July 2020."},
    {"zx_vmar_protect", bind<vmar_protect>, Support::kFull, "Splits mappings; never past what they were made with."},
    {"zx_vmar_unmap", bind<vmar_unmap>, Support::kFull, "Cuts mappings, destroys regions inside the range."},
});

}  // namespace

std::span<const Row> vmar_rows() { return kRows; }

}  // namespace jacinth::kernel
