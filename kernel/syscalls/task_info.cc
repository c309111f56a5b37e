// What zx_object_get_info and the property calls tell of jobs, processes, threads and their address regions.
// zircon/kernel/lib/syscalls/object.cc.
// What tasks use of memory and time is in memory_info.cc.
#include <array>
#include <vector>

#include "kernel/abi/info_memory.h"
#include "kernel/abi/info_task.h"
#include "kernel/object/core.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/syscalls/revision.h"
#include "kernel/syscalls/vmo_transfer.h"
#include "kernel/task/job.h"
#include "kernel/task/process.h"
#include "kernel/task/scheduler.h"
#include "kernel/task/thread.h"
#include "kernel/vm/address_region.h"

namespace jacinth::kernel {
namespace {

/// Koids in order.
template <class Children>
Status koids_of(InfoRequest& request, const Children& children) {
  std::vector<uint64_t> koids;
  koids.reserve(children.size());
  for (const auto& [koid, child] : children) koids.push_back(koid);
  return request.many(std::span<const uint64_t>(koids));
}

Status process_info(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kInspect));
  abi::InfoProcess info{.start_time = process->start_time()};
  if (process->process_state() != Process::State::kInitial) info.flags |= abi::InfoProcessFlags::kStarted;
  if (process->process_state() >= Process::State::kDying) {
    info.flags |= abi::InfoProcessFlags::kExited;
    info.return_code = process->return_code();
  }
  if (process->debug_exceptionate().attached()) info.flags |= abi::InfoProcessFlags::kDebuggerAttached;
  return request.one(info);
}

Status process_info_v1(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kInspect));
  bool exited = process->process_state() >= Process::State::kDying;
  return request.one(abi::InfoProcessV1{.return_code = exited ? process->return_code() : 0,
                                        .started = process->process_state() != Process::State::kInitial,
                                        .exited = exited,
                                        .debugger_attached = process->debug_exceptionate().attached()});
}

Status process_threads(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kEnumerate));
  std::vector<uint64_t> koids;  // In the order in which they were started.
  for (const auto& [order, thread] : process->threads()) koids.push_back(abi::raw(thread->koid()));
  return request.many(std::span<const uint64_t>(koids));
}

Status thread_info(InfoRequest& request) {
  Ref<Thread> thread = TRY(request.get<Thread>(Rights::kInspect));
  abi::InfoThread info{.state = thread->info_state(), .wait_exception_channel_type = thread->exceptions().handler()};
  info.cpu_affinity_mask.mask[0] = thread->turn().affinity;
  return request.one(info);
}

Status thread_stats(InfoRequest& request) {
  Ref<Thread> thread = TRY(request.get<Thread>(Rights::kInspect));
  // A dead thread has none left to tell, but in July 2020 it had.
  if (thread->dying_or_dead() && !of_july_2020(request.call())) return Status::kBadState;
  Duration runtime = Scheduler::runtime(*thread, thread->core().now());
  bool ran = runtime.ns > 0 || thread->turn().place == Turn::Place::kRunning;
  return request.one(abi::InfoThreadStats{.total_runtime = runtime,
                                          .last_scheduled_cpu = ran ? thread->turn().cpu : abi::kInfoInvalidCpu});
}

Status job_info(InfoRequest& request) {
  Ref<Job> job = TRY(request.get<Job>(Rights::kInspect));
  bool dead = job->job_state() == Job::State::kDead;
  return request.one(abi::InfoJob{.return_code = job->return_code(),
                                  .exited = dead,
                                  .kill_on_oom = job->kill_on_oom(),
                                  .debugger_attached = job->debug_exceptionate().attached()});
}

Status job_children(InfoRequest& request) {
  Ref<Job> job = TRY(request.get<Job>(Rights::kEnumerate));
  return koids_of(request, job->jobs());
}

Status job_processes(InfoRequest& request) {
  Ref<Job> job = TRY(request.get<Job>(Rights::kEnumerate));
  return koids_of(request, job->processes());
}

Status vmar_info(InfoRequest& request) {
  Ref<AddressRegion> region = TRY(request.get<AddressRegion>(Rights::kInspect));
  return request.one(abi::InfoVmar{.base = region->base().value, .len = region->size()});
}

constexpr auto kInfos = std::to_array<InfoRow>({
    {abi::InfoTopic::kProcess, process_info},
    {abi::InfoTopic::kProcessV1, process_info_v1},
    {abi::InfoTopic::kProcessThreads, process_threads},
    {abi::InfoTopic::kThread, thread_info},
    {abi::InfoTopic::kThreadStats, thread_stats},
    {abi::InfoTopic::kJob, job_info},
    {abi::InfoTopic::kJobChildren, job_children},
    {abi::InfoTopic::kJobProcesses, job_processes},
    {abi::InfoTopic::kVmar, vmar_info},
});

/// FS.base and GS.base: x86-64 has them, and only a thread itself may set its own.
template <uint64_t Registers::*Base>
Status set_segment_base(Call& call, Object& object, UserBytesIn value, uint64_t size) {
  if (object.core().platform().arch() != Arch::kX86_64) return Status::kInvalidArgs;
  auto* thread = object_cast<Thread>(&object);
  if (thread == nullptr) return Status::kWrongType;
  auto base = TRY(take_property<uint64_t>(value, size));
  if (thread != &call.thread()) return Status::kAccessDenied;
  // Canonical: bits 63 to 47 are alike.
  auto upper = static_cast<int64_t>(base) >> 47;
  if (upper != 0 && upper != -1) return Status::kInvalidArgs;
  thread->registers().*Base = base;
  return Status::kOk;
}

template <auto Read>
Status get_of_process(Call&, Object& object, UserBytesOut value, uint64_t size) {
  auto* process = object_cast<Process>(&object);
  if (process == nullptr) return Status::kWrongType;
  return give_property(value, size, Read(*process));
}

uint64_t debug_address(const Process& process) { return process.debug_address(); }
uint64_t break_on_load(const Process& process) { return process.break_on_load(); }
uint64_t vdso_base(const Process& process) { return process.vdso_base().value; }

Status set_debug_address(Call&, Object& object, UserBytesIn value, uint64_t size) {
  auto* process = object_cast<Process>(&object);
  if (process == nullptr) return Status::kWrongType;
  return process->set_debug_address(TRY(take_property<uint64_t>(value, size)));
}

Status set_break_on_load(Call&, Object& object, UserBytesIn value, uint64_t size) {
  auto* process = object_cast<Process>(&object);
  if (process == nullptr) return Status::kWrongType;
  process->set_break_on_load(TRY(take_property<uint64_t>(value, size)));
  return Status::kOk;
}

/// What the hardware's tracing calls an address space: on x86-64 the root of its page tables. For debuggers alone.
Status get_trace_context(Call& call, Object& object, UserBytesOut value, uint64_t size) {
  if (!debugging_syscalls(call) || object.core().platform().arch() != Arch::kX86_64) return Status::kNotSupported;
  if (size < sizeof(uint64_t)) return Status::kBufferTooSmall;
  auto* process = object_cast<Process>(&object);
  if (process == nullptr) return Status::kWrongType;
  return give_property(value, size, process->dead() ? uint64_t{0} : process->memory().page_table().value);
}

/// All eight bytes are read, whatever the size says, as in the real kernel.
Status set_kill_on_oom(Call&, Object& object, UserBytesIn value, uint64_t) {
  auto* job = object_cast<Job>(&object);
  if (job == nullptr) return Status::kWrongType;
  uint64_t kill = 0;
  TRY_STATUS(value.read(std::as_writable_bytes(std::span(&kill, 1))));
  if (kill > 1) return Status::kInvalidArgs;
  job->set_kill_on_oom(kill == 1);
  return Status::kOk;
}

constexpr auto kProperties = std::to_array<PropertyRow>({
    {abi::Property::kChannelTxMsgMax, nullptr, nullptr},  // Nothing has it any more.
    {abi::Property::kJobKillOnOom, nullptr, set_kill_on_oom},
    {abi::Property::kProcessHwTraceContextId, get_trace_context, nullptr},
    {abi::Property::kRegisterFs, nullptr, set_segment_base<&Registers::tls>},
    {abi::Property::kRegisterGs, nullptr, set_segment_base<&Registers::tls_second>},
    {abi::Property::kProcessDebugAddr, get_of_process<debug_address>, set_debug_address},
    {abi::Property::kProcessBreakOnLoad, get_of_process<break_on_load>, set_break_on_load},
    {abi::Property::kProcessVdsoBaseAddress, get_of_process<vdso_base>, nullptr},
});

}  // namespace

std::span<const InfoRow> task_infos() { return kInfos; }

std::span<const PropertyRow> task_properties() { return kProperties; }

}  // namespace jacinth::kernel
