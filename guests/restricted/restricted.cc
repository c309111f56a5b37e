// Restricted mode in a process of one's own, and shared processes, whose tests run in a child that is one.
#include "guests/restricted/enter.h"

using namespace guest;

CHILD_IMAGE(shared_child);

namespace {

/// Runs one test of the child, in a process that others can share with.
int64_t run_shared(const char* what) {
  const char* arguments[] = {"shared_child", what, nullptr};
  const SpawnRequest request = {
      .name = "shared_child",
      .image = CHILD_BYTES(shared_child),
      .image_size = CHILD_SIZE(shared_child),
      .arguments = arguments,
      .options = ZX_PROCESS_SHARED,
  };
  Handle process;
  require_ok(spawn(&request, process.out()));
  int64_t code = -1;
  expect_ok(wait_for_exit(process, &code));
  return code;
}

}  // namespace

TEST("zx_restricted_enter takes no options, and only an address that can be a program's") {
  expect_status(zx_restricted_enter(1, 0, 0), ZX_ERR_INVALID_ARGS);
  expect_status(zx_restricted_enter(0, UINTPTR_MAX, 0), ZX_ERR_INVALID_ARGS);
}

TEST("zx_restricted_read_state and _write_state take the whole state") {
  zx_restricted_state_t state = {};
  for (size_t size : {size_t{0}, sizeof state - 1, sizeof state + 1}) {
    expect_status(zx_restricted_read_state(&state, size), ZX_ERR_INVALID_ARGS);
    expect_status(zx_restricted_write_state(&state, size), ZX_ERR_INVALID_ARGS);
  }
}

TEST("zx_process_create makes prototypes, and zx_process_create_shared wants one") {
  Handle prototype, upper, member, lower, ordinary, whole;
  expect_ok(zx_process_create(zx_job_default(), "p", 1, ZX_PROCESS_SHARED, prototype.out(), upper.out()));
  expect_ok(zx_process_create_shared(prototype, 0, "m", 1, member.out(), lower.out()));
  expect_ok(zx_process_create(zx_job_default(), "o", 1, 0, ordinary.out(), whole.out()));
  zx_handle_t none = 0;
  expect_status(zx_process_create_shared(ordinary, 0, "x", 1, &none, &none), ZX_ERR_INVALID_ARGS);
  expect_status(zx_process_create_shared(prototype, 1, "x", 1, &none, &none), ZX_ERR_INVALID_ARGS);
  zx_info_vmar_t low = {}, high = {};
  expect_ok(zx_object_get_info(lower, ZX_INFO_VMAR, &low, sizeof low, nullptr, nullptr));
  expect_ok(zx_object_get_info(upper, ZX_INFO_VMAR, &high, sizeof high, nullptr, nullptr));
  expect(low.base + low.len <= high.base);
}

TEST("a thread of a shared process uses the handles of all of them, and they outlive it") {
  expect_eq(run_shared("handles"), 0);
}

TEST("threads of two shared processes meet at a futex") { expect_eq(run_shared("futex"), 0); }

#if defined(__x86_64__)

TEST("restricted mode of a shared process has the private half of memory") { expect_eq(run_shared("private"), 0); }

TEST("restricted mode of a shared process faults where normal mode has its memory") {
  expect_eq(run_shared("fault"), 0);
}

extern "C" char add_one_to_all[], behind_add_one_to_all[], count_down[];
asm(R"(
  .text
add_one_to_all:
  inc %rax
  inc %rbx
  inc %rcx
  inc %rdx
  inc %rsi
  inc %rdi
  inc %rbp
  inc %rsp
  inc %r8
  inc %r9
  inc %r10
  inc %r11
  inc %r12
  inc %r13
  inc %r14
  inc %r15
  mov %rcx, %fs:0
  mov %r11, %gs:0
  syscall
behind_add_one_to_all:
  ud2
count_down:
  inc %rax
  dec %rbx
  jnz count_down
  syscall
)");

TEST("restricted mode runs with the registers that it was given, and leaves what it had") {
  uint64_t fs = 0, gs = 0, reason = 99;
  zx_restricted_state_t state = {};
  uint64_t* registers[] = {&state.rax, &state.rbx, &state.rcx, &state.rdx, &state.rsi, &state.rdi,
                           &state.rbp, &state.rsp, &state.r8,  &state.r9,  &state.r10, &state.r11,
                           &state.r12, &state.r13, &state.r14, &state.r15};
  uint64_t value = 0;
  for (uint64_t* each : registers) *each = value += 0x0101'0101'0101'0101;
  state.ip = reinterpret_cast<uint64_t>(add_one_to_all);
  state.fs_base = reinterpret_cast<uint64_t>(&fs);
  state.gs_base = reinterpret_cast<uint64_t>(&gs);
  set_restricted_state(state);
  expect_ok(enter_restricted(&reason));
  expect_eq(reason, ZX_RESTRICTED_REASON_SYSCALL);

  state = restricted_state();
  expect_eq(state.ip, reinterpret_cast<uint64_t>(behind_add_one_to_all));
  value = 0;
  for (uint64_t* each : registers) {
    value += 0x0101'0101'0101'0101;
    // The instruction takes rcx and r11 for itself; they were stored before.
    if (each != &state.rcx && each != &state.r11) expect_eq(*each, value + 1);
  }
  expect_eq(state.rcx, 0);
  expect_eq(state.r11, 0);
  expect_eq(fs, 0x0303'0303'0303'0304);
  expect_eq(gs, 0x0c0c'0c0c'0c0c'0c0d);
}

TEST("restricted mode is not entered with what no program may have") {
  auto refused = [](auto spoil) {
    zx_restricted_state_t state = {};
    state.ip = reinterpret_cast<uint64_t>(add_one_to_all);
    spoil(state);
    set_restricted_state(state);
    uint64_t reason = 0;
    expect_status(enter_restricted(&reason), ZX_ERR_BAD_STATE);
  };
  refused([](auto& state) { state.ip = UINT64_MAX; });
  refused([](auto& state) { state.flags = uint64_t{1} << 31; });
  refused([](auto& state) { state.fs_base = uint64_t{1} << 63; });
  refused([](auto& state) { state.gs_base = uint64_t{1} << 63; });
}

TEST("restricted mode is entered a thousand times, and shares the CPUs with other threads") {
  bool stop = false;
  Running others[] = {{"busy",
                       [&] {
                         while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
                         }
                       }},
                      {"busy too", [&] {
                         while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
                         }
                       }}};
  zx_restricted_state_t state = {};
  uint64_t reason = 0, rounds = 0;
  for (uint64_t i = 1; i <= 1000; ++i) {
    // One of them is longer than any slice.
    state.rbx = i == 500 ? 20'000'000 : i;
    rounds += state.rbx;
    state.ip = reinterpret_cast<uint64_t>(count_down);
    set_restricted_state(state);
    require_ok(enter_restricted(&reason));
    state = restricted_state();
  }
  expect_eq(state.rax, rounds);
  __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
}

TEST("a thread that is killed in restricted mode ends") {
  Thread thread;
  require_ok(thread_start(
      &thread, "restricted",
      [](void*) {
        zx_restricted_state_t state = {};
        state.rbx = UINT64_MAX;
        state.ip = reinterpret_cast<uint64_t>(count_down);
        set_restricted_state(state);
        uint64_t reason = 0;
        enter_restricted(&reason);
      },
      nullptr));
  zx_nanosleep(zx_deadline_after(kMillisecond));
  Handle token;
  expect_ok(zx_task_suspend(thread.handle, token.out()));
  expect_ok(zx_object_wait_one(thread.handle, ZX_THREAD_SUSPENDED, ZX_TIME_INFINITE, nullptr));
  zx_thread_state_general_regs_t registers = {};
  expect_ok(zx_thread_read_state(thread.handle, ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof registers));
  expect(registers.rip >= reinterpret_cast<uint64_t>(count_down));
  expect(registers.rip < reinterpret_cast<uint64_t>(count_down) + 16);
  registers.rbx = 1;  // So that it comes to its end by itself.
  expect_ok(zx_thread_write_state(thread.handle, ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof registers));
  token.reset();
  expect_ok(thread_join(&thread));
}

#else

TEST("arm64 keeps registers for restricted mode, and never enters it") {
  zx_restricted_state_t state = {};
  state.x[3] = 3;
  set_restricted_state(state);
  expect_eq(restricted_state().x[3], 3);
  expect_status(zx_restricted_enter(0, reinterpret_cast<uintptr_t>(&state), 0), ZX_ERR_BAD_STATE);
}

#endif
