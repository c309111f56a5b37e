// Calls on threads. zircon/kernel/lib/syscalls/task.cc.
#include "kernel/syscalls/entry_point.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/names.h"
#include "kernel/syscalls/vmo_transfer.h"
#include "kernel/task/thread_state.h"

namespace jacinth::kernel {
namespace {

/// Makes a thread of a process; it runs when it is started.
Status thread_create(Call& call, Handle process_handle, UserBytesIn user_name, size_t name_size, uint32_t options,
                     UserOut<Handle> out) {
  if (options != 0) return Status::kInvalidArgs;
  std::string name = TRY(read_name(user_name, name_size));
  Ref<Process> process = TRY(call.get<Process>(process_handle, Rights::kManageThread));
  if (process->process_state() >= Process::State::kDying) return Status::kBadState;
  auto thread = make_object<Thread>(process, name);
  call.core().trace(abi::KtraceEvent::kThreadCreate, abi::raw(thread->koid()), abi::raw(process->koid()));
  return call.give(out, thread, abi::default_rights(ObjectType::kThread));
}

/// Starts a thread of a process that runs already.
Status thread_start(Call& call, Handle handle, GuestAddr entry, GuestAddr stack, uint64_t argument1,
                    uint64_t argument2) {
  Ref<Thread> thread = TRY(call.get<Thread>(handle, Rights::kManageThread));
  if (!valid_entry_point(call.core().platform().arch(), entry)) return Status::kInvalidArgs;
  TRY_STATUS(thread->start({.pc = entry, .sp = stack, .argument1 = argument1, .argument2 = argument2}, false));
  call.core().trace(abi::KtraceEvent::kThreadStart, abi::raw(thread->koid()));
  return Status::kOk;
}

void thread_exit(Call& call) { call.thread().exit(); }

/// Lets other threads of the same priority go first.
Status thread_legacy_yield(Call& call, uint32_t options) {
  if (options != 0) return Status::kInvalidArgs;
  call.core().tasks().scheduler().yield(call.thread().turn().cpu, call.now());
  return Status::kOk;
}

/// Registers of a thread that is suspended or in an exception.
Status thread_read_state(Call& call, Handle handle, abi::ThreadStateKind kind, UserBytesOut buffer, uint64_t size) {
  Ref<Thread> thread = TRY(call.get<Thread>(handle, Rights::kRead));
  size_t needed = thread_state_size(call.core().platform().arch(), kind);
  if (needed == 0) return Status::kInvalidArgs;
  if (size < needed) return Status::kBufferTooSmall;
  std::vector<std::byte> state(needed);
  TRY_STATUS(read_thread_state(*thread, kind, state));
  return buffer.write(state);
}

Status thread_write_state(Call& call, Handle handle, abi::ThreadStateKind kind, UserBytesIn buffer, uint64_t size) {
  // Debug registers and single steps, by the bit that their kinds share.
  bool for_debuggers = (static_cast<uint32_t>(kind) & static_cast<uint32_t>(abi::ThreadStateKind::kDebugRegs)) != 0;
  if (for_debuggers && !debugging_syscalls(call)) return Status::kNotSupported;
  Ref<Thread> thread = TRY(call.get<Thread>(handle, Rights::kWrite));
  size_t needed = thread_state_size(call.core().platform().arch(), kind);
  if (needed == 0) return Status::kInvalidArgs;
  if (size < needed) return Status::kBufferTooSmall;
  std::vector<std::byte> state(needed);
  TRY_STATUS(buffer.read(state));
  return write_thread_state(*thread, kind, state);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_thread_create", bind<thread_create>, Support::kFull,
     "Makes a thread, which thread_start or process_start starts."},
    {"zx_thread_exit", bind<thread_exit>, Support::kFull, "The last thread to exit ends its process."},
    {"zx_thread_legacy_yield", bind<thread_legacy_yield>, Support::kFull,
     "Goes behind the ready threads of its priority."},
    {"zx_thread_read_state", bind<thread_read_state>, Support::kFull,
     "Every kind; fop, fip and fdp of the x87 read as zero."},
    {"zx_thread_start", bind<thread_start>, Support::kFull,
     "The entry point must be an address of the guest's half, as since 2021."},
    {"zx_thread_write_state", bind<thread_write_state>, Support::kFull,
     "Every kind; debug registers and steps where kernel.enable-debugging-syscalls is set, as there."},
});

}  // namespace

std::span<const Row> thread_rows() { return kRows; }

}  // namespace jacinth::kernel
