// Memory that devices reach by themselves. zircon/kernel/lib/syscalls/ddk.cc.
#include "kernel/hw/bti.h"

#include <array>
#include <vector>

#include "kernel/abi/info_handle.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/resources.h"

namespace jacinth::kernel {
namespace {

using abi::BtiPinOptions;

Status iommu_create(Call& call, Handle resource, abi::IommuType type, UserBytesIn desc, size_t desc_size,
                    UserOut<Handle> out) {
  TRY_STATUS(validate_root_resource(call, resource));
  if (desc_size > abi::kIommuMaxDescLen) return Status::kInvalidArgs;
  std::vector<std::byte> bytes(desc_size);
  TRY_STATUS(desc.read(bytes));
  if (type == abi::IommuType::kIntel && call.core().platform().arch() == Arch::kX86_64)
    return call.unsupported("ZX_IOMMU_TYPE_INTEL");
  if (type != abi::IommuType::kDummy) return Status::kNotSupported;
  if (desc_size != sizeof(abi::IommuDescDummy)) return Status::kInvalidArgs;
  return call.give(out, make_object<Iommu>(call.core()), abi::default_rights(ObjectType::kIommu));
}

/// No right is needed.
Status bti_create(Call& call, Handle iommu_handle, uint32_t options, uint64_t bti_id, UserOut<Handle> out) {
  if (options != 0) return Status::kInvalidArgs;
  Ref<Iommu> iommu = TRY(call.get<Iommu>(iommu_handle, Rights::kNone));
  return call.give(out, make_object<Bti>(std::move(iommu), bti_id), abi::default_rights(ObjectType::kBti));
}

constexpr BtiPinOptions kPermissions =
    BtiPinOptions::kPermRead | BtiPinOptions::kPermWrite | BtiPinOptions::kPermExecute;

/// What a device may do with the memory, its user must be able to do; but a device that executes only reads.
Rights rights_for(BtiPinOptions options) {
  Rights rights = Rights::kMap;
  if (intersects(options, BtiPinOptions::kPermRead | BtiPinOptions::kPermExecute)) rights |= Rights::kRead;
  if (contains(options, BtiPinOptions::kPermWrite)) rights |= Rights::kWrite;
  return rights;
}

/// How the addresses are told: one for each page, which is also the least that an initiator keeps together; or one.
Status check_form(BtiPinOptions form, const Vmo& vmo) {
  if (form == BtiPinOptions::kNone || form == BtiPinOptions::kCompress) return Status::kOk;
  bool whole = vmo.is_contiguous() || vmo.is_physical();
  return form == BtiPinOptions::kContiguous && whole ? Status::kOk : Status::kInvalidArgs;
}

/// More addresses than the kernel's heap could hold (kernel.heap-max-size-mb as it is by default).
constexpr uint64_t kMaxAddresses = (uint64_t{2048} << 20) / sizeof(uint64_t);

Status bti_pin(Call& call, Handle handle, BtiPinOptions options, Handle vmo_handle, uint64_t offset, uint64_t size,
               UserOut<uint64_t> addresses, size_t count, UserOut<Handle> out) {
  Ref<Bti> bti = TRY(call.get<Bti>(handle, Rights::kMap));
  if (offset % kPageSize != 0 || size % kPageSize != 0) return Status::kInvalidArgs;
  Ref<Vmo> vmo = TRY(call.get<Vmo>(vmo_handle, Rights::kNone));
  if (!call.resumed() && !contains(call.handles().find(vmo_handle)->rights, rights_for(options)))
    return Status::kAccessDenied;
  BtiPinOptions form = options & ~kPermissions;
  TRY_STATUS(check_form(form, *vmo));
  if (count > kMaxAddresses) return Status::kNoMemory;
  // What is pinned by then would have to be told.
  if (addresses.prepare(count) == Status::kParked || out.prepare() == Status::kParked) return Status::kParked;

  Ref<PinnedMemory> pinned = TRY(bti->pin(vmo, offset, size, options & kPermissions));
  bool one = form == BtiPinOptions::kContiguous;
  Status status = count == (one ? 1 : size / kPageSize) ? Status::kOk : Status::kInvalidArgs;
  if (status == Status::kOk) {
    std::vector<uint64_t> all = pinned->addresses();
    status = addresses.write_array(std::span<const uint64_t>(all).first(count));
  }
  if (status == Status::kOk) status = call.give(out, pinned, abi::default_rights(ObjectType::kPmt));
  // Nobody got the token: nothing of it goes into quarantine.
  if (status != Status::kOk && status != Status::kParked) pinned->unpin();
  return status;
}

Status bti_release_quarantine(Call& call, Handle handle) {
  Ref<Bti> bti = TRY(call.get<Bti>(handle, Rights::kWrite));
  bti->release_quarantine();
  return Status::kOk;
}

/// Closes the handle, whatever it names.
Status pmt_unpin(Call& call, Handle handle) {
  HandleOwner owner = TRY(call.handles().remove(handle));
  auto* pinned = object_cast<PinnedMemory>(owner.object().get());
  if (pinned == nullptr) return Status::kWrongType;
  pinned->unpin();
  return Status::kOk;
}

Status bti_info(InfoRequest& request) { return request.one(TRY(request.get<Bti>(Rights::kInspect))->info()); }

constexpr auto kInfos = std::to_array<InfoRow>({{abi::InfoTopic::kBti, bti_info}});

constexpr auto kRows = std::to_array<Row>({
    {"zx_bti_create", bind<bti_create>, Support::kFull, "Of a dummy IOMMU; any number is a good one."},
    {"zx_bti_pin", bind<bti_pin>, Support::kFull,
     "Devices see physical addresses, page by page; what they may write to is dirty to its pager at once."},
    {"zx_bti_release_quarantine", bind<bti_release_quarantine>, Support::kFull,
     "Unpins what was closed without zx_pmt_unpin."},
    {"zx_iommu_create", bind<iommu_create>, Support::kPartial,
     "The dummy, with the root resource. No board has an Intel IOMMU."},
    {"zx_pmt_unpin", bind<pmt_unpin>, Support::kFull, "Closes the handle also when it names something else."},
});

}  // namespace

std::span<const InfoRow> bti_infos() { return kInfos; }

std::span<const Row> bti_rows() { return kRows; }

}  // namespace jacinth::kernel
