// What processes.cc starts: does what its first argument says.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

bool is(const char* text, const char* word) { return strcmp(text, word) == 0; }

int64_t number(const char* text) {
  const bool negative = *text == '-';
  uint64_t value = 0;
  for (text += negative; *text != '\0'; ++text) value = value * 10 + static_cast<uint64_t>(*text - '0');
  return static_cast<int64_t>(negative ? 0 - value : value);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 1;
  const char* what = argv[1];
  if (is(what, "exit")) zx_process_exit(number(argv[2]));
  if (is(what, "return")) return static_cast<int>(number(argv[2]));
  if (is(what, "sleep")) zx_nanosleep(ZX_TIME_INFINITE);
  if (is(what, "spin")) {
    for (volatile int i = 0;; i = i + 1) {
    }
  }
  if (is(what, "last thread")) {  // The initial thread leaves; the process lives as long as the other one.
    static Thread thread;
    require_ok(thread_start(
        &thread, "left behind", [](void*) { zx_nanosleep(zx_deadline_after(kMillisecond)); }, nullptr));
    zx_thread_exit();
  }
  if (is(what, "exit from thread")) {
    Running thread("quitter", [] { zx_process_exit(77); });
    zx_nanosleep(ZX_TIME_INFINITE);
  }
  if (is(what, "echo")) {  // Answers messages on its channel, twice what it was sent, until the other end closes.
    Handle channel(zx_take_startup_handle(PA_HND(PA_USER0, 0)));
    uint64_t value = 0;
    uint32_t size = 0, handles = 0;
    const zx_signals_t either = ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED;
    while (zx_object_wait_one(channel, either, ZX_TIME_INFINITE, nullptr) == ZX_OK) {
      if (zx_channel_read(channel, 0, &value, nullptr, sizeof value, 0, &size, &handles) != ZX_OK) break;
      value *= 2;
      zx_channel_write(channel, 0, &value, sizeof value, nullptr, 0);
    }
    return 0;
  }
  return 2;
}
