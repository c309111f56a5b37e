// Exceptions of a child process, caught by its parent; and of a thread, caught by the process itself.
#include <stdint.h>
#include <string.h>
#include <threads.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/debug.h>
#include <zircon/syscalls/exception.h>
#include <zircon/threads.h>

#include "guests/sdk/claims.h"

static int crash(void* argument) {
  *(volatile int*)0x1230 = 1;
  return argument == NULL;
}

int main(void) {
  zx_handle_t channel;
  CLAIM("a process catches its own exceptions",
        zx_task_create_exception_channel(zx_process_self(), 0, &channel) == ZX_OK);
  thrd_t thread;
  thrd_create(&thread, crash, NULL);
  zx_signals_t seen;
  CLAIM("one comes", zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, &seen) == ZX_OK);
  zx_exception_info_t info;
  zx_handle_t exception, crashed;
  uint32_t bytes, handles;
  CLAIM("it says what happened",
        zx_channel_read(channel, 0, &info, &exception, sizeof info, 1, &bytes, &handles) == ZX_OK &&
            info.type == ZX_EXCP_FATAL_PAGE_FAULT);
  CLAIM("and to whom", zx_exception_get_thread(exception, &crashed) == ZX_OK);
  zx_exception_report_t report;
  CLAIM("and where",
        zx_object_get_info(crashed, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof report, NULL, NULL) == ZX_OK &&
            report.header.type == ZX_EXCP_FATAL_PAGE_FAULT);
#ifdef __x86_64__
  CLAIM("the address is told", report.context.arch.u.x86_64.cr2 == 0x1230);
#else
  CLAIM("the address is told", report.context.arch.u.arm_64.far == 0x1230);
#endif
  zx_thread_state_general_regs_t registers;
  CLAIM("registers are read",
        zx_thread_read_state(crashed, ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof registers) == ZX_OK);
  // Go on behind the function, as if it had returned at once.
#ifdef __x86_64__
  registers.rip = (uint64_t)(uintptr_t)thrd_exit;
  registers.rsp = (registers.rsp & ~15ull) - 8;
  registers.rdi = 9;
#else
  registers.pc = (uint64_t)(uintptr_t)thrd_exit;
  registers.r[0] = 9;
#endif
  CLAIM("and written",
        zx_thread_write_state(crashed, ZX_THREAD_STATE_GENERAL_REGS, &registers, sizeof registers) == ZX_OK);
  uint32_t handled = ZX_EXCEPTION_STATE_HANDLED;
  CLAIM("the thread may go on",
        zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &handled, sizeof handled) == ZX_OK);
  zx_handle_close(exception);
  zx_handle_close(crashed);
  int result = 0;
  CLAIM("and does", thrd_join(thread, &result) == thrd_success && result == 9);
  return claims_end();
}
