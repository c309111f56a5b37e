/* Ends as it is told: `ends WAY [NUMBER]`. For whoever tests what a runner makes of it. */
#include "guests/lib/expect.h"
#include "guests/lib/memory.h"
#include "guests/lib/process.h"
#include "guests/lib/thread.h"

/* Two threads, each of which holds what the other waits for. */
struct Partner {
  zx_handle_t waits_for;
};

static void wait_forever(void* argument) {
  const struct Partner* partner = argument;
  zx_signals_t observed;
  zx_object_wait_one(partner->waits_for, ZX_EVENTPAIR_SIGNALED, ZX_TIME_INFINITE, &observed);
}

static int deadlock(void) {
  zx_handle_t ends[2];
  require_ok(zx_eventpair_create(0, &ends[0], &ends[1]));
  struct Partner other = {ends[1]}, self = {ends[0]};
  struct Thread thread;
  require_ok(thread_start(&thread, "partner", wait_forever, &other));
  wait_forever(&self);
  return 1;
}

/* A deadline is something that can happen: no deadlock. */
static int long_sleep(void) {
  require_ok(zx_nanosleep(zx_deadline_after(ZX_HOUR(24 * 365))));
  return 0;
}

static int killed(void) {
  zx_task_kill(zx_process_self());
  return 1;
}

/* Something that Zircon has and no machine here: a hypervisor. */
static int unsupported(void) {
  zx_handle_t guest = ZX_HANDLE_INVALID, vmar = ZX_HANDLE_INVALID;
  zx_status_t status = zx_guest_create(ZX_HANDLE_INVALID, 0, &guest, &vmar);
  print("zx_guest_create: %s\n", zx_status_get_string(status));
  return status == ZX_OK;
}

/* A decimal number, with a sign or without. */
static int64_t number_of(const char* text) {
  const bool negative = *text == '-';
  uint64_t value = 0;
  for (const char* digit = text + negative; *digit >= '0' && *digit <= '9'; ++digit) {
    value = value * 10 + (uint64_t)(*digit - '0');
  }
  return (int64_t)(negative ? -value : value);
}

int main(int argc, char** argv) {
  const char* way = argc > 1 ? argv[1] : "";
  if (strcmp(way, "deadlock") == 0) return deadlock();
  if (strcmp(way, "long-sleep") == 0) return long_sleep();
  if (strcmp(way, "killed") == 0) return killed();
  if (strcmp(way, "unsupported") == 0) return unsupported();
  if (strcmp(way, "code") == 0 && argc > 2) zx_process_exit(number_of(argv[2]));
  print("usage: ends deadlock | long-sleep | killed | unsupported | code NUMBER\n");
  return 2;
}
