// Resources. zircon/kernel/lib/syscalls/resource.cc.
#include "kernel/hw/resource.h"

#include <algorithm>
#include <array>
#include <optional>

#include "kernel/abi/info_handle.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/names.h"
#include "kernel/syscalls/revision.h"

namespace jacinth::kernel {
namespace {

/// The kinds of July 2020, by their numbers. What are powers of the system since were kinds without a range.
struct OldKind {
  abi::ResourceKind kind{};
  std::optional<abi::ResourceSystemBase> power;
};
constexpr auto kOldKinds = std::to_array<OldKind>({
    {abi::ResourceKind::kMmio, {}},
    {abi::ResourceKind::kIrq, {}},
    {abi::ResourceKind::kIoport, {}},
    {abi::ResourceKind::kSystem, abi::ResourceSystemBase::kHypervisor},
    {abi::ResourceKind::kRoot, {}},
    {abi::ResourceKind::kSystem, abi::ResourceSystemBase::kVmex},
    {abi::ResourceKind::kSmc, {}},
});

Status resource_create(Call& call, Handle parent_handle, uint32_t options, uint64_t base, uint64_t size,
                       UserBytesIn name, size_t name_size, UserOut<Handle> out) {
  Ref<Resource> parent = TRY(call.get<Resource>(parent_handle, Rights::kWrite));
  uint32_t kind_number = options & abi::kResourceKindMask;
  abi::ResourceFlags flags{options & abi::kResourceFlagsMask};
  bool july_2020 = of_july_2020(call);
  uint32_t kinds = july_2020 ? kOldKinds.size() : abi::kResourceKindCount;
  if (kind_number >= kinds || !within(flags, abi::ResourceFlags::kExclusive)) return Status::kInvalidArgs;
  abi::ResourceKind kind{kind_number};
  if (july_2020) {
    kind = kOldKinds[kind_number].kind;
    if (std::optional<abi::ResourceSystemBase> power = kOldKinds[kind_number].power) {
      if (base != 0 || size != 0) return Status::kInvalidArgs;
      base = static_cast<uint64_t>(*power);
      size = 1;
    }
  }
  if (parent->validate(kind, base, size) != Status::kOk) return Status::kAccessDenied;
  // Part of a part: neither may claim to be the only one.
  bool claims = parent->exclusive() || contains(flags, abi::ResourceFlags::kExclusive);
  if (claims && !parent->is_root() && !parent->is_ranged_root()) return Status::kInvalidArgs;

  std::string text;
  if (name_size > 0) text = TRY(name.text(std::min(name_size, abi::kMaxNameLen - 1)));
  Ref<Resource> resource = TRY(Resource::create(call.core(), kind, base, size, flags, text));
  return call.give(out, std::move(resource), abi::default_rights(ObjectType::kResource));
}

Status resource_info(InfoRequest& request) {
  abi::InfoResource info = TRY(request.get<Resource>(Rights::kInspect))->info();
  if (!of_july_2020(request.call())) return request.one(info);
  const auto* old = std::ranges::find_if(kOldKinds, [&info](const OldKind& kind) {
    return info.kind == static_cast<uint32_t>(kind.kind) &&
           (!kind.power || info.base == static_cast<uint64_t>(*kind.power));
  });
  if (old == kOldKinds.end()) return request.one(info);
  info.kind = static_cast<uint32_t>(old - kOldKinds.begin());
  if (old->power) info.base = info.size = 0;
  return request.one(info);
}

constexpr auto kInfos = std::to_array<InfoRow>({{abi::InfoTopic::kResource, resource_info}});

constexpr auto kRows = std::to_array<Row>({
    {"zx_resource_create", bind<resource_create>, Support::kFull,
     "The kinds of 2022, for programs of July 2020 those of that time; none covers RAM. A program gets its first "
     "resources with `jacinth run --root`."},
});

}  // namespace

std::span<const InfoRow> resource_infos() { return kInfos; }

std::span<const Row> resource_rows() { return kRows; }

}  // namespace jacinth::kernel
