// Threads: how they begin, run side by side, and end.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

/// What a thread found in its registers at its very beginning.
struct Beginning {
  uint64_t arguments[2];
  uint64_t stack;
  uint64_t others;  // Everything else, or-ed together.
  uint64_t flags;
};
Beginning found;

}  // namespace

/// Looks at the registers before any compiled code has touched them; `found` is filled, then the thread exits.
extern "C" void look_around();
extern "C" void looked(Beginning* beginning) {
  found = *beginning;
  zx_thread_exit();
}

#if defined(__aarch64__)
asm(R"(
  .text
  .globl look_around
look_around:
  orr x2, x2, x3
  orr x2, x2, x4
  orr x2, x2, x5
  orr x2, x2, x6
  orr x2, x2, x7
  orr x2, x2, x8
  orr x2, x2, x9
  orr x2, x2, x10
  orr x2, x2, x11
  orr x2, x2, x12
  orr x2, x2, x13
  orr x2, x2, x14
  orr x2, x2, x15
  orr x2, x2, x16
  orr x2, x2, x17
  orr x2, x2, x18
  orr x2, x2, x19
  orr x2, x2, x20
  orr x2, x2, x21
  orr x2, x2, x22
  orr x2, x2, x23
  orr x2, x2, x24
  orr x2, x2, x25
  orr x2, x2, x26
  orr x2, x2, x27
  orr x2, x2, x28
  orr x2, x2, x29
  orr x2, x2, x30
  mrs x3, tpidr_el0
  orr x2, x2, x3
  mrs x4, nzcv
  mov x5, sp
  sub sp, sp, #48
  stp x0, x1, [sp]
  stp x5, x2, [sp, #16]
  str x4, [sp, #32]
  mov x0, sp
  mov x29, #0
  mov x30, #0
  b looked
)");
#else
asm(R"(
  .text
  .globl look_around
look_around:
  or %rax, %rbx
  or %rcx, %rbx
  or %rdx, %rbx
  or %rbp, %rbx
  or %r8, %rbx
  or %r9, %rbx
  or %r10, %rbx
  or %r11, %rbx
  or %r12, %rbx
  or %r13, %rbx
  or %r14, %rbx
  or %r15, %rbx
  mov %rsp, %rcx
  pushfq
  pop %rdx
  sub $32, %rsp
  push %rdx
  push %rbx
  push %rcx
  push %rsi
  push %rdi
  mov %rsp, %rdi
  sub $8, %rsp
  and $-16, %rsp
  call looked
)");
#endif

namespace {

TEST("a thread begins with its two arguments and its stack, all other registers zero") {
  Thread thread;
  zx_vaddr_t stack_top = 0;
  require_ok(thread_create(&thread, "newborn", &stack_top));
  const zx_vaddr_t stack = initial_stack_pointer(stack_top);
  require_ok(zx_thread_start(thread.handle, reinterpret_cast<zx_vaddr_t>(look_around), stack, 0x1111222233334444,
                             0xaaaabbbbccccdddd));
  require_ok(thread_join(&thread));
  expect_eq(found.arguments[0], 0x1111222233334444);
  expect_eq(found.arguments[1], 0xaaaabbbbccccdddd);
  expect_eq(found.stack, stack);
  expect_eq(found.others, 0);
#if defined(__x86_64__)
  expect_eq(found.flags & 0x202, 0x202);  // Interrupts on, and the bit that is always one.
  expect_eq(found.flags & 0x400, 0);      // Direction: up.
#else
  expect_eq(found.flags, 0);
#endif
}

TEST("threads run side by side and see one memory") {
  volatile int turn = 0;
  auto alternate = [&](int self) {
    for (int i = 0; i < 100; ++i) {
      while (turn % 2 != self) zx_nanosleep(0);
      turn = turn + 1;
    }
  };
  Running a("even", [&] { alternate(0); }), b("odd", [&] { alternate(1); });
  a.join(), b.join();
  expect_eq(turn, 200);
}

TEST("a thread that only computes does not keep others from running") {
  volatile bool stop = false;
  Running spinners[] = {
      {"spinner 1",
       [&] {
         while (!stop) {
         }
       }},
      {"spinner 2",
       [&] {
         while (!stop) {
         }
       }},
      {"spinner 3",
       [&] {
         while (!stop) {
         }
       }},
  };
  zx_nanosleep(zx_deadline_after(20 * kMillisecond));
  stop = true;
  for (auto& spinner : spinners) spinner.join();
  expect(true);  // We got here.
}

TEST("additions by many threads are not lost when they are atomic") {
  int64_t sum = 0;
  auto add = [&] {
    for (int i = 0; i < 20000; ++i) __atomic_fetch_add(&sum, 1, __ATOMIC_RELAXED);
  };
  Running a("a", add), b("b", add), c("c", add), d("d", add);
  a.join(), b.join(), c.join(), d.join();
  expect_eq(sum, 80000);
}

TEST("a thread shows its states, from new to dead") {
  auto state = [](zx_handle_t thread) {
    zx_info_thread_t info = {};
    expect_ok(zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof info, nullptr, nullptr));
    return info.state;
  };
  Handle event, fresh;
  require_ok(zx_event_create(0, event.out()));
  require_ok(zx_thread_create(zx_process_self(), "fresh", 5, 0, fresh.out()));
  expect_eq(state(fresh), ZX_THREAD_STATE_NEW);
  expect_eq(state(zx_thread_self()), ZX_THREAD_STATE_RUNNING);

  Running sleeper("sleeper", [&] { zx_object_wait_one(event, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr); });
  zx_nanosleep(zx_deadline_after(2 * kMillisecond));
  expect_eq(state(sleeper.handle()), ZX_THREAD_STATE_BLOCKED_WAIT_ONE);
  Handle handle = duplicate(sleeper.handle());
  zx_object_signal(event, 0, ZX_EVENT_SIGNALED);
  sleeper.join();
  expect_eq(state(handle), ZX_THREAD_STATE_DEAD);
  expect_eq(signals_of(handle) & ZX_THREAD_TERMINATED, ZX_THREAD_TERMINATED);
}

TEST("a thread has the name it was made with") {
  Running thread("a fine name", [] {});
  char name[ZX_MAX_NAME_LEN] = {};
  expect_ok(zx_object_get_property(thread.handle(), ZX_PROP_NAME, name, sizeof name));
  expect_text(name, "a fine name");
}

TEST("a thread starts once") {
  Running thread("once", [] { zx_nanosleep(zx_deadline_after(kMillisecond)); });
  expect_status(zx_thread_start(thread.handle(), 0x1000, 0, 0, 0), ZX_ERR_BAD_STATE);
}

TEST("two hundred threads at once, each with its own stack and result") {
  constexpr int kCount = 200;
  static Thread threads[kCount];
  static int results[kCount];
  Handle gate;
  require_ok(zx_event_create(0, gate.out()));
  static zx_handle_t gate_value;
  gate_value = gate;
  for (int i = 0; i < kCount; ++i) {
    results[i] = -i;
    require_ok(thread_start(
        &threads[i], "one of many",
        [](void* argument) {
          volatile char mine[4096];
          int* result = static_cast<int*>(argument);
          memset(const_cast<char*>(mine), *result, sizeof mine);
          zx_object_wait_one(gate_value, ZX_EVENT_SIGNALED, ZX_TIME_INFINITE, nullptr);
          *result = mine[17] == static_cast<char>(*result) ? -*result : 1000;
        },
        &results[i]));
  }
  zx_object_signal(gate, 0, ZX_EVENT_SIGNALED);
  for (int i = 0; i < kCount; ++i) {
    expect_ok(thread_join(&threads[i]));
    expect_eq(results[i], i);
  }
}

TEST("a thread cannot be killed alone") {
  Running thread("survivor", [] { zx_nanosleep(zx_deadline_after(kMillisecond)); });
  expect_status(zx_task_kill(thread.handle()), ZX_ERR_WRONG_TYPE);
}

}  // namespace
