// Every object that programs talk through, as the SDK's own stubs and constants have them.
#include <string.h>
#include <zircon/process.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/clock.h>
#include <zircon/syscalls/port.h>

#include "guests/sdk/claims.h"

int main(void) {
  zx_handle_t a, b, port, event, timer;
  CLAIM("a channel is made", zx_channel_create(0, &a, &b) == ZX_OK);
  CLAIM("a port is made", zx_port_create(0, &port) == ZX_OK);
  CLAIM("it waits for the channel", zx_object_wait_async(b, port, 77, ZX_CHANNEL_READABLE, 0) == ZX_OK);
  zx_event_create(0, &event);
  CLAIM("a message carries a handle", zx_channel_write(a, 0, "hello", 5, &event, 1) == ZX_OK);
  zx_port_packet_t packet;
  CLAIM("the port tells of it", zx_port_wait(port, ZX_TIME_INFINITE, &packet) == ZX_OK && packet.key == 77 &&
                                    packet.type == ZX_PKT_TYPE_SIGNAL_ONE && packet.signal.count == 1);
  char bytes[10];
  uint32_t byte_count, handle_count;
  zx_handle_t received;
  CLAIM("the message is read",
        zx_channel_read(b, 0, bytes, &received, sizeof bytes, 1, &byte_count, &handle_count) == ZX_OK &&
            byte_count == 5 && handle_count == 1);
  CLAIM("the handle is good", zx_object_signal(received, 0, ZX_USER_SIGNAL_0) == ZX_OK);
  zx_port_packet_t mine = {.key = 5, .type = ZX_PKT_TYPE_USER};
  CLAIM("a packet of one's own comes back",
        zx_port_queue(port, &mine) == ZX_OK && zx_port_wait(port, 0, &packet) == ZX_OK && packet.key == 5);
  CLAIM("nothing more is there", zx_port_wait(port, zx_deadline_after(ZX_MSEC(1)), &packet) == ZX_ERR_TIMED_OUT);

  zx_timer_create(ZX_TIMER_SLACK_LATE, ZX_CLOCK_MONOTONIC, &timer);
  zx_time_t when = zx_deadline_after(ZX_MSEC(20));
  zx_signals_t seen;
  CLAIM("a timer is set", zx_timer_set(timer, when, 0) == ZX_OK);
  CLAIM("and rings", zx_object_wait_one(timer, ZX_TIMER_SIGNALED, ZX_TIME_INFINITE, &seen) == ZX_OK &&
                         zx_clock_get_monotonic() >= when);
  zx_handle_t left, right;
  CLAIM("sockets carry a stream", zx_socket_create(ZX_SOCKET_STREAM, &left, &right) == ZX_OK);
  size_t actual;
  CLAIM("in order", zx_socket_write(left, 0, "abc", 3, &actual) == ZX_OK && actual == 3 &&
                        zx_socket_read(right, 0, bytes, 2, &actual) == ZX_OK && actual == 2 && bytes[1] == 'b');
  CLAIM("a side is shut", zx_socket_shutdown(left, ZX_SOCKET_SHUTDOWN_WRITE) == ZX_OK &&
                              zx_socket_write(left, 0, "x", 1, &actual) == ZX_ERR_BAD_STATE);
  zx_handle_t in, out;
  CLAIM("fifos carry elements",
        zx_fifo_create(4, 8, 0, &in, &out) == ZX_OK && zx_fifo_write(in, 8, "12345678", 1, &actual) == ZX_OK &&
            zx_fifo_read(out, 8, bytes, 1, &actual) == ZX_OK && memcmp(bytes, "12345678", 8) == 0);
  zx_handle_t first, second;
  CLAIM("event pairs tell when the other is gone",
        zx_eventpair_create(0, &first, &second) == ZX_OK && zx_handle_close(first) == ZX_OK &&
            zx_object_wait_one(second, ZX_EVENTPAIR_PEER_CLOSED, 0, &seen) == ZX_OK);
  zx_handle_t job;
  CLAIM("a job is made in the default job", zx_job_create(zx_job_default(), 0, &job) == ZX_OK);
  CLAIM("it takes a name", zx_object_set_property(job, ZX_PROP_NAME, "worker", 6) == ZX_OK);
  zx_info_handle_basic_t info;
  CLAIM("and says what it is", zx_object_get_info(job, ZX_INFO_HANDLE_BASIC, &info, sizeof info, NULL, NULL) == ZX_OK &&
                                   info.type == ZX_OBJ_TYPE_JOB);
  zx_handle_t clock;
  zx_clock_create_args_v1_t args = {.backstop_time = 1000};
  zx_time_t now;
  CLAIM("a clock shows its backstop", zx_clock_create(ZX_CLOCK_ARGS_VERSION(1), &args, &clock) == ZX_OK &&
                                          zx_clock_read(clock, &now) == ZX_OK && now == 1000);
  unsigned char chance[600] = {0};
  zx_cprng_draw(chance, sizeof chance);
  int sum = 0;
  for (size_t i = 0; i < sizeof chance; ++i) sum |= chance[i];
  CLAIM("there is chance, more than one call's worth", sum == 255);
  zx_handle_t near, far;
  zx_signals_t state = 0;
  zx_socket_create(0, &near, &far);
  zx_handle_close(far);
  CLAIM("a socket can be shut down after its peer is gone", zx_socket_shutdown(near, ZX_SOCKET_SHUTDOWN_READ) == ZX_OK);
  zx_object_wait_one(near, ZX_SOCKET_PEER_WRITE_DISABLED, 0, &state);
  CLAIM("and says so", state == (ZX_SOCKET_PEER_CLOSED | ZX_SOCKET_PEER_WRITE_DISABLED));
  zx_handle_close(near);

  CLAIM("ticks and time agree", zx_ticks_per_second() > 0 && zx_ticks_get() > 0);
  CLAIM("the machine has processors and memory", zx_system_get_num_cpus() >= 1 && zx_system_get_physmem() > 1 << 20);
  zx_string_view_t version = zx_system_get_version_string();
  CLAIM("and a version", version.length > 0 && strlen(version.c_str) == version.length);
  CLAIM("a status has a name", strcmp(zx_status_get_string(ZX_ERR_BAD_HANDLE), "ZX_ERR_BAD_HANDLE") == 0);
  return claims_end();
}
