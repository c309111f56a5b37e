// What zx_object_get_info tells of VMOs, of what a process has mapped, and of the memory and time that tasks use.
// zircon/kernel/lib/syscalls/object.cc and kernel/object/diagnostics.cc.
#include <algorithm>
#include <array>
#include <vector>

#include "kernel/abi/info_memory.h"
#include "kernel/abi/info_task.h"
#include "kernel/syscalls/info.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/scheduler.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {
namespace {

// --- VMOs ---

/// The record of 2020 is the beginning of today's.
template <class Record>
Record version(const abi::InfoVmo& info);
template <>
abi::InfoVmo version(const abi::InfoVmo& info) {
  return info;
}
template <>
abi::InfoVmoV1 version(const abi::InfoVmo& info) {
  return {.koid = info.koid,
          .name = info.name,
          .size_bytes = info.size_bytes,
          .parent_koid = info.parent_koid,
          .num_children = info.num_children,
          .num_mappings = info.num_mappings,
          .share_count = info.share_count,
          .flags = info.flags,
          .committed_bytes = info.committed_bytes,
          .handle_rights = info.handle_rights,
          .cache_policy = info.cache_policy};
}

abi::InfoVmo through_handle(const Vmo& vmo, Rights rights) {
  abi::InfoVmo info = vmo.info();
  info.flags |= abi::InfoVmoFlags::kViaHandle;
  info.handle_rights = rights;
  return info;
}

/// Of a living process, in the order of their addresses.
std::vector<const AddressSpace*> spaces_of(const Process& process) {
  if (process.restricted_space() == nullptr) return {&process.memory()};
  return {process.restricted_space(), &process.memory()};
}

/// Of any handle.
template <class Record>
Status vmo_info(InfoRequest& request) {
  Ref<Vmo> vmo = TRY(request.get<Vmo>(Rights::kNone));
  const HandleEntry* entry = request.call().handles().find(request.handle());
  return request.one(version<Record>(through_handle(*vmo, entry != nullptr ? entry->rights : Rights::kNone)));
}

/// Handles first, then mappings, each VMO as often as it is named or mapped.
template <class Record>
Status process_vmos(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kInspect));
  if (process->process_state() != Process::State::kRunning) {
    // As the real kernel does: it has not come to counting what fits.
    TRY_STATUS(request.counts(request.room<Record>(), 0));
    return Status::kBadState;
  }
  std::vector<Record> records;
  process->handles().for_each([&](Handle, const HandleEntry& entry) {
    if (auto* vmo = object_cast<Vmo>(entry.object.get())) {
      records.push_back(version<Record>(through_handle(*vmo, entry.rights)));
    }
  });
  for (const AddressSpace* space : spaces_of(*process)) {
    space->for_each_mapping([&](const Mapping& mapping) {
      abi::InfoVmo info = mapping.vmo().info();
      info.flags |= abi::InfoVmoFlags::kViaMapping;
      records.push_back(version<Record>(info));
    });
  }
  return request.many_or_none(std::span<const Record>(records));
}

// --- what is mapped ---

Status process_maps(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kInspect));
  if (process->dead()) {
    TRY_STATUS(request.counts(request.room<abi::InfoMaps>(), 0));
    return Status::kBadState;
  }
  std::vector<abi::InfoMaps> maps;
  for (const AddressSpace* space : spaces_of(*process)) {
    std::vector<abi::InfoMaps> more = space->maps();
    maps.insert(maps.end(), more.begin(), more.end());
  }
  return request.many_or_none(std::span<const abi::InfoMaps>(maps));
}

Status task_stats(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kInspect));
  if (process->dead()) return Status::kBadState;
  abi::InfoTaskStats sum;
  for (const AddressSpace* space : spaces_of(*process)) {
    abi::InfoTaskStats stats = space->task_stats();
    sum.mem_mapped_bytes += stats.mem_mapped_bytes;
    sum.mem_private_bytes += stats.mem_private_bytes;
    sum.mem_shared_bytes += stats.mem_shared_bytes;
    sum.mem_scaled_shared_bytes += stats.mem_scaled_shared_bytes;
  }
  return request.one(sum);
}

/// A kernel counts this only when it was built for it, and the usual one is not.
Status memory_attribution(InfoRequest&) { return Status::kNotSupported; }

// --- time ---

void add(abi::InfoTaskRuntime& sum, Duration cpu, Duration queue) {
  sum.cpu_time.ns += cpu.ns;
  sum.queue_time.ns += queue.ns;
}

abi::InfoTaskRuntime runtime_of(const Thread& thread, Time now) {
  return {.cpu_time = Scheduler::runtime(thread, now), .queue_time = Scheduler::queue_time(thread, now)};
}

/// Threads that are gone count, too.
abi::InfoTaskRuntime runtime_of(const Process& process, Time now) {
  abi::InfoTaskRuntime sum;
  add(sum, process.runtime_of_the_dead(), process.queue_time_of_the_dead());
  for (const auto& [order, thread] : process.threads()) {
    abi::InfoTaskRuntime one = runtime_of(*thread, now);
    add(sum, one.cpu_time, one.queue_time);
  }
  return sum;
}

/// Its own processes, those that are gone included.
abi::InfoTaskRuntime runtime_of(const Job& job, Time now) {
  abi::InfoTaskRuntime sum;
  add(sum, job.runtime_of_the_dead(), job.queue_time_of_the_dead());
  for (const auto& [koid, process] : job.processes()) {
    abi::InfoTaskRuntime one = runtime_of(*process, now);
    add(sum, one.cpu_time, one.queue_time);
  }
  return sum;
}

/// Page faults and the kernel's locks take no virtual time.
Result<abi::InfoTaskRuntime> task_runtime(InfoRequest& request) {
  Ref<Object> object = TRY(request.get<Object>(Rights::kInspect));
  Time now = request.call().now();
  if (auto* thread = object_cast<Thread>(object.get())) return runtime_of(*thread, now);
  if (auto* process = object_cast<Process>(object.get())) return runtime_of(*process, now);
  if (auto* job = object_cast<Job>(object.get())) return runtime_of(*job, now);
  return Status::kWrongType;
}

Status task_runtime_info(InfoRequest& request) { return request.one(TRY(task_runtime(request))); }

Status task_runtime_info_v1(InfoRequest& request) {
  abi::InfoTaskRuntime runtime = TRY(task_runtime(request));
  return request.one(abi::InfoTaskRuntimeV1{.cpu_time = runtime.cpu_time, .queue_time = runtime.queue_time});
}

constexpr auto kInfos = std::to_array<InfoRow>({
    {abi::InfoTopic::kVmo, vmo_info<abi::InfoVmo>},
    {abi::InfoTopic::kVmoV1, vmo_info<abi::InfoVmoV1>},
    {abi::InfoTopic::kProcessVmos, process_vmos<abi::InfoVmo>},
    {abi::InfoTopic::kProcessVmosV1, process_vmos<abi::InfoVmoV1>},
    {abi::InfoTopic::kProcessMaps, process_maps},
    {abi::InfoTopic::kTaskStats, task_stats},
    {abi::InfoTopic::kTaskRuntime, task_runtime_info},
    {abi::InfoTopic::kTaskRuntimeV1, task_runtime_info_v1},
    {abi::InfoTopic::kMemoryAttribution, memory_attribution},
});

}  // namespace

std::span<const InfoRow> memory_infos() { return kInfos; }

}  // namespace jacinth::kernel
