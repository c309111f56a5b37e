// Jobs and what they hold: children that crash, exit and are killed, with their codes; policies; and exceptions of
// another process, seen by its job and by its debugger.
#include <lib/fdio/spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/policy.h>

#include "guests/sdk/claims.h"

static int in_thread(void* argument) {
  exit((int)(intptr_t)argument);
  return 0;
}

/// What a child does, by the word that it was started with.
static int be_child(const char* how) {
  volatile int zero = 0;
  thrd_t thread;
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "trap") == 0) __builtin_trap();
  if (strcmp(how, "write") == 0) *(volatile int*)0x1000 = 1;
  if (strcmp(how, "panic") == 0) return (int)(100 / zero) + 7;  // An exception on one architecture alone.
  if (strcmp(how, "quick") == 0) quick_exit(5);
  if (strcmp(how, "wait") == 0) zx_nanosleep(ZX_TIME_INFINITE);
  if (strcmp(how, "thread") == 0) {
    thrd_create(&thread, in_thread, (void*)(intptr_t)66);
    thrd_join(thread, NULL);
  }
  if (strcmp(how, "event") == 0) {
    zx_handle_t event;
    return zx_event_create(0, &event) == ZX_ERR_ACCESS_DENIED ? 30 : 31;
  }
  return 300;
}

static zx_handle_t start(zx_handle_t job, const char* how) {
  const char* arguments[] = {"jobs", how, NULL};
  zx_handle_t process = ZX_HANDLE_INVALID;
  char error[FDIO_SPAWN_ERR_MSG_MAX_LENGTH] = "";
  if (fdio_spawn_etc(job, FDIO_SPAWN_CLONE_ALL, "/pkg/jobs", arguments, NULL, 0, NULL, &process, error) != ZX_OK) {
    printf("# %s\n", error);
  }
  return process;
}

static int64_t end_of(zx_handle_t process) {
  zx_info_process_t info = {0};
  zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, NULL);
  zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof info, NULL, NULL);
  zx_handle_close(process);
  return info.exited ? info.return_code : -1;
}

/// Takes the exception of a child, and lets its thread go on or its process end.
static zx_excp_type_t take(zx_handle_t channel, uint32_t state, zx_handle_t* thread) {
  zx_exception_info_t info = {0};
  zx_handle_t exception = ZX_HANDLE_INVALID;
  zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
  if (zx_channel_read(channel, 0, &info, &exception, sizeof info, 1, NULL, NULL) != ZX_OK) return 0;
  if (thread != NULL) zx_exception_get_thread(exception, thread);
  zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof state);
  zx_handle_close(exception);
  return info.type;
}

int main(int argc, char** argv) {
  if (argc > 1) return be_child(argv[1]);
  zx_handle_t self = zx_job_default();
  zx_handle_t job;
  CLAIM("a job is made", zx_job_create(self, 0, &job) == ZX_OK);
  CLAIM("a child's code is what it returned", end_of(start(job, "return")) == 300);
  CLAIM("or gave to quick_exit", end_of(start(job, "quick")) == 5);
  CLAIM("or another thread gave to exit", end_of(start(job, "thread")) == 66);

  // Each is caught here, so that nobody else reports it, and then left to end its process.
  zx_handle_t channel;
  CLAIM("a job's exceptions are ours", zx_task_create_exception_channel(job, 0, &channel) == ZX_OK);
  zx_handle_t process = start(job, "write");
  CLAIM("a child writes where it may not",
        take(channel, ZX_EXCEPTION_STATE_TRY_NEXT, NULL) == ZX_EXCP_FATAL_PAGE_FAULT);
  CLAIM("and ends by it", end_of(process) == ZX_TASK_RETCODE_EXCEPTION_KILL);
  process = start(job, "abort");
  zx_excp_type_t type = take(channel, ZX_EXCEPTION_STATE_TRY_NEXT, NULL);
  CLAIM("abort is an exception", type == ZX_EXCP_SW_BREAKPOINT || type == ZX_EXCP_UNDEFINED_INSTRUCTION ||
                                     type == ZX_EXCP_GENERAL || type == ZX_EXCP_FATAL_PAGE_FAULT);
  CLAIM("that ends it", end_of(process) == ZX_TASK_RETCODE_EXCEPTION_KILL);
  process = start(job, "trap");
  zx_handle_t thread = ZX_HANDLE_INVALID;
  zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);
  CLAIM("its thread waits meanwhile",
        zx_object_wait_one(process, ZX_PROCESS_TERMINATED, zx_deadline_after(ZX_MSEC(5)), NULL) == ZX_ERR_TIMED_OUT);
  take(channel, ZX_EXCEPTION_STATE_TRY_NEXT, &thread);
  zx_info_handle_basic_t info = {0};
  CLAIM("and is known by its handle",
        zx_object_get_info(thread, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL) == ZX_OK &&
            info.type == ZX_OBJ_TYPE_THREAD);
  CLAIM("a trap ends it", end_of(process) == ZX_TASK_RETCODE_EXCEPTION_KILL);
  zx_handle_close(thread);
  process = start(job, "panic");
#ifdef __x86_64__
  CLAIM("division by zero is an exception", take(channel, ZX_EXCEPTION_STATE_TRY_NEXT, NULL) == ZX_EXCP_GENERAL &&
                                                end_of(process) == ZX_TASK_RETCODE_EXCEPTION_KILL);
#else
  CLAIM("division by zero is zero", end_of(process) == 7);
#endif

  process = start(job, "wait");
  zx_handle_t debugger;
  CLAIM("a debugger comes",
        zx_task_create_exception_channel(process, ZX_EXCEPTION_CHANNEL_DEBUGGER, &debugger) == ZX_OK);
  zx_koid_t threads[4];
  size_t actual = 0, available = 0;
  while (actual == 0) {
    zx_nanosleep(zx_deadline_after(ZX_MSEC(1)));
    zx_object_get_info(process, ZX_INFO_PROCESS_THREADS, threads, sizeof threads, &actual, &available);
  }
  zx_handle_t token = ZX_HANDLE_INVALID;
  zx_thread_state_general_regs_t registers;
  CLAIM("finds a thread", zx_object_get_child(process, threads[0], ZX_RIGHT_SAME_RIGHTS, &thread) == ZX_OK);
  CLAIM("suspends it and reads its registers",
        zx_task_suspend(thread, &token) == ZX_OK &&
            zx_object_wait_one(thread, ZX_THREAD_SUSPENDED, ZX_TIME_INFINITE, NULL) == ZX_OK &&
            zx_thread_read_state(thread, ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof registers) == ZX_OK);
  zx_handle_close(token);
  zx_koid_t children[4];
  CLAIM("the job knows its processes",
        zx_object_get_info(job, ZX_INFO_JOB_PROCESSES, children, sizeof children, &actual, &available) == ZX_OK &&
            actual == 1);
  CLAIM("a process is killed", zx_task_kill(process) == ZX_OK && end_of(process) == ZX_TASK_RETCODE_SYSCALL_KILL);
  zx_handle_close(debugger);
  zx_handle_close(thread);

  zx_handle_t strict;
  zx_job_create(self, 0, &strict);
  zx_policy_basic_t deny = {ZX_POL_NEW_EVENT, ZX_POL_ACTION_DENY};
  CLAIM("a job gets a policy", zx_job_set_policy(strict, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC, &deny, 1) == ZX_OK);
  CLAIM("its processes feel it", end_of(start(strict, "event")) == 30);
  process = start(strict, "wait");
  CLAIM("a job is killed with all in it",
        zx_task_kill(strict) == ZX_OK && end_of(process) == ZX_TASK_RETCODE_SYSCALL_KILL);
  CLAIM("nothing starts in it afterwards", start(strict, "return") == ZX_HANDLE_INVALID);
  return claims_end();
}
