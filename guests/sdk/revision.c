// Rules of July 2020 that later kernels changed: threads are killed alone, in whatever they do, and tell of themselves
// when they are dead; numbers of job policies; any number of waits of one port; sizes, options, rights and properties;
// what is done of a range behind the end of memory, or where something is already; contents and sizes.
#include <stdatomic.h>
#include <stdint.h>
#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/exception.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/policy.h>
#include <zircon/syscalls/port.h>

#include "guests/sdk/claims.h"

enum { kStackSize = 4096, kMaxWaits = 60000 };
static _Alignas(16) uint8_t stacks[8][kStackSize];
static unsigned stacks_used;
static atomic_int spins;

// Without the C library's own thread structure: nothing but calls and loops.
#define BARE __attribute__((no_sanitize("all"), no_stack_protector, noinline))

static BARE void sleeps(uintptr_t a, uintptr_t b) {
  zx_nanosleep(ZX_TIME_INFINITE);
  __builtin_trap();
}

static BARE void loops(uintptr_t a, uintptr_t b) {
  for (;;) atomic_store(&spins, 1);
}

static BARE void waits_on_futex(uintptr_t word, uintptr_t b) {
  zx_futex_wait((const zx_futex_t*)word, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
  __builtin_trap();
}

static BARE void crashes(uintptr_t a, uintptr_t b) {
  *(volatile int*)0x10 = 1;
  __builtin_trap();
}

static BARE void kills(uintptr_t thread, uintptr_t b) {
  zx_task_kill((zx_handle_t)thread);
  __builtin_trap();
}

static zx_handle_t make(void) {
  zx_handle_t thread = ZX_HANDLE_INVALID;
  zx_thread_create(zx_process_self(), "victim", 6, 0, &thread);
  return thread;
}

static void start(zx_handle_t thread, void (*entry)(uintptr_t, uintptr_t), uintptr_t argument) {
  // x86-64 pushes no return address here, so that the stack is as a function's caller leaves it.
  uintptr_t top = (uintptr_t)stacks[stacks_used++] + kStackSize;
#ifdef __x86_64__
  top -= 8;
#endif
  zx_thread_start(thread, (zx_vaddr_t)entry, top, argument, 0);
}

static zx_thread_state_t state_of(zx_handle_t thread) {
  zx_info_thread_t info = {0};
  zx_object_get_info(thread, ZX_INFO_THREAD, &info, sizeof info, NULL, NULL);
  return info.state;
}

static void until(zx_handle_t thread, zx_thread_state_t state) {
  while (state_of(thread) != state) zx_nanosleep(zx_deadline_after(ZX_USEC(10)));
}

static bool dies(zx_handle_t thread) {
  return zx_task_kill(thread) == ZX_OK &&
         zx_object_wait_one(thread, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(1)), NULL) == ZX_OK &&
         state_of(thread) == ZX_THREAD_STATE_DEAD;
}

static void threads_die(void) {
  zx_handle_t fresh = make();
  CLAIM("a thread that was not started stays new",
        zx_task_kill(fresh) == ZX_OK && state_of(fresh) == ZX_THREAD_STATE_NEW);
  zx_handle_close(fresh);

  zx_handle_t sleeper = make();
  start(sleeper, sleeps, 0);
  until(sleeper, ZX_THREAD_STATE_BLOCKED_SLEEPING);
  CLAIM("a sleeping thread is killed", dies(sleeper));
  CLAIM("a dead one can be killed again", zx_task_kill(sleeper) == ZX_OK);

  zx_info_thread_stats_t stats = {0};
  CLAIM("the dead tell how long they ran",
        zx_object_get_info(sleeper, ZX_INFO_THREAD_STATS, &stats, sizeof stats, NULL, NULL) == ZX_OK &&
            stats.total_runtime > 0);
  zx_handle_t token = ZX_HANDLE_INVALID;
  CLAIM("the dead are not suspended", zx_task_suspend(sleeper, &token) == ZX_ERR_BAD_STATE);

  zx_handle_t looper = make();
  start(looper, loops, 0);
  while (atomic_load(&spins) == 0) zx_nanosleep(zx_deadline_after(ZX_USEC(10)));
  zx_task_suspend(looper, &token);
  zx_object_wait_one(looper, ZX_THREAD_SUSPENDED, ZX_TIME_INFINITE, NULL);
  atomic_store(&spins, 100);
  CLAIM("a suspended thread is killed, and does nothing more", dies(looper) && atomic_load(&spins) == 100);
  zx_handle_close(token);

  zx_futex_t word = 0;
  zx_handle_t waiter = make();
  start(waiter, waits_on_futex, (uintptr_t)&word);
  until(waiter, ZX_THREAD_STATE_BLOCKED_FUTEX);
  CLAIM("a thread that waits on a futex is killed", dies(waiter));
  CLAIM("nobody is left there to wake", zx_futex_wake(&word, 1) == ZX_OK);

  zx_handle_t own = make();
  start(own, kills, own);
  CLAIM("a thread kills itself",
        zx_object_wait_one(own, ZX_THREAD_TERMINATED, zx_deadline_after(ZX_SEC(1)), NULL) == ZX_OK);

  zx_handle_t weak = ZX_HANDLE_INVALID;
  zx_handle_duplicate(own, ZX_RIGHT_READ | ZX_RIGHT_WRITE, &weak);
  CLAIM("it takes ZX_RIGHT_DESTROY", zx_task_kill(weak) == ZX_ERR_ACCESS_DENIED);
}

static void exceptions(void) {
  zx_handle_t thread = make();
  zx_handle_t channel = ZX_HANDLE_INVALID;
  zx_task_create_exception_channel(thread, 0, &channel);
  start(thread, crashes, 0);
  zx_object_wait_one(channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, NULL);

  zx_exception_report_t report = {0};
  CLAIM("a report has the size of its structure",
        zx_object_get_info(thread, ZX_INFO_THREAD_EXCEPTION_REPORT, &report, sizeof report, NULL, NULL) == ZX_OK &&
            report.header.size == sizeof report && report.header.type == ZX_EXCP_FATAL_PAGE_FAULT);

  zx_exception_info_t info;
  zx_handle_t exception = ZX_HANDLE_INVALID;
  zx_channel_read(channel, 0, &info, &exception, sizeof info, 1, NULL, NULL);
  CLAIM("a thread is killed in its exception", dies(thread));
  zx_signals_t seen = 0;
  zx_object_wait_one(channel, ZX_CHANNEL_PEER_CLOSED, 0, &seen);
  CLAIM("its channel is closed", (seen & ZX_CHANNEL_PEER_CLOSED) != 0);
  uint32_t state = ZX_EXCEPTION_STATE_HANDLED;
  CLAIM("the exception outlives it",
        zx_object_set_property(exception, ZX_PROP_EXCEPTION_STATE, &state, sizeof state) == ZX_OK &&
            zx_handle_close(exception) == ZX_OK);
}

static void policies(void) {
  zx_handle_t job = ZX_HANDLE_INVALID;
  zx_job_create(zx_job_default(), 0, &job);
  zx_policy_basic_v1_t records[16] = {{0}};
  CLAIM("a job takes no more records than there are conditions",
        zx_job_set_policy(job, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC_V1, records, 16) == ZX_ERR_OUT_OF_RANGE &&
            zx_job_set_policy(job, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC_V1, records, 15) == ZX_OK);
  zx_policy_basic_v1_t last = {.condition = ZX_POL_AMBIENT_MARK_VMO_EXEC, .policy = ZX_POL_ACTION_DENY};
  CLAIM("the last one is about executable VMOs",
        zx_job_set_policy(job, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC_V1, &last, 1) == ZX_OK);
  ++last.condition;
  CLAIM("behind it there is none",
        zx_job_set_policy(job, ZX_JOB_POL_RELATIVE, ZX_JOB_POL_BASIC_V1, &last, 1) == ZX_ERR_INVALID_ARGS);
}

static void crowd(void) {
  zx_handle_t port = ZX_HANDLE_INVALID;
  zx_handle_t event = ZX_HANDLE_INVALID;
  zx_port_create(0, &port);
  zx_event_create(0, &event);
  int waits = 0;
  while (waits < kMaxWaits && zx_object_wait_async(event, port, waits, ZX_USER_SIGNAL_0, 0) == ZX_OK) ++waits;
  CLAIM("a port takes any number of waits", waits == kMaxWaits);
  zx_handle_close(port);
}

static void objects(void) {
  zx_handle_t a = ZX_HANDLE_INVALID;
  zx_handle_t b = ZX_HANDLE_INVALID;
  CLAIM("a FIFO has a power of two of places",
        zx_fifo_create(35, 32, 0, &a, &b) == ZX_ERR_OUT_OF_RANGE && zx_fifo_create(32, 32, 0, &a, &b) == ZX_OK);

  zx_info_handle_basic_t info = {0};
  zx_object_get_info(a, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL);
  CLAIM("what can be waited for says so", info.props == ZX_OBJ_PROP_WAITABLE);
  zx_handle_t port = ZX_HANDLE_INVALID;
  zx_port_create(0, &port);
  zx_object_get_info(port, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL);
  CLAIM("a port cannot", info.props == ZX_OBJ_PROP_NONE);
  CLAIM("waits know one option", zx_object_wait_async(a, port, 1, ZX_USER_SIGNAL_0, 2) == ZX_ERR_INVALID_ARGS);

  zx_socket_create(ZX_SOCKET_STREAM, &a, &b);
  zx_object_get_info(a, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL);
  CLAIM("a socket has the rights that its header gives it", info.rights == ZX_DEFAULT_SOCKET_RIGHTS);
  zx_handle_t writer = ZX_HANDLE_INVALID;
  zx_handle_duplicate(a, ZX_RIGHT_WRITE, &writer);
  CLAIM("who may write may shut it", zx_socket_shutdown(writer, ZX_SOCKET_SHUTDOWN_WRITE) == ZX_OK);
}

static void memory(void) {
  enum { kPage = 4096 };
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  zx_vmo_create(2 * kPage, ZX_VMO_RESIZABLE, &vmo);
  CLAIM("a range is cut where the VMO ends",
        zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, kPage, 4 * kPage, NULL, 0) == ZX_OK &&
            zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, 4 * kPage, NULL, 0) == ZX_OK &&
            zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 3 * kPage, kPage, NULL, 0) == ZX_ERR_OUT_OF_RANGE);

  char text[] = "abcdef";
  uint64_t content = 2;
  zx_vmo_write(vmo, text, 0, sizeof text);
  zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &content, sizeof content);
  text[4] = 0;
  zx_vmo_read(vmo, text, 0, sizeof text);
  CLAIM("the content size changes no content", text[4] == 'e');
  text[4] = 0;
  zx_vmo_set_size(vmo, 3);
  zx_vmo_read(vmo, text, 0, sizeof text);
  CLAIM("a new size cuts whole pages off", text[4] == 'e');

  zx_handle_t region = ZX_HANDLE_INVALID;
  zx_vaddr_t at = 0;
  zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC, 0, 4 * kPage, &region, &at);
  CLAIM("there is no memory for a place that is taken",
        zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, kPage, vmo, 0, kPage, &at) == ZX_OK &&
            zx_vmar_map(region, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, kPage, vmo, 0, kPage, &at) == ZX_ERR_NO_MEMORY);
  CLAIM("an offset that overflows is a wrong argument",
        zx_vmar_map(region, ZX_VM_PERM_READ, 0, vmo, ~(uint64_t)kPage + 1, kPage, &at) == ZX_ERR_INVALID_ARGS);
}

int main(void) {
  threads_die();
  exceptions();
  policies();
  crowd();
  objects();
  memory();
  return claims_end();
}
