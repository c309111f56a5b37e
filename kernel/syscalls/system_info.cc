// What zx_object_get_info tells of the machine as a whole, to who holds a resource for it; and of kinds of objects that
// no board has. zircon/kernel/lib/syscalls/object.cc.
//
// Everything is of the model: its CPUs in virtual time, its RAM.
#include <array>
#include <vector>

#include "kernel/abi/info_system.h"
#include "kernel/abi/resource.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/syscalls/resources.h"
#include "kernel/vm/vm.h"

namespace jacinth::kernel {
namespace {

Status may_ask(InfoRequest& request) {
  return validate_resource(request.call(), request.handle(), abi::ResourceSystemBase::kInfo);
}

Status cpu_stats(InfoRequest& request) {
  TRY_STATUS(may_ask(request));
  Kernel& kernel = request.call().kernel();
  std::vector<abi::InfoCpuStats> records;
  for (unsigned cpu = 0; cpu < kernel.core().platform().cpu_count(); ++cpu) {
    records.push_back(kernel.cpu_stats(cpu));
  }
  return request.many(std::span<const abi::InfoCpuStats>(records));
}

/// No board has a hypervisor, so every CPU has seen nothing of guests.
template <class Record>
Status guest_stats_of(InfoRequest& request) {
  std::vector<Record> records(request.call().core().platform().cpu_count());
  for (uint32_t cpu = 0; cpu < records.size(); ++cpu) {
    records[cpu].cpu_number = cpu;
    records[cpu].flags = abi::raw(abi::InfoCpuFlags::kOnline);
  }
  return request.many(std::span<const Record>(records));
}

Status guest_stats(InfoRequest& request) {
  TRY_STATUS(may_ask(request));
  bool arm64 = request.call().core().platform().arch() == Arch::kArm64;
  return arm64 ? guest_stats_of<abi::InfoGuestStatsArm64>(request) : guest_stats_of<abi::InfoGuestStatsX86>(request);
}

/// The kernel's heap is the host's and takes none of the machine's memory.
abi::InfoKmemStats kmem_stats_of(Vm& vm) {
  Pmm& pmm = vm.pmm();
  auto bytes = [&pmm](FrameState state) { return pmm.count(state) * kPageSize; };
  abi::InfoKmemStats stats{.total_bytes = pmm.total() * kPageSize,
                           // What is lent and nobody borrows is as free as the rest.
                           .free_bytes = bytes(FrameState::kFree) + bytes(FrameState::kLoaned),
                           .wired_bytes = bytes(FrameState::kWired),
                           .vmo_bytes = bytes(FrameState::kObject),
                           .mmu_overhead_bytes = bytes(FrameState::kMmu),
                           .ipc_bytes = bytes(FrameState::kIpc)};
  stats.other_bytes = stats.total_bytes - stats.free_bytes - stats.wired_bytes - stats.vmo_bytes -
                      stats.mmu_overhead_bytes - stats.ipc_bytes;
  return stats;
}

Status kmem_stats(InfoRequest& request) {
  TRY_STATUS(may_ask(request));
  return request.one(kmem_stats_of(request.call().core().vm()));
}

struct VmoBytes {
  uint64_t discardable_locked = 0;
  uint64_t discardable_unlocked = 0;
};

/// What is discardable and was never locked counts as neither.
VmoBytes bytes_of_vmos(Core& core) {
  VmoBytes bytes;
  core.objects().for_each([&](Object& object) {
    const auto* vmo = object_cast<Vmo>(&object);
    if (vmo == nullptr || !vmo->discardable()) return;
    if (vmo->locked()) bytes.discardable_locked += vmo->attributed_bytes();
    if (vmo->pages()->discardable_since() != 0) bytes.discardable_unlocked += vmo->attributed_bytes();
  });
  return bytes;
}

Status kmem_stats_extended(InfoRequest& request) {
  TRY_STATUS(may_ask(request));
  abi::InfoKmemStats stats = kmem_stats_of(request.call().core().vm());
  VmoBytes vmos = bytes_of_vmos(request.call().core());
  // Of pagers: what has an age, which is clean and not pinned (PageQueues::GetReclaimQueueCounts() in page_queues.cc).
  const PageQueues& ages = request.call().core().vm().pmm().queues();
  return request.one(
      abi::InfoKmemStatsExtended{.total_bytes = stats.total_bytes,
                                 .free_bytes = stats.free_bytes,
                                 .wired_bytes = stats.wired_bytes,
                                 .total_heap_bytes = stats.total_heap_bytes,
                                 .free_heap_bytes = stats.free_heap_bytes,
                                 .vmo_bytes = stats.vmo_bytes,
                                 .vmo_pager_total_bytes = (ages.active_count() + ages.inactive_count()) * kPageSize,
                                 .vmo_pager_newest_bytes = ages.active_count() * kPageSize,
                                 .vmo_pager_oldest_bytes = ages.oldest_count() * kPageSize,
                                 .vmo_discardable_locked_bytes = vmos.discardable_locked,
                                 .vmo_discardable_unlocked_bytes = vmos.discardable_unlocked,
                                 .mmu_overhead_bytes = stats.mmu_overhead_bytes,
                                 .ipc_bytes = stats.ipc_bytes,
                                 .other_bytes = stats.other_bytes});
}

/// Of message signalled interrupts and virtual processors: no handle can name one.
Status of_nothing_here(InfoRequest& request) {
  TRY(request.get<Object>(Rights::kNone));
  return Status::kWrongType;
}

constexpr auto kInfos = std::to_array<InfoRow>({
    {abi::InfoTopic::kCpuStats, cpu_stats},
    {abi::InfoTopic::kGuestStats, guest_stats},
    {abi::InfoTopic::kKmemStats, kmem_stats},
    {abi::InfoTopic::kKmemStatsExtended, kmem_stats_extended},
    {abi::InfoTopic::kMsi, of_nothing_here},
    {abi::InfoTopic::kVcpu, of_nothing_here},
});

}  // namespace

std::span<const InfoRow> system_infos() { return kInfos; }

}  // namespace jacinth::kernel
