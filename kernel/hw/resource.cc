#include "kernel/hw/resource.h"

#include <algorithm>
#include <limits>

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {
namespace {

using abi::ResourceKind;

constexpr uint64_t kSystemPowers = 7;
/// Services of a secure monitor, by the upper byte of a function's number (SMC Calling Convention).
constexpr uint64_t kSmcServices = 64;

std::string_view counter_of(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kMmio: return "resource.mmio.created";
    case ResourceKind::kIrq: return "resource.irq.created";
    case ResourceKind::kIoport: return "resource.ioport.created";
    case ResourceKind::kRoot: return "resource.root.created";
    case ResourceKind::kSmc: return "resource.smc.created";
    case ResourceKind::kSystem: break;
  }
  return "resource.system.created";
}

}  // namespace

Resource::Range Resource::all_of(Arch arch, ResourceKind kind) {
  bool arm64 = arch == Arch::kArm64;
  switch (kind) {
    case ResourceKind::kMmio: return {0, std::numeric_limits<uint64_t>::max()};
    // Shared interrupts of a GIC; vectors that an I/O APIC may deliver.
    case ResourceKind::kIrq: return arm64 ? Range{32, 988} : Range{0x20, 0xd0};
    case ResourceKind::kIoport: return arm64 ? Range{} : Range{0, 0x1'0000};
    case ResourceKind::kSmc: return arm64 ? Range{0, kSmcServices} : Range{};
    case ResourceKind::kSystem: return {0, kSystemPowers};
    case ResourceKind::kRoot: break;
  }
  return {};
}

Resource::Resource(Core& core, ResourceKind kind, Range range, abi::ResourceFlags flags, std::string_view name)
    : Object(core, kType), kind_(kind), base_(range.base), size_(range.size), flags_(flags), name_(name) {
  ++core.counter(counter_of(kind));
}

bool Resource::overlaps(const Range& range) const {
  // No range wraps around. One without a number in it overlaps nothing.
  return size_ > 0 && range.size > 0 && base_ < range.base + range.size && range.base < base_ + size_;
}

Result<Ref<Resource>> Resource::create(Core& core, ResourceKind kind, uint64_t base, uint64_t size,
                                       abi::ResourceFlags flags, std::string_view name) {
  Range range{base, size};
  if (kind == ResourceKind::kRoot) {
    if (base != 0 || size != 0) return Status::kInvalidArgs;
  } else {
    Range all = all_of(core.platform().arch(), kind);
    if (all.size == 0) return Status::kBadState;
    uint64_t end = 0;
    if (size == 0 || __builtin_add_overflow(base, size, &end)) return Status::kInvalidArgs;
    if (base < all.base || end > all.base + all.size) return Status::kNotFound;
  }
  bool exclusive = contains(flags, abi::ResourceFlags::kExclusive);
  bool free = true;
  core.objects().for_each([&](Object& object) {
    const auto* other = object_cast<Resource>(&object);
    if (other == nullptr || other->kind_ != kind || !(exclusive || other->exclusive())) return;
    free = free && !other->overlaps(range);
  });
  if (!free) return Status::kNotFound;
  return make_object<Resource>(core, kind, range, flags, name);
}

Ref<Resource> Resource::create_ranged_root(Core& core, ResourceKind kind, std::string_view name) {
  return make_object<Resource>(core, kind, Range{}, abi::ResourceFlags::kNone, name);
}

Status Resource::validate(ResourceKind kind, uint64_t base, uint64_t size) const {
  if (kind_ != kind && !is_root()) return Status::kWrongType;
  if (is_root() || is_ranged_root()) {
    // What wraps around is no range for anybody, and said so by whoever makes it.
    bool denied = false;
    for (const Arena& ram : core().platform().arenas()) {
      denied = denied || (kind == ResourceKind::kMmio && size > 0 && base + (size - 1) >= base &&
                          base < ram.base.value + ram.size && (base >= ram.base.value || size > ram.base.value - base));
    }
    if (denied) ++core().counter("resource.denied_ranges");
    return denied ? Status::kAccessDenied : Status::kOk;
  }
  uint64_t first = base_;
  uint64_t length = size_;
  if (kind == ResourceKind::kMmio) {
    // Memory is handed out in pages: what touches one may use all of it.
    first &= ~kPageMask;
    length = (base_ - first + size_ + kPageMask) & ~kPageMask;
  }
  bool inside = size > 0 && base >= first && base - first < length && size <= length - (base - first);
  return inside ? Status::kOk : Status::kOutOfRange;
}

abi::InfoResource Resource::info() const {
  abi::InfoResource info{.kind = static_cast<uint32_t>(kind_), .flags = abi::raw(flags_), .base = base_, .size = size_};
  std::ranges::copy(name_.text(), info.name.begin());
  return info;
}

Status Resource::set_name(std::string_view name) {
  name_.set(name);
  return Status::kOk;
}

void Resource::state(Archive& ar) {
  Object::state(ar);
  ar(kind_, base_, size_, flags_, name_);
  if (!ar.loading()) return;
  uint64_t end = 0;
  if (static_cast<uint32_t>(kind_) >= abi::kResourceKindCount || __builtin_add_overflow(base_, size_, &end)) {
    ar.fail("a resource of no kind or range");
    kind_ = ResourceKind::kRoot;
  }
}

}  // namespace jacinth::kernel
