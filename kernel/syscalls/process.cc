// Calls on processes. zircon/kernel/lib/syscalls/task.cc.
#include "kernel/abi/policy.h"
#include "kernel/abi/task.h"
#include "kernel/syscalls/entry_point.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/names.h"

namespace jacinth::kernel {
namespace {

/// Handles to a new process and to the root of its memory.
Status give_process(Call& call, const Ref<Process>& process, const AddressSpace& space, UserOut<Handle> process_out,
                    UserOut<Handle> vmar_out) {
  call.core().trace(abi::KtraceEvent::kProcCreate, abi::raw(process->koid()));
  const Ref<AddressRegion>& root = space.root();
  HandleOwner process_handle = TRY(call.core().handles().make(process, abi::default_rights(ObjectType::kProcess)));
  HandleOwner vmar_handle = TRY(call.core().handles().make(root, root->handle_rights()));
  return call.give(process_out, std::move(process_handle), vmar_out, std::move(vmar_handle));
}

/// Makes a process with an empty address space. WRITE on the job stands in for MANAGE_PROCESS, as it did before that
/// right existed.
Status process_create(Call& call, Handle job_handle, UserBytesIn user_name, size_t name_size,
                      abi::ProcessOptions options, UserOut<Handle> process_out, UserOut<Handle> vmar_out) {
  if (!within(options, abi::ProcessOptions::kShared)) return Status::kInvalidArgs;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewProcess));
  std::string name = TRY(read_name(user_name, name_size));
  Result<Ref<Job>> job = call.get<Job>(job_handle, Rights::kManageProcess);
  if (job.status() == Status::kAccessDenied) job = call.get<Job>(job_handle, Rights::kWrite);
  if (!job) return job.status();

  bool shareable = contains(options, abi::ProcessOptions::kShared);
  Ref<Process> process = TRY(shareable ? Process::create_shareable(*job, name) : Process::create(*job, name));
  return give_process(call, process, process->memory(), process_out, vmar_out);
}

/// Makes a process that shares the upper half of its memory, its handles and its futexes with another.
Status process_create_shared(Call& call, Handle other_handle, uint32_t options, UserBytesIn user_name, size_t name_size,
                             UserOut<Handle> process_out, UserOut<Handle> restricted_vmar_out) {
  if (options != 0) return Status::kInvalidArgs;
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewProcess));
  std::string name = TRY(read_name(user_name, name_size));
  Ref<Process> other = TRY(call.get<Process>(other_handle, Rights::kManageProcess));
  Ref<Process> process = TRY(Process::create_shared(*other, name));
  return give_process(call, process, *process->restricted_space(), process_out, restricted_vmar_out);
}

/// Starts a process with its first thread, which finds `argument` moved into the process as a handle.
Status process_start(Call& call, Handle process_handle, Handle thread_handle, GuestAddr entry, GuestAddr stack,
                     Handle argument, uint64_t argument2) {
  Result<Ref<Process>> found_process = call.get<Process>(process_handle, Rights::kWrite);
  Result<Ref<Thread>> found_thread =
      found_process ? call.get<Thread>(thread_handle, Rights::kWrite) : Result<Ref<Thread>>(found_process.status());
  // The caller loses the handle whatever comes of it; it may be one of the two that were looked up. One that is none
  // is an offence against the policy, and the process starts without.
  HandleOwner moved;
  if (argument != Handle::kInvalid) {
    Result<HandleOwner> removed = call.handles().remove(argument);
    if (removed) {
      moved = std::move(*removed);
    } else {
      static_cast<void>(call.policy(abi::PolicyCondition::kBadHandle));
    }
  }

  Ref<Process> process = TRY(std::move(found_process));
  Ref<Thread> thread = TRY(std::move(found_thread));
  if (&thread->process() != process.get()) return Status::kAccessDenied;
  if (moved && !contains(moved.rights(), Rights::kTransfer)) return Status::kAccessDenied;
  if (!valid_entry_point(call.core().platform().arch(), entry)) return Status::kInvalidArgs;

  Handle value = moved ? process->handles().add(std::move(moved)) : Handle::kInvalid;
  Status status = thread->start({.pc = entry, .sp = stack, .argument1 = abi::raw(value), .argument2 = argument2}, true);
  if (status != Status::kOk && value != Handle::kInvalid) static_cast<void>(process->handles().remove(value));
  if (status == Status::kOk) {
    call.core().trace(abi::KtraceEvent::kProcStart, abi::raw(thread->koid()), abi::raw(process->koid()));
  }
  return status;
}

void process_exit(Call& call, int64_t return_code) { call.process().exit(return_code); }

constexpr auto kRows = std::to_array<Row>({
    {"zx_process_create", bind<process_create>, Support::kFull,
     "With ZX_PROCESS_SHARED a prototype that has the upper half of the addresses and no half of its own."},
    {"zx_process_create_shared", bind<process_create_shared>, Support::kFull,
     "As at the end of 2022: normal mode sees the shared half alone, restricted mode the other alone."},
    {"zx_process_exit", bind<process_exit>, Support::kFull, "Ends all threads; the first return code wins."},
    {"zx_process_start", bind<process_start>, Support::kFull,
     "The entry point must be an address of the guest's half, as since 2021."},
});

}  // namespace

std::span<const Row> process_rows() { return kRows; }

}  // namespace jacinth::kernel
