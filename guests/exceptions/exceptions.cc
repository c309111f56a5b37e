// Handling exceptions: of one's own threads, of other processes, of a whole job; and what debuggers hear beside.
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/policy.h>

#include "guests/exceptions/fragile.h"

using namespace guest;

CHILD_IMAGE(crasher);
CHILD_IMAGE(fragile);

namespace {

struct Caught {
  zx_exception_info_t info;
  Handle exception;

  Handle thread() const {
    Handle handle;
    require_ok(zx_exception_get_thread(exception, handle.out()));
    return handle;
  }
  Handle process() const {
    Handle handle;
    require_ok(zx_exception_get_process(exception, handle.out()));
    return handle;
  }
  void finish(uint32_t state) {
    require_ok(zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof state));
    exception.reset();
  }
};

Handle attach(zx_handle_t task, uint32_t options = 0) {
  Handle channel;
  require_ok(zx_task_create_exception_channel(task, options, channel.out()));
  return channel;
}

Caught next(zx_handle_t channel) {
  Caught caught;
  uint32_t bytes = 0, handles = 0;
  require_ok(zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
  require_ok(
      zx_channel_read(channel, 0, &caught.info, caught.exception.out(), sizeof caught.info, 1, &bytes, &handles));
  require(bytes == sizeof caught.info && handles == 1);
  return caught;
}

bool quiet(zx_handle_t channel) {
  return zx_channel_read(channel, 0, nullptr, nullptr, 0, 0, nullptr, nullptr) == ZX_ERR_SHOULD_WAIT;
}

Handle child_of(zx_handle_t job, const char* way = nullptr) {
  const char* arguments[] = {"child", way, nullptr};
  const SpawnRequest request = {
      .name = "child",
      .image = way != nullptr ? CHILD_BYTES(crasher) : CHILD_BYTES(fragile),
      .image_size = way != nullptr ? CHILD_SIZE(crasher) : CHILD_SIZE(fragile),
      .job = job,
      .arguments = arguments,
  };
  Handle process;
  require_ok(spawn(&request, process.out()));
  return process;
}

Handle new_job() {
  Handle job;
  require_ok(zx_job_create(zx_job_default(), 0, job.out()));
  return job;
}

int64_t fate(zx_handle_t process) {
  int64_t code = 0;
  require_ok(wait_for_exit(process, &code));
  return code;
}

zx_exception_report_t report_of(zx_handle_t thread) {
  zx_exception_report_t report = {};
  require_ok(zx_object_get_info(thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof report, nullptr, nullptr));
  return report;
}

zx_koid_t koid(zx_handle_t handle) {
  zx_info_handle_basic_t info = {};
  require_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, nullptr, nullptr));
  return info.koid;
}

zx_info_thread_t info_of(zx_handle_t thread) {
  zx_info_thread_t info = {};
  require_ok(zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof info, nullptr, nullptr));
  return info;
}

uint64_t fault_address(const zx_exception_report_t& report) {
#if defined(__aarch64__)
  return report.context.arch.u.arm_64.far;
#else
  return report.context.arch.u.x86_64.cr2;
#endif
}

/// As if the load that faulted had found `value`.
void make_good(zx_handle_t thread, uint64_t value) {
  zx_thread_state_general_regs_t regs;
  require_ok(zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof regs));
  pc_of(regs) += kLoadSize;
  result_of(regs) = value;
  require_ok(zx_thread_write_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof regs));
}

TEST("a thread's fault is handled by another thread of the process") {
  Thread thread;
  static uint64_t loaded;
  zx_vaddr_t stack = 0;
  require_ok(thread_create(&thread, "worker", &stack));
  Handle channel = attach(thread.handle);
  require_ok(zx_thread_start(thread.handle, reinterpret_cast<zx_vaddr_t>(+[](uintptr_t address, uintptr_t) {
                               loaded = fragile_load(reinterpret_cast<const volatile uint64_t*>(address));
                               zx_thread_exit();
                             }),
                             initial_stack_pointer(stack), 0x18, 0));
  Caught caught = next(channel);
  expect_eq(caught.info.type, ZX_EXCP_FATAL_PAGE_FAULT);
  expect_eq(caught.info.tid, koid(thread.handle));
  expect_eq(info_of(thread.handle).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
  expect_eq(info_of(thread.handle).wait_exception_channel_type, ZX_EXCEPTION_CHANNEL_TYPE_THREAD);
  expect_eq(fault_address(report_of(thread.handle)), 0x18);
  Handle none;
  expect_status(zx_exception_get_process(caught.exception, none.out()), ZX_ERR_ACCESS_DENIED);
  make_good(thread.handle, 4242);
  caught.finish(ZX_EXCEPTION_STATE_HANDLED);
  require_ok(thread_join(&thread));
  expect_eq(loaded, 4242);
}

TEST("a process's fault is handled by its parent, and the process lives on") {
  Handle job = new_job();
  Handle of_job = attach(job);
  Handle process = child_of(job);
  Caught caught = next(of_job);
  expect_eq(caught.info.pid, koid(process));
  zx_exception_report_t report = report_of(caught.thread());
  expect_eq(report.context.synth_code, static_cast<uint32_t>(ZX_ERR_NOT_FOUND));
  make_good(caught.thread(), 77);
  caught.finish(ZX_EXCEPTION_STATE_HANDLED);
  expect_eq(fate(process), 77);
  expect(quiet(of_job));
}

TEST("debugger, thread, process, debugger again and jobs are asked in turn") {
  Handle outer = new_job(), inner;
  require_ok(zx_job_create(outer, 0, inner.out()));
  Handle starts = attach(outer, ZX_EXCEPTION_CHANNEL_DEBUGGER);
  Handle of_outer = attach(outer), of_inner = attach(inner);
  Handle process = child_of(inner);
  Caught starting = next(starts);
  expect_eq(starting.info.type, ZX_EXCP_PROCESS_STARTING);
  Handle debugger = attach(process, ZX_EXCEPTION_CHANNEL_DEBUGGER);
  Handle of_process = attach(process), of_thread = attach(starting.thread());
  starting.exception.reset();
  Caught first_thread = next(debugger);
  expect_eq(first_thread.info.type, ZX_EXCP_THREAD_STARTING);
  first_thread.exception.reset();

  Caught first_chance = next(debugger);
  expect_eq(first_chance.info.type, ZX_EXCP_FATAL_PAGE_FAULT);
  uint32_t again = ZX_EXCEPTION_STRATEGY_SECOND_CHANCE;
  expect_ok(zx_object_set_property(first_chance.exception, ZX_PROP_EXCEPTION_STRATEGY, &again, sizeof again));
  first_chance.finish(ZX_EXCEPTION_STATE_TRY_NEXT);
  const struct {
    zx_handle_t channel;
    uint32_t type;
  } order[] = {
      {of_thread, ZX_EXCEPTION_CHANNEL_TYPE_THREAD},  {of_process, ZX_EXCEPTION_CHANNEL_TYPE_PROCESS},
      {debugger, ZX_EXCEPTION_CHANNEL_TYPE_DEBUGGER}, {of_inner, ZX_EXCEPTION_CHANNEL_TYPE_JOB},
      {of_outer, ZX_EXCEPTION_CHANNEL_TYPE_JOB},
  };
  for (const auto& handler : order) {
    Caught caught = next(handler.channel);
    expect_eq(caught.info.type, ZX_EXCP_FATAL_PAGE_FAULT);
    expect_eq(info_of(caught.thread()).wait_exception_channel_type, handler.type);
    if (handler.channel == of_outer) {
      make_good(caught.thread(), 5);
      caught.finish(ZX_EXCEPTION_STATE_HANDLED);
    }
  }
  expect_eq(fate(process), 5);
  expect_eq(next(debugger).info.type, ZX_EXCP_THREAD_EXITING);
}

/// What a crash handler of a job sees of each way to die.
struct Crash {
  const char* way;
  uint32_t type;
};

TEST("a job's crash handler sees why each process dies") {
  Handle job = new_job();
  Handle channel = attach(job);
  const Crash crashes[] = {
    {"null-read", ZX_EXCP_FATAL_PAGE_FAULT},
    {"read-only-write", ZX_EXCP_FATAL_PAGE_FAULT},
    {"stack-execute", ZX_EXCP_FATAL_PAGE_FAULT},
    {"undefined", ZX_EXCP_UNDEFINED_INSTRUCTION},
    {"breakpoint", ZX_EXCP_SW_BREAKPOINT},
    {"in-thread", ZX_EXCP_FATAL_PAGE_FAULT},
    {"stack-overflow", ZX_EXCP_FATAL_PAGE_FAULT},
#if defined(__x86_64__)
    {"divide", ZX_EXCP_GENERAL},
    {"non-canonical-read", ZX_EXCP_GENERAL},
#else
    {"crooked-jump", ZX_EXCP_UNALIGNED_ACCESS},
    {"privileged", ZX_EXCP_UNDEFINED_INSTRUCTION},
#endif
  };
  for (const Crash& crash : crashes) {
    Handle process = child_of(job, crash.way);
    Caught caught = next(channel);
    if (!expect_eq(caught.info.type, crash.type)) print("# %s\n", crash.way);
    expect_eq(caught.info.pid, koid(process));
    expect_eq(report_of(caught.thread()).header.type, crash.type);
    // The dead can be looked at: the code that the thread stopped at is there.
    zx_thread_state_general_regs_t regs;
    require_ok(zx_thread_read_state(caught.thread(), ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof regs));
    uint32_t word = 0;
    size_t actual = 0;
    zx_status_t read = zx_process_read_memory(caught.process(), pc_of(regs), &word, 4, &actual);
    expect(read == ZX_OK && actual == 4);
    caught.exception.reset();
    expect_eq(fate(process), ZX_TASK_RETCODE_EXCEPTION_KILL);
  }
}

TEST("a debugger sees each thread of a process come and go") {
  Handle job = new_job();
  Handle starts = attach(job, ZX_EXCEPTION_CHANNEL_DEBUGGER);
  Handle of_job = attach(job);
  Handle process = child_of(job, "in-thread");
  Caught starting = next(starts);
  Handle debugger = attach(process, ZX_EXCEPTION_CHANNEL_DEBUGGER);
  starting.exception.reset();
  Caught first = next(debugger);
  expect_eq(first.info.type, ZX_EXCP_THREAD_STARTING);
  expect_eq(info_of(first.thread()).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
  first.exception.reset();
  Caught second = next(debugger);
  expect_eq(second.info.type, ZX_EXCP_THREAD_STARTING);
  expect(second.info.tid != first.info.tid);
  second.exception.reset();
  Caught fault = next(debugger);
  expect_eq(fault.info.type, ZX_EXCP_FATAL_PAGE_FAULT);
  expect_eq(fault.info.tid, second.info.tid);
  // The thread alone ends; the process goes on waiting for ever.
  fault.finish(ZX_EXCEPTION_STATE_THREAD_EXIT);
  Caught exiting = next(debugger);
  expect_eq(exiting.info.type, ZX_EXCP_THREAD_EXITING);
  expect_eq(exiting.info.tid, second.info.tid);
  expect_eq(info_of(exiting.thread()).state, ZX_THREAD_STATE_DYING);
  zx_thread_state_general_regs_t regs;
  expect_status(zx_thread_read_state(exiting.thread(), ZX_THREAD_STATE_GENERAL_REGS, &regs, sizeof regs),
                ZX_ERR_NOT_SUPPORTED);
  Handle thread = exiting.thread();
  exiting.exception.reset();
  expect_ok(zx_object_wait_one(thread, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, nullptr));
  expect(quiet(of_job));

  expect_ok(zx_task_kill(process));
  expect_eq(fate(process), ZX_TASK_RETCODE_SYSCALL_KILL);
  expect_eq(next(debugger).info.tid, first.info.tid);
  expect(signals_of(debugger) & ZX_CHANNEL_PEER_CLOSED);
}

TEST("a kill ends an exception at once") {
  Handle job = new_job();
  Handle channel = attach(job);
  Handle process = child_of(job);
  Caught caught = next(channel);
  expect_ok(zx_task_kill(process));
  expect_eq(fate(process), ZX_TASK_RETCODE_SYSCALL_KILL);
  expect_eq(koid(caught.thread()), caught.info.tid);
  caught.finish(ZX_EXCEPTION_STATE_HANDLED);
}

TEST("an exception outlasts a suspension and the other way round") {
  Handle job = new_job();
  Handle channel = attach(job);
  Handle process = child_of(job);
  Caught caught = next(channel);
  Handle thread = caught.thread(), token;
  make_good(thread, 3);
  require_ok(zx_task_suspend(thread, token.out()));
  expect_eq(info_of(thread).state, ZX_THREAD_STATE_BLOCKED_EXCEPTION);
  caught.finish(ZX_EXCEPTION_STATE_HANDLED);
  require_ok(zx_object_wait_one(thread, ZX_THREAD_SUSPENDED, ZX_TIME_INFINITE, nullptr));
  expect_status(zx_object_wait_one(process, ZX_PROCESS_TERMINATED, zx_deadline_after(kMillisecond), nullptr),
                ZX_ERR_TIMED_OUT);
  token.reset();
  expect_eq(fate(process), 3);
}

TEST("a policy's exception can be handled, and the call has gone its way") {
  Handle job = new_job();
  const zx_policy_basic_v2_t policy = {
      .condition = ZX_POL_NEW_EVENT, .action = ZX_POL_ACTION_DENY_EXCEPTION, .flags = ZX_POL_OVERRIDE_DENY};
  require_ok(zx_job_set_policy(job, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC_V2, &policy, 1));
  Handle channel = attach(job);
  Handle process = child_of(job, "no-event");
  Caught caught = next(channel);
  expect_eq(caught.info.type, ZX_EXCP_POLICY_ERROR);
  expect_eq(report_of(caught.thread()).context.synth_code, ZX_EXCP_POLICY_CODE_NEW_EVENT);
  caught.finish(ZX_EXCEPTION_STATE_HANDLED);
  expect_eq(fate(process), 3);
}

TEST("a handler that dies leaves the exception to the next") {
  Handle job = new_job();
  Handle of_job = attach(job);
  {
    Handle starts = attach(job, ZX_EXCEPTION_CHANNEL_DEBUGGER);
    Handle process = child_of(job);
    Caught starting = next(starts);
    Handle debugger = attach(process, ZX_EXCEPTION_CHANNEL_DEBUGGER);
    starting.exception.reset();
    next(debugger).exception.reset();
    require_ok(zx_object_wait_one(debugger, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, nullptr));
    debugger.reset();  // The message in it, and the exception in that, go with it.
    Caught caught = next(of_job);
    make_good(caught.thread(), 9);
    caught.finish(ZX_EXCEPTION_STATE_HANDLED);
    expect_eq(fate(process), 9);
  }
}

}  // namespace
