/* Lines to the kernel's log. One line is one record; a line longer than a record (216 bytes of text since 2021, 224
 * before) goes on in the next. Threads share the unfinished line under a futex lock. */
#include "guests/lib/print.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "guests/lib/memory.h"

enum { kRecordMax = 216 };

static zx_handle_t log_handle;
static char line[kRecordMax + 1]; /* One more for zx_debug_write's newline. */
static size_t line_length;

void print_to_log(zx_handle_t log) { log_handle = log; }
zx_handle_t print_log(void) { return log_handle; }

/* 0: free; 1: held; 2: held, and somebody waits. */
static zx_futex_t lock_state;

static void lock(void) {
  int expected = 0;
  if (atomic_compare_exchange_strong(&lock_state, &expected, 1)) return;
  while (atomic_exchange(&lock_state, 2) != 0) {
    zx_futex_wait(&lock_state, 2, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
  }
}

static void unlock(void) {
  if (atomic_exchange(&lock_state, 0) == 2) zx_futex_wake(&lock_state, 1);
}

static void write_line(void) {
  if (log_handle != ZX_HANDLE_INVALID) {
    zx_debuglog_write(log_handle, 0, line, line_length);
  } else {
    line[line_length++] = '\n';
    zx_debug_write(line, line_length);
  }
  line_length = 0;
}

static void print_text(const char* text, size_t size) {
  lock();
  for (size_t i = 0; i < size; ++i) {
    if (text[i] == '\n') {
      write_line();
      continue;
    }
    if (line_length == kRecordMax) write_line();
    line[line_length++] = text[i];
  }
  unlock();
}

void print_flush(void) {
  lock();
  if (line_length > 0) write_line();
  unlock();
}

void print_arguments(const char* format, va_list arguments) {
  char buffer[1024];
  size_t length = format_arguments(buffer, sizeof buffer, format, arguments);
  print_text(buffer, length < sizeof buffer ? length : sizeof buffer - 1);
}

void print(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_arguments(format, arguments);
  va_end(arguments);
}
