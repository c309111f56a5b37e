// A debugger: attaches to another process, puts breakpoints into its code and its debug registers, steps, looks at its
// registers and memory and changes them, and lets it go on.
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>

#include "guests/debugger/debuggee.h"
#include "guests/lib/guest.h"

using namespace guest;

CHILD_IMAGE(debuggee);

namespace {

using GeneralRegs = zx_thread_state_general_regs_t;
using DebugRegs = zx_thread_state_debug_regs_t;

#if defined(__aarch64__)
constexpr uint32_t kBreak = 0xd4200000;  // brk #0
constexpr size_t kBreakSize = 4;
constexpr uint64_t kBehindBreak = 0;  // The program counter stays at it.
uint64_t& pc(GeneralRegs& r) { return r.pc; }
uint64_t& argument(GeneralRegs& r) { return r.r[0]; }
uint64_t& second_argument(GeneralRegs& r) { return r.r[1]; }
uint64_t& marker(GeneralRegs& r) { return r.r[2]; }
uint64_t& rounds(GeneralRegs& r) { return r.r[3]; }
#else
constexpr uint32_t kBreak = 0xcc;  // int3
constexpr size_t kBreakSize = 1;
constexpr uint64_t kBehindBreak = 1;
uint64_t& pc(GeneralRegs& r) { return r.rip; }
uint64_t& argument(GeneralRegs& r) { return r.rdi; }
uint64_t& second_argument(GeneralRegs& r) { return r.rsi; }
uint64_t& marker(GeneralRegs& r) { return r.rdx; }
uint64_t& rounds(GeneralRegs& r) { return r.rcx; }
#endif

/// A process under a debugger, from before its first instruction.
class Debugged {
 public:
  explicit Debugged(const char* way) {
    Channel channel;
    const char* arguments[] = {"debuggee", way, nullptr};
    const SpawnHandle handle = {PA_HND(PA_USER0, 0), channel.b.release()};
    const SpawnRequest request = {
        .name = "debuggee",
        .image = CHILD_BYTES(debuggee),
        .image_size = CHILD_SIZE(debuggee),
        .arguments = arguments,
        .handles = &handle,
        .handle_count = 1,
    };
    require_ok(spawn(&request, process.out()));
    require_ok(zx_object_wait_one(channel.a, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    uint32_t bytes = 0;
    require_ok(zx_channel_read(channel.a, 0, &landmarks, nullptr, sizeof landmarks, 0, &bytes, nullptr));
    require_ok(zx_task_create_exception_channel(process, ZX_EXCEPTION_CHANNEL_DEBUGGER, exceptions.out()));
    zx_koid_t koid = 0;
    require_ok(zx_object_get_info(process, ZX_INFO_PROCESS_THREADS, &koid, sizeof koid, nullptr, nullptr));
    require_ok(zx_object_get_child(process, koid, ZX_RIGHT_SAME_RIGHTS, thread.out()));
    // It waits in a system call for this.
    start_ = static_cast<Handle&&>(channel.a);
  }

  void go() { require_ok(zx_channel_write(start_, 0, "", 1, nullptr, 0)); }

  /// Waits for the next exception.
  uint32_t stop() {
    zx_exception_info_t info;
    require_ok(zx_object_wait_one(exceptions, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    require_ok(zx_channel_read(exceptions, 0, &info, exception_.out(), sizeof info, 1, nullptr, nullptr));
    return info.type;
  }
  void resume() {
    uint32_t state = ZX_EXCEPTION_STATE_HANDLED;
    require_ok(zx_object_set_property(exception_, ZX_PROP_EXCEPTION_STATE, &state, sizeof state));
    exception_.reset();
  }
  /// Runs one instruction.
  void step() {
    set_step(1);
    resume();
    expect_eq(stop(), ZX_EXCP_HW_BREAKPOINT);
    set_step(0);
  }
  void set_step(uint32_t step) {
    require_ok(zx_thread_write_state(thread, ZX_THREAD_STATE_SINGLE_STEP, &step, sizeof step));
  }

  GeneralRegs regs() {
    GeneralRegs regs;
    require_ok(zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof regs));
    return regs;
  }
  void set_regs(const GeneralRegs& regs) {
    require_ok(zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof regs));
  }
  DebugRegs debug_regs() {
    DebugRegs regs;
    require_ok(zx_thread_read_state(thread, ZX_THREAD_STATE_DEBUG_REGS, &regs, sizeof regs));
    return regs;
  }
  void set_debug_regs(const DebugRegs& regs) {
    require_ok(zx_thread_write_state(thread, ZX_THREAD_STATE_DEBUG_REGS, &regs, sizeof regs));
  }

  void read(uint64_t address, void* to, size_t size) {
    size_t actual = 0;
    require_ok(zx_process_read_memory(process, address, to, size, &actual));
    expect_eq(actual, size);
  }
  void write(uint64_t address, const void* from, size_t size) {
    size_t actual = 0;
    require_ok(zx_process_write_memory(process, address, from, size, &actual));
    expect_eq(actual, size);
  }
  uint64_t total() {
    uint64_t value = 0;
    read(landmarks.total, &value, sizeof value);
    return value;
  }

  /// Suspends the thread until the token goes.
  Handle suspend() {
    Handle token;
    require_ok(zx_task_suspend(thread, token.out()));
    require_ok(zx_object_wait_one(thread, ZX_THREAD_SUSPENDED, ZX_TIME_INFINITE, nullptr));
    return token;
  }

  int64_t fate() {
    exceptions.reset();
    int64_t code = 0;
    require_ok(wait_for_exit(process, &code));
    return code;
  }

  Landmarks landmarks;
  Handle process, thread, exceptions;

 private:
  Handle start_, exception_;
};

TEST("software breakpoints stop a process each time, and stepping gets it past them") {
  Debugged d("work");
  const uint64_t at = d.landmarks.twice_and_one;
  uint32_t original = 0;
  d.read(at, &original, kBreakSize);
  d.write(at, &kBreak, kBreakSize);
  d.go();
  uint64_t sum = 0;
  for (uint64_t n = 1; n <= 4; ++n) {
    expect_eq(d.stop(), ZX_EXCP_SW_BREAKPOINT);
    GeneralRegs regs = d.regs();
    expect_eq(pc(regs), at + kBehindBreak);
    expect_eq(argument(regs), n);
    expect_eq(d.total(), sum);
    sum += 2 * n + 1;
    pc(regs) = at;
    d.set_regs(regs);
    d.write(at, &original, kBreakSize);
    d.step();
    d.write(at, &kBreak, kBreakSize);
    d.resume();
  }
  expect_eq(d.fate(), 24);
}

TEST("a debugger changes an argument, and memory, and so the result") {
  Debugged d("work");
  const uint64_t at = d.landmarks.twice_and_one;
  uint32_t original = 0;
  d.read(at, &original, kBreakSize);
  d.write(at, &kBreak, kBreakSize);
  d.go();
  expect_eq(d.stop(), ZX_EXCP_SW_BREAKPOINT);
  GeneralRegs regs = d.regs();
  pc(regs) = at;
  argument(regs) = 10;
  d.set_regs(regs);
  d.write(at, &original, kBreakSize);
  d.resume();
  expect_eq(d.fate(), 24 - 3 + 21);
}

TEST("steps go from instruction to instruction, and through system calls") {
  Debugged d("work");
  const uint64_t at = d.landmarks.twice_and_one;
  uint32_t original = 0;
  d.read(at, &original, kBreakSize);
  d.write(at, &kBreak, kBreakSize);
  d.go();
  expect_eq(d.stop(), ZX_EXCP_SW_BREAKPOINT);
  d.write(at, &original, kBreakSize);
  GeneralRegs regs = d.regs();
  pc(regs) = at;
  d.set_regs(regs);

  const uint64_t offsets[] = {4, 8};
  for (uint64_t offset : offsets) {
    d.step();
    regs = d.regs();
    expect_eq(pc(regs), at + offset);
  }
  // Behind the return, through the system call that sleeps, round the loop and back again.
  int steps = 0;
  do {
    d.step();
    regs = d.regs();
  } while (pc(regs) != at && ++steps < 2000);
  expect_eq(pc(regs), at);
  expect_eq(argument(regs), 2);
  expect(steps > 10);
  d.resume();
  expect_eq(d.fate(), 24);
}

TEST("a hardware breakpoint stops before the instruction, and leaves the code alone") {
  Debugged d("work");
  const uint64_t at = d.landmarks.twice_and_one;
  DebugRegs on = {};
  {
    Handle token = d.suspend();
#if defined(__aarch64__)
    on.hw_bps[1].dbgbcr = 1;
    on.hw_bps[1].dbgbvr = at;
#else
    on.dr[1] = at;
    on.dr7 = 1u << 2;
#endif
    d.set_debug_regs(on);
  }
  d.go();
  for (uint64_t n = 1; n <= 4; ++n) {
    expect_eq(d.stop(), ZX_EXCP_HW_BREAKPOINT);
    GeneralRegs regs = d.regs();
    expect_eq(pc(regs), at);
    expect_eq(argument(regs), n);
#if defined(__aarch64__)
    d.set_debug_regs({});  // It would stop here for ever.
    d.step();
    d.set_debug_regs(on);
#else
    expect_eq(d.debug_regs().dr6 & 0xf, 1u << 1);
#endif
    d.resume();
  }
  expect_eq(d.fate(), 24);
}

TEST("a watchpoint catches each store to a variable") {
  Debugged d("work");
  DebugRegs on = {};
  {
    Handle token = d.suspend();
#if defined(__aarch64__)
    on.hw_wps[0].dbgwcr = 1 | 0xff << 5;
    on.hw_wps[0].dbgwvr = d.landmarks.total;
#else
    on.dr[0] = d.landmarks.total;
    on.dr7 = 1u << 0 | 1u << 16 | 2u << 18;  // Stores, eight bytes.
#endif
    d.set_debug_regs(on);
  }
  d.go();
  uint64_t sum = 0;
  for (uint64_t n = 1; n <= 4; ++n) {
    expect_eq(d.stop(), ZX_EXCP_HW_BREAKPOINT);
    sum += 2 * n + 1;
#if defined(__aarch64__)
    expect_eq(d.debug_regs().far, d.landmarks.total);
    expect_eq(d.total(), sum - (2 * n + 1));  // Not yet.
    d.set_debug_regs({});
    d.step();
    d.set_debug_regs(on);
#else
    expect_eq(d.debug_regs().dr6 & 0xf, 1u << 0);
#endif
    expect_eq(d.total(), sum);
    d.resume();
  }
  expect_eq(d.fate(), 24);
}

TEST("a thread in the middle of a loop is stopped, read, changed and let go") {
  Debugged d("spin");
  d.go();
  uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    zx_nanosleep(zx_deadline_after(100 * kMicrosecond));
    Handle token = d.suspend();
    GeneralRegs regs = d.regs();
    expect(pc(regs) >= d.landmarks.spin && pc(regs) < d.landmarks.spin + 32);
    if (i == 0) continue;
    expect_eq(marker(regs), 0x1234);
    expect(rounds(regs) > last);
    last = rounds(regs);
    if (i < 4) continue;
    second_argument(regs) = 99;
    d.set_regs(regs);
  }
  expect_eq(d.fate(), 99);
}

TEST("floating point and vectors of a stopped thread can be read and written") {
  Debugged d("spin");
  d.go();
  zx_nanosleep(zx_deadline_after(100 * kMicrosecond));
  zx_thread_state_vector_regs_t vectors, again;
  {
    Handle token = d.suspend();
    require_ok(zx_thread_read_state(d.thread, ZX_THREAD_STATE_VECTOR_REGS, &vectors, sizeof vectors));
#if defined(__aarch64__)
    for (int i = 0; i < 32; ++i) vectors.v[i].low = vectors.v[i].high = 0x0101010101010101u * static_cast<unsigned>(i);
#else
    for (int i = 0; i < 16; ++i)
      vectors.zmm[i].v[0] = vectors.zmm[i].v[1] = 0x0101010101010101u * static_cast<unsigned>(i);
#endif
    require_ok(zx_thread_write_state(d.thread, ZX_THREAD_STATE_VECTOR_REGS, &vectors, sizeof vectors));
  }
  zx_nanosleep(zx_deadline_after(100 * kMicrosecond));  // The loop touches none of them.
  {
    Handle token = d.suspend();
    require_ok(zx_thread_read_state(d.thread, ZX_THREAD_STATE_VECTOR_REGS, &again, sizeof again));
    expect_eq(memcmp(&vectors, &again, sizeof again), 0);
    zx_thread_state_fp_regs_t fp;
#if defined(__aarch64__)
    expect_status(zx_thread_read_state(d.thread, ZX_THREAD_STATE_FP_REGS, &fp, sizeof fp), ZX_ERR_NOT_SUPPORTED);
#else
    expect_ok(zx_thread_read_state(d.thread, ZX_THREAD_STATE_FP_REGS, &fp, sizeof fp));
    expect_eq(fp.fcw, 0x37f);
    expect_eq(fp.ftw, 0);
    fp.ftw = 1;
    fp.st[0].low = 0xc000000000000000;  // 3.0
    fp.st[0].high = 0x4000;
    expect_ok(zx_thread_write_state(d.thread, ZX_THREAD_STATE_FP_REGS, &fp, sizeof fp));
    zx_thread_state_fp_regs_t fp_again;
    expect_ok(zx_thread_read_state(d.thread, ZX_THREAD_STATE_FP_REGS, &fp_again, sizeof fp_again));
    expect_eq(memcmp(&fp, &fp_again, sizeof fp), 0);
#endif
  }
  expect_ok(zx_task_kill(d.process));
}

TEST("every bit of the general registers can be written, and none of them leads out of user mode") {
  for (uint64_t bits : {uint64_t{0}, ~uint64_t{0}, uint64_t{0x8000000000000000}, uint64_t{0x5555555555555555}}) {
    Debugged d("spin");
    d.go();
    zx_nanosleep(zx_deadline_after(100 * kMicrosecond));
    bool written = false;
    {
      Handle token = d.suspend();
      GeneralRegs regs;
      for (size_t i = 0; i < sizeof regs / 8; ++i) reinterpret_cast<uint64_t*>(&regs)[i] = bits;
      zx_status_t status = zx_thread_write_state(d.thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof regs);
      written = status == ZX_OK;
#if defined(__aarch64__)
      expect_ok(status);
#else
      expect_status(status, bits == 0 ? ZX_OK : ZX_ERR_INVALID_ARGS);
#endif
      if (!written) expect_ok(zx_task_kill(d.process));
    }
    if (written) {
      uint32_t type = d.stop();
      expect(type == ZX_EXCP_FATAL_PAGE_FAULT || type == ZX_EXCP_UNALIGNED_ACCESS);
      expect_ok(zx_task_kill(d.process));
    }
    expect_eq(d.fate(), ZX_TASK_RETCODE_SYSCALL_KILL);
  }
}

TEST("nobody writes into the vDSO of another process") {
  Debugged d("work");
  uintptr_t vdso = 0;
  require_ok(zx_object_get_property(d.process, ZX_PROP_PROCESS_VDSO_BASE_ADDRESS, &vdso, sizeof vdso));
  char byte = 0;
  d.read(vdso, &byte, 1);
  size_t actual = 0;
  expect_status(zx_process_write_memory(d.process, vdso, &byte, 1, &actual), ZX_ERR_ACCESS_DENIED);
  d.go();
  expect_eq(d.fate(), 24);
}

}  // namespace
