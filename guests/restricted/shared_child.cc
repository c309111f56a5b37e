// Runs in a process that can be shared with: makes others that share with it, and looks at what they have in common.
#include "guests/restricted/enter.h"

using namespace guest;

namespace {

constexpr size_t kStack = 64 * 1024;

/// A process that shares with this one. Its threads run our code, in the half that both see.
struct Member {
  Handle process, vmar, thread;
  Member() { require_ok(zx_process_create_shared(zx_process_self(), 0, "member", 6, process.out(), vmar.out())); }

  void start(void (*run)(zx_handle_t, uintptr_t), uintptr_t argument) {
    Handle stack = make_vmo(kStack);
    zx_vaddr_t base = 0;
    require_ok(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, stack, 0, kStack, &base));
    require_ok(zx_thread_create(process, "t", 1, 0, thread.out()));
    require_ok(zx_process_start(process, thread, reinterpret_cast<zx_vaddr_t>(run),
                                initial_stack_pointer(base + kStack), ZX_HANDLE_INVALID, argument));
  }
  void join() {
    int64_t code = -1;
    expect_ok(wait_for_exit(process, &code));
    expect_eq(code, 0);
  }
};

void handles() {
  Member member;
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  member.start(
      [](zx_handle_t, uintptr_t event_handle) {
        expect_ok(zx_object_signal(static_cast<zx_handle_t>(event_handle), 0, ZX_USER_SIGNAL_0));
        zx_thread_exit();
      },
      event);
  expect_ok(zx_object_wait_one(event, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE, nullptr));
  member.join();
  // The member is dead, and the table lives on with us.
  expect_ok(zx_object_signal(event, ZX_USER_SIGNAL_0, 0));
}

zx_futex_t word = 0;

void futex() {
  Member member;
  member.start(
      [](zx_handle_t, uintptr_t) {
        expect_ok(zx_futex_wait(&word, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE));
        expect_eq(__atomic_load_n(&word, __ATOMIC_RELAXED), 1);
        zx_thread_exit();
      },
      0);
  zx_nanosleep(zx_deadline_after(kMillisecond));
  __atomic_store_n(&word, 1, __ATOMIC_RELAXED);
  expect_ok(zx_futex_wake(&word, 1));
  member.join();
}

#if defined(__x86_64__)

constexpr size_t kPage = 4096;

extern "C" char store_and_leave[], behind_store_and_leave[];
asm(R"(
  .text
store_and_leave:
  mov %rax, (%rdi)
  mov 8(%rdi), %rbx
  syscall
behind_store_and_leave:
)");

/// Our code in the member's private half.
zx_vaddr_t map_code(const Member& member) {
  Handle vmo = make_vmo(kPage), code;
  require_ok(zx_vmo_write(vmo, store_and_leave, 0, static_cast<size_t>(behind_store_and_leave - store_and_leave)));
  require_ok(zx_vmo_replace_as_executable(vmo.release(), ZX_HANDLE_INVALID, code.out()));
  zx_vaddr_t address = 0;
  require_ok(zx_vmar_map(member.vmar, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, 0, code, 0, kPage, &address));
  return address;
}

/// What the member's thread is to do in restricted mode, and what it found.
struct Task {
  zx_restricted_state_t state = {};
  uint64_t reason = 99;
};

void enter(zx_handle_t, uintptr_t argument) {
  auto* task = reinterpret_cast<Task*>(argument);
  set_restricted_state(task->state);
  expect_ok(enter_restricted(&task->reason));
  task->state = restricted_state();
  zx_thread_exit();
}

void private_half() {
  Member member;
  Handle data = make_vmo(kPage);
  const uint64_t words[] = {0, 0xbeef};
  require_ok(zx_vmo_write(data, words, 0, sizeof words));
  zx_vaddr_t address = 0;
  require_ok(zx_vmar_map(member.vmar, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, data, 0, kPage, &address));
  Task task;
  task.state.ip = map_code(member);
  task.state.rax = 0xaffe;
  task.state.rdi = address;
  member.start(enter, reinterpret_cast<uintptr_t>(&task));
  member.join();
  expect_eq(task.reason, ZX_RESTRICTED_REASON_SYSCALL);
  expect_eq(task.state.rbx, 0xbeef);
  uint64_t stored = 0;
  expect_ok(zx_vmo_read(data, &stored, 0, sizeof stored));
  expect_eq(stored, 0xaffe);
}

void fault() {
  Member member;
  Handle channel;
  require_ok(zx_task_create_exception_channel(member.process, 0, channel.out()));
  Task task;
  task.state.ip = map_code(member);
  task.state.rdi = reinterpret_cast<uint64_t>(&task.reason);  // In the common half.
  member.start(enter, reinterpret_cast<uintptr_t>(&task));
  expect_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
  zx_exception_info_t info = {};
  Handle exception;
  uint32_t bytes = 0, count = 0;
  require_ok(zx_channel_read(channel, 0, &info, exception.out(), sizeof info, 1, &bytes, &count));
  expect_eq(info.type, ZX_EXCP_FATAL_PAGE_FAULT);
  zx_exception_report_t report = {};
  expect_ok(
      zx_object_get_info(member.thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof report, nullptr, nullptr));
  expect_eq(report.context.arch.u.x86_64.cr2, task.state.rdi);
  zx_thread_state_general_regs_t registers = {};
  expect_ok(zx_thread_read_state(member.thread, ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof registers));
  expect_eq(registers.rip, task.state.ip);
  expect_ok(zx_task_kill(member.process));
  exception.reset();
  expect_ok(zx_object_wait_one(member.process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, nullptr));
  expect_eq(task.reason, 99);
}

#endif

bool equal(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (equal(what, "handles")) handles();
  if (equal(what, "futex")) futex();
#if defined(__x86_64__)
  if (equal(what, "private")) private_half();
  if (equal(what, "fault")) fault();
#endif
  return guest_failures();
}
