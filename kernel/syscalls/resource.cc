// Resources. zircon/kernel/lib/syscalls/resource.cc.
#include "kernel/hw/resource.h"

#include <array>

#include "kernel/abi/info_handle.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/names.h"

namespace jacinth::kernel {
namespace {

Status resource_create(Call& call, Handle parent_handle, uint32_t options, uint64_t base, uint64_t size,
                       UserBytesIn name, size_t name_size, UserOut<Handle> out) {
  Ref<Resource> parent = TRY(call.get<Resource>(parent_handle, Rights::kWrite));
  uint32_t kind_number = options & abi::kResourceKindMask;
  abi::ResourceFlags flags{options & abi::kResourceFlagsMask};
  if (kind_number >= abi::kResourceKindCount || !within(flags, abi::ResourceFlags::kExclusive)) {
    return Status::kInvalidArgs;
  }
  abi::ResourceKind kind{kind_number};
  if (parent->validate(kind, base, size) != Status::kOk) return Status::kAccessDenied;
  // Part of a part: neither may claim to be the only one.
  bool claims = parent->exclusive() || contains(flags, abi::ResourceFlags::kExclusive);
  if (claims && !parent->is_root() && !parent->is_ranged_root()) return Status::kInvalidArgs;

  std::string text;
  if (name_size > 0) text = TRY(name.text(std::min(name_size, abi::kMaxNameLen - 1)));
  Ref<Resource> resource = TRY(Resource::create(call.core(), kind, base, size, flags, text));
  return call.give(out, std::move(resource), abi::default_rights(ObjectType::kResource));
}

Status resource_info(InfoRequest& request) { return request.one(TRY(request.get<Resource>(Rights::kInspect))->info()); }

constexpr auto kInfos = std::to_array<InfoRow>({{abi::InfoTopic::kResource, resource_info}});

constexpr auto kRows = std::to_array<Row>({
    {"zx_resource_create", bind<resource_create>, Support::kFull,
     "The kinds of 2022; none covers RAM. A program gets its first resources with `jacinth run --root`."},
});

}  // namespace

std::span<const InfoRow> resource_infos() { return kInfos; }

std::span<const Row> resource_rows() { return kRows; }

}  // namespace jacinth::kernel
