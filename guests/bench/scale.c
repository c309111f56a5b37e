/* One operation while there is much of something: `bench_scale WHAT SIZE ROUNDS` makes SIZE of it, then does the
 * operation ROUNDS times.
 *
 *   handles     one more handle, used and closed, in a process that has SIZE
 *   observers   a wait at a port on an object that has SIZE of them: registered, fired, taken from the port
 *   waiters     a packet for one of SIZE threads that wait at a port, and its answer
 *   runnable    a yield, with SIZE threads beside that do nothing else
 *   blocked     a yield to another thread and back, with SIZE that sleep
 *   packets     a packet queued and one taken, in a port that holds SIZE
 *   messages    a message of 64 KiB written and one read, in a channel that holds SIZE */
#include "guests/bench/rounds.h"
#include "guests/lib/expect.h"
#include "guests/lib/memory.h"
#include "guests/lib/thread.h"

enum { kMaxThreads = 10240 };

static struct Thread threads[kMaxThreads];

static zx_handle_t make_port(void) {
  zx_handle_t port;
  require_ok(zx_port_create(0, &port));
  return port;
}

static zx_handle_t make_event(void) {
  zx_handle_t event;
  require_ok(zx_event_create(0, &event));
  return event;
}

static void queue(zx_handle_t port) {
  zx_port_packet_t packet = {.type = ZX_PKT_TYPE_USER};
  require_ok(zx_port_queue(port, &packet));
}

static void take(zx_handle_t port) {
  zx_port_packet_t packet;
  require_ok(zx_port_wait(port, ZX_TIME_INFINITE, &packet));
}

static void handles(uint64_t size, uint64_t rounds) {
  zx_handle_t event = make_event();
  for (uint64_t i = 1; i < size; ++i) make_event();
  for (; rounds > 0; --rounds) {
    zx_handle_t copy;
    require_ok(zx_handle_duplicate(event, ZX_RIGHT_SAME_RIGHTS, &copy));
    require_ok(zx_object_signal(copy, 0, ZX_USER_SIGNAL_0));
    require_ok(zx_handle_close(copy));
  }
}

static void observers(uint64_t size, uint64_t rounds) {
  zx_handle_t port = make_port(), event = make_event();
  /* Each of them goes through all, as many times as makes so many rounds. */
  for (rounds = rounds < size ? 1 : rounds / size; rounds > 0; --rounds) {
    for (uint64_t i = 0; i < size; ++i) require_ok(zx_object_wait_async(event, port, i, ZX_USER_SIGNAL_0, 0));
    require_ok(zx_object_signal(event, 0, ZX_USER_SIGNAL_0));
    for (uint64_t i = 0; i < size; ++i) take(port);
    require_ok(zx_object_signal(event, ZX_USER_SIGNAL_0, 0));
  }
}

struct Ports {
  zx_handle_t questions, answers;
};

static void answer(void* argument) {
  const struct Ports* ports = argument;
  for (;;) {
    take(ports->questions);
    queue(ports->answers);
  }
}

static void waiters(uint64_t size, uint64_t rounds) {
  require(size <= kMaxThreads);
  struct Ports ports = {make_port(), make_port()};
  for (uint64_t i = 0; i < size; ++i) require_ok(thread_start(&threads[i], "waiter", answer, &ports));
  require_ok(zx_nanosleep(zx_deadline_after(ZX_SEC(1)))); /* Until all of them wait. */
  for (; rounds > 0; --rounds) {
    queue(ports.questions);
    take(ports.answers);
  }
}

static void yield_for_ever(void* argument) {
  (void)argument;
  for (;;) require_ok(zx_thread_legacy_yield(0));
}

static void sleep_for_ever(void* argument) { require_ok(zx_nanosleep(zx_deadline_after((zx_time_t)argument))); }

static void runnable(uint64_t size, uint64_t rounds) {
  require(size <= kMaxThreads);
  for (uint64_t i = 0; i < size; ++i) require_ok(thread_start(&threads[i], "runnable", yield_for_ever, NULL));
  /* Each of ours lets all others have theirs. */
  for (rounds = rounds < size ? 1 : rounds / size; rounds > 0; --rounds) require_ok(zx_thread_legacy_yield(0));
  zx_process_exit(guest_failures());
}

static void blocked(uint64_t size, uint64_t rounds) {
  require(size < kMaxThreads);
  for (uint64_t i = 0; i < size; ++i) {
    require_ok(thread_start(&threads[i], "blocked", sleep_for_ever, (void*)(ZX_HOUR(1) + i)));
  }
  require_ok(zx_nanosleep(zx_deadline_after(ZX_SEC(1)))); /* Until all of them sleep. */
  require_ok(thread_start(&threads[size], "other", yield_for_ever, NULL));
  for (; rounds > 0; --rounds) require_ok(zx_thread_legacy_yield(0));
  zx_process_exit(guest_failures());
}

static void packets(uint64_t size, uint64_t rounds) {
  zx_handle_t port = make_port();
  for (uint64_t i = 0; i < size; ++i) queue(port);
  for (; rounds > 0; --rounds) {
    take(port);
    queue(port);
  }
}

static void messages(uint64_t size, uint64_t rounds) {
  static char bytes[ZX_CHANNEL_MAX_MSG_BYTES];
  memset(bytes, 1, sizeof bytes);
  zx_handle_t a, b;
  require_ok(zx_channel_create(0, &a, &b));
  for (uint64_t i = 0; i < size; ++i) require_ok(zx_channel_write(a, 0, bytes, sizeof bytes, NULL, 0));
  for (; rounds > 0; --rounds) {
    require_ok(zx_channel_write(a, 0, bytes, sizeof bytes, NULL, 0));
    require_ok(zx_channel_read(b, 0, bytes, NULL, sizeof bytes, 0, NULL, NULL));
  }
}

int main(int argc, char** argv) {
  require(argc == 4);
  uint64_t size = rounds_of(2, argv + 1), rounds = rounds_of(2, argv + 2);
  switch (argv[1][0]) {
    case 'h': handles(size, rounds); break;
    case 'o': observers(size, rounds); break;
    case 'w': waiters(size, rounds); break;
    case 'p': packets(size, rounds); break;
    case 'r': runnable(size, rounds); break;
    case 'b': blocked(size, rounds); break;
    default: messages(size, rounds); break;
  }
  return guest_failures();
}
