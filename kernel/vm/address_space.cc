#include "kernel/vm/address_space.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace jacinth::kernel {

using abi::VmOptions;

uint64_t AddressSpace::user_size(Arch arch) {
  // x86-64 keeps the last page below 2^47 free: a SYSRET to the address behind it would fault in the kernel.
  uint64_t top = arch == Arch::kArm64 ? 0xffff'ff00'0000 : (uint64_t{1} << 47) - kPageSize;
  return top - user_base().value;
}

AddressSpace::AddressSpace(Vm& vm, uint64_t id) : vm_(vm), id_(id) { vm_.spaces_.emplace(id_, this); }

AddressSpace::~AddressSpace() {
  destroy();
  vm_.spaces_.erase(id_);
}

GuestAddr AddressSpace::split(Arch arch) {
  return user_base() + (user_size(arch) / 2 + kPageSize - 1) / kPageSize * kPageSize;
}

bool AddressSpace::contains(GuestAddr address) const {
  return root_ && address >= root_->base() && address - root_->base() < root_->size();
}

Result<Ref<AddressSpace>> AddressSpace::create(Core& core, std::string_view name, Half half) {
  Vm& vm = core.vm();
  std::unique_ptr<PageTables> tables = core.platform().create_page_tables(vm.pmm());
  if (!tables) return Status::kNoMemory;
  Ref<AddressSpace> space(new AddressSpace(vm, vm.next_space_id()));
  space->name_.set(name);
  space->tables_ = std::move(tables);
  Arch arch = core.platform().arch();
  GuestAddr begin = half == Half::kUpper ? split(arch) : user_base();
  GuestAddr end = half == Half::kLower ? split(arch) : user_base() + user_size(arch);
  space->root_ = make_object<AddressRegion>(core, *space, nullptr, begin, end - begin,
                                            VmOptions::kCanMapMask | VmOptions::kCanMapSpecific);
  return space;
}

Ref<AddressSpace> AddressSpace::create_for_load(Vm& vm, uint64_t id) {
  return Ref<AddressSpace>(new AddressSpace(vm, id));
}

void AddressSpace::destroy() {
  if (!root_) return;
  vdso_code_size_ = 0;  // Its process is no more: nothing protects it now.
  root_->end_all();
  root_ = nullptr;
}

bool AddressSpace::could_contain(GuestAddr base, uint64_t size) const {
  uint64_t all = user_size(vm_.platform().arch());
  return base >= user_base() && base - user_base() <= all && size <= all - (base - user_base());
}

Mapping* AddressSpace::find_mapping(GuestAddr address) const {
  if (last_found_ != nullptr && address >= last_found_->base() && address < last_found_->end()) return last_found_;
  AddressRegion* region = root_.get();
  while (region != nullptr) {
    RegionEntry* entry = region->find(address);
    if (entry == nullptr) return nullptr;
    if (entry->mapping) return last_found_ = entry->mapping.get();
    region = entry->region.get();
  }
  return nullptr;
}

Status AddressSpace::fault(GuestAddr address, AccessKind access) {
  Mapping* mapping = find_mapping(address);
  if (mapping == nullptr) return Status::kNotFound;
  return mapping->fault(address.page(), access);
}

Result<PhysAddr> AddressSpace::resolve(GuestAddr page, AccessKind access) {
  auto allowed = [access](const PageTables::Entry& entry) {
    return access == AccessKind::kWrite ? entry.permissions.write : entry.permissions.read;
  };
  std::optional<PageTables::Entry> entry = tables_->query(page);
  if (!entry || !allowed(*entry)) {
    TRY_STATUS(fault(page, access));
    entry = tables_->query(page);
    CHECK(entry && allowed(*entry), "a resolved fault at {:#x} left the page inaccessible", page.value);
  }
  // Device registers are not memory that could be copied.
  if (!vm_.pmm().contains(entry->frame)) return Status::kNotSupported;
  // As the CPU would mark the entry.
  vm_.pmm().queues().mark_accessed(vm_.pmm().frame_at(entry->frame));
  slot_of(page.page_number()) = {.page = page.page_number(),
                                 .frame = entry->frame,
                                 .readable = entry->permissions.read,
                                 .writable = entry->permissions.write};
  return entry->frame;
}

Status AddressSpace::read(GuestAddr from, std::span<std::byte> to) {
  for (size_t done = 0; done < to.size();) {
    GuestAddr at = from + done;
    const Remembered& known = slot_of(at.page_number());
    PhysAddr frame = known.frame;
    if (known.page != at.page_number() || !known.readable) [[unlikely]] {
      Result<PhysAddr> resolved = resolve(at.page(), AccessKind::kRead);
      if (!resolved) return resolved.status() == Status::kParked ? Status::kParked : Status::kInvalidArgs;
      frame = *resolved;
    }
    size_t piece = std::min<size_t>(to.size() - done, kPageSize - at.page_offset());
    std::memmove(to.data() + done, vm_.platform().data(frame + at.page_offset()), piece);
    done += piece;
  }
  if (CopyWatcher* watcher = vm_.copy_in_watcher(); watcher != nullptr) [[unlikely]]
    watcher->copied_in(from, to);
  return Status::kOk;
}

Status AddressSpace::write(GuestAddr to, std::span<const std::byte> from) {
  for (size_t done = 0; done < from.size();) {
    GuestAddr at = to + done;
    const Remembered& known = slot_of(at.page_number());
    PhysAddr frame = known.frame;
    if (known.page != at.page_number() || !known.writable) [[unlikely]] {
      Result<PhysAddr> resolved = resolve(at.page(), AccessKind::kWrite);
      if (!resolved) return resolved.status() == Status::kParked ? Status::kParked : Status::kInvalidArgs;
      frame = *resolved;
    }
    size_t piece = std::min<size_t>(from.size() - done, kPageSize - at.page_offset());
    // The source may be this very frame: a VMO read into a mapping of itself.
    std::memmove(vm_.platform().writable(frame + at.page_offset()), from.data() + done, piece);
    done += piece;
  }
  if (CopyWatcher* watcher = vm_.copy_out_watcher(); watcher != nullptr) [[unlikely]]
    watcher->copied_out(to, from);
  return Status::kOk;
}

Status AddressSpace::prepare(GuestAddr at, uint64_t size, AccessKind access) {
  if (size > ~at.value) return Status::kInvalidArgs;
  for (GuestAddr page = at.page(); page < at + size; page += kPageSize) {
    Result<PhysAddr> resolved = resolve(page, access);
    if (!resolved) return resolved.status() == Status::kParked ? Status::kParked : Status::kInvalidArgs;
  }
  return Status::kOk;
}

Status AddressSpace::explain(GuestAddr at, uint64_t size, AccessKind access) {
  if (at + size < at) return Status::kNotFound;
  for (GuestAddr page = at.page(); page < at + size; page += kPageSize) {
    Status status = fault(page, access);
    if (status != Status::kOk) return status;
  }
  return Status::kNotFound;
}

void AddressSpace::forget(GuestAddr page, uint64_t count) {
  if (count >= remembered_.size()) {
    for (Remembered& entry : remembered_) entry.page = Remembered::kNothing;
    return;
  }
  for (uint64_t number = page.page_number(); number < page.page_number() + count; ++number) {
    Remembered& entry = slot_of(number);
    if (entry.page == number) entry.page = Remembered::kNothing;
  }
}

bool AddressSpace::map_page(GuestAddr page, PhysAddr frame, PagePermissions permissions, MemoryType type) {
  forget(page, 1);
  return tables_->map(page, frame, permissions, type);
}

void AddressSpace::unmap_pages(GuestAddr page, uint64_t count) {
  // A damaged snapshot had none, or others than these regions: what was loaded beside them goes again.
  if (!tables_ || vm_.pmm().abandoned()) return;
  forget(page, count);
  tables_->unmap(page, count);
}

void AddressSpace::protect_pages(GuestAddr page, uint64_t count, PagePermissions permissions) {
  forget(page, count);
  tables_->protect(page, count, permissions);
}

bool AddressSpace::take_accessed(GuestAddr page) {
  forget(page, 1);
  return tables_->test_and_clear_accessed(page);
}

GuestAddr AddressSpace::vdso_base() const {
  return vdso_code_size_ != 0 ? vdso_code_ - vm_.vdso().code_offset : GuestAddr();
}

bool AddressSpace::touches_vdso_code(GuestAddr base, uint64_t size) const {
  return vdso_code_size_ != 0 && base < vdso_code_ + vdso_code_size_ && vdso_code_ < base + size;
}

std::vector<abi::InfoMaps> AddressSpace::maps() const {
  std::vector<abi::InfoMaps> list;
  if (!root_) return list;
  auto add = [&list](std::string_view name, GuestAddr base, uint64_t size, uint64_t depth, abi::InfoMapsType type) {
    abi::InfoMaps& entry = list.emplace_back();
    std::ranges::copy(name, entry.name.begin());
    entry.base = base.value;
    entry.size = size;
    entry.depth = depth;
    entry.type = type;
    return &entry;
  };
  add(name_.text(), root_->base(), root_->size(), 0, abi::InfoMapsType::kAspace);
  root_->for_each([&](unsigned depth, const AddressRegion* region, const Mapping* mapping) {
    if (region != nullptr) {
      std::string_view name = region == root_.get() ? "root" : "useralloc";
      add(name, region->base(), region->size(), depth + 1, abi::InfoMapsType::kVmar);
      return;
    }
    abi::InfoMaps* entry =
        add(mapping->vmo().name(), mapping->base(), mapping->size(), depth + 1, abi::InfoMapsType::kMapping);
    entry->mapping.mmu_flags = mapping->permissions();
    entry->mapping.vmo_koid = mapping->vmo().koid();
    entry->mapping.vmo_offset = mapping->offset();
    entry->mapping.committed_pages = mapping->attributed_pages();
  });
  return list;
}

abi::InfoTaskStats AddressSpace::task_stats() const {
  abi::InfoTaskStats stats;
  for_each_mapping([&](const Mapping& mapping) {
    stats.mem_mapped_bytes += mapping.size();
    uint64_t bytes = mapping.attributed_pages() * kPageSize;
    uint64_t sharers = mapping.vmo().share_count();
    (sharers == 1 ? stats.mem_private_bytes : stats.mem_shared_bytes) += bytes;
    if (sharers > 1) stats.mem_scaled_shared_bytes += bytes / sharers;
  });
  return stats;
}

void AddressSpace::state(Archive& ar) {
  PhysAddr root = ar.loading() ? PhysAddr() : tables_->root();
  uint64_t pages = ar.loading() ? 0 : tables_->table_pages();
  ar(name_, root, pages, processes_, vdso_code_, vdso_code_size_);
  if (!ar.loading() || !ar.ok()) return;
  tables_ = vm_.platform().adopt_page_tables(vm_.pmm(), root, pages);
  if (!tables_) ar.fail("page tables that are not there");
}

}  // namespace jacinth::kernel
