// Calls that take any task: a job, a process or a thread. zircon/kernel/lib/syscalls/task.cc.
#include "kernel/abi/task.h"

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/revision.h"
#include "kernel/task/suspend_token.h"

namespace jacinth::kernel {
namespace {

/// Kills a process or everything below a job; programs of July 2020 may also kill a thread that runs. One that was
/// never started stays as it is.
Status task_kill(Call& call, Handle handle) {
  Ref<Object> task = TRY(call.get<Object>(handle, Rights::kDestroy));
  constexpr auto kRetcode = static_cast<int64_t>(abi::TaskRetcode::kSyscallKill);
  if (auto process = ref_cast<Process>(task)) {
    process->kill(kRetcode);
  } else if (auto job = ref_cast<Job>(task)) {
    job->kill(kRetcode);
  } else if (auto thread = ref_cast<Thread>(task); thread && of_july_2020(call)) {
    if (!thread->dying_or_dead()) thread->kill();
  } else {
    return Status::kWrongType;
  }
  return Status::kOk;
}

/// Suspends a thread or all threads of a process until the token's last handle is closed.
Status task_suspend(Call& call, Handle handle, UserOut<Handle> out) {
  Ref<Object> task = TRY(call.get<Object>(handle, Rights::kWrite));
  Ref<SuspendToken> token;
  if (auto thread = ref_cast<Thread>(task)) {
    if (thread == &call.thread()) return Status::kNotSupported;
    token = TRY(SuspendToken::create(thread));
  } else if (auto process = ref_cast<Process>(task)) {
    if (process == &call.process()) return Status::kNotSupported;
    token = TRY(SuspendToken::create(process));
  } else {
    return Status::kWrongType;
  }
  return call.give(out, token, abi::default_rights(ObjectType::kSuspendToken));
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_task_kill", bind<task_kill>, Support::kFull,
     "Processes and jobs; a thread is ZX_ERR_WRONG_TYPE, but programs with a dynamic linker may kill one, as in July "
     "2020."},
    {"zx_task_suspend", bind<task_suspend>, Support::kFull, "The older name of zx_task_suspend_token."},
    {"zx_task_suspend_token", bind<task_suspend>, Support::kFull,
     "Suspends threads and processes, counted by tokens; blocking calls are made again afterwards."},
});

}  // namespace

std::span<const Row> task_rows() { return kRows; }

}  // namespace jacinth::kernel
