// Calls on processes. zircon/kernel/lib/syscalls/task.cc.
#include "kernel/abi/policy.h"
#include "kernel/abi/task.h"
#include "kernel/syscalls/entry_point.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/names.h"

namespace jacinth::kernel {
namespace {

/// Starts a process with its first thread, which finds `argument` moved into the process as a handle.
Status process_start(Call& call, Handle process_handle, Handle thread_handle, GuestAddr entry, GuestAddr stack,
                     Handle argument, uint64_t argument2) {
  // The caller loses the handle whatever comes of it.
  Result<HandleOwner> moved = HandleOwner();
  if (argument != Handle::kInvalid) moved = call.handles().remove(argument);

  Ref<Process> process = TRY(call.get<Process>(process_handle, Rights::kWrite));
  Ref<Thread> thread = TRY(call.get<Thread>(thread_handle, Rights::kWrite));
  if (&thread->process() != process.get()) return Status::kAccessDenied;
  if (!moved) {
    static_cast<void>(call.policy(abi::PolicyCondition::kBadHandle));
    return moved.status();
  }
  if (argument != Handle::kInvalid && !contains(moved->rights(), Rights::kTransfer)) return Status::kAccessDenied;
  if (!valid_entry_point(call.core().platform().arch(), entry)) return Status::kInvalidArgs;

  Handle value = argument != Handle::kInvalid ? process->handles().add(std::move(*moved)) : Handle::kInvalid;
  Status status = thread->start({.pc = entry, .sp = stack, .argument1 = abi::raw(value), .argument2 = argument2}, true);
  if (status != Status::kOk && value != Handle::kInvalid) static_cast<void>(process->handles().remove(value));
  return status;
}

void process_exit(Call& call, int64_t return_code) { call.process().exit(return_code); }

constexpr auto kRows = std::to_array<Row>({
    {"zx_process_exit", bind<process_exit>, Support::kFull, "Ends all threads; the first return code wins."},
    {"zx_process_start", bind<process_start>, Support::kFull,
     "The entry point must be an address of the guest's half, as since 2021."},
});

}  // namespace

std::span<const Row> process_rows() { return kRows; }

}  // namespace jacinth::kernel
