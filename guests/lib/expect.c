/* The counting and reporting behind expect.h, and the main() of programs that are all tests. */
#include "guests/lib/expect.h"

#include <stdatomic.h>

#include "guests/lib/memory.h"
#include "guests/lib/process.h"

static atomic_int failures;

/* The test that runs now, for the line that says it failed. */
static const char* running;
static int running_number;
static atomic_bool reported;

int guest_failures(void) { return failures; }

/* Counts what did not hold, and begins the report: the test's "not ok" comes first, so that what
 * explains it is there even if the program dies of it. */
static bool count(bool held) {
  if (held) return true;
  ++failures;
  if (running != NULL && !atomic_exchange(&reported, true)) print("not ok %d - %s\n", running_number, running);
  return false;
}

bool guest_expect(bool held, const char* condition, const char* file, int line) {
  if (!count(held)) print("#   %s:%d: expected %s\n", file, line, condition);
  return held;
}

bool guest_expect_eq(int64_t actual, int64_t wanted, const char* actual_text, const char* wanted_text, const char* file,
                     int line) {
  if (count(actual == wanted)) return true;
  print("#   %s:%d: expected %s == %s, but %ld (%#lx) is not %ld (%#lx)\n", file, line, actual_text, wanted_text,
        (long)actual, (long)actual, (long)wanted, (long)wanted);
  return false;
}

bool guest_expect_status(zx_status_t actual, zx_status_t wanted, const char* text, const char* file, int line) {
  if (count(actual == wanted)) return true;
  print("#   %s:%d: expected %s from %s, got %s (%d)\n", file, line, zx_status_get_string(wanted), text,
        zx_status_get_string(actual), actual);
  return false;
}

bool guest_expect_text(const char* actual, const char* wanted, const char* text, const char* file, int line) {
  if (count(strcmp(actual, wanted) == 0)) return true;
  print("#   %s:%d: expected %s to be \"%s\", got \"%s\"\n", file, line, text, wanted, actual);
  return false;
}

static _Noreturn void give_up(void) {
  print("#   giving up: the rest would make no sense\n");
  guest_exit(1);
}

void guest_require_failed(const char* condition, const char* file, int line) {
  guest_expect(false, condition, file, line);
  give_up();
}

void guest_require_ok_failed(zx_status_t actual, const char* text, const char* file, int line) {
  guest_expect_status(actual, ZX_OK, text, file, line);
  give_up();
}

extern const struct GuestTest* const __start_guest_tests[] __attribute__((weak, visibility("hidden")));
extern const struct GuestTest* const __stop_guest_tests[] __attribute__((weak, visibility("hidden")));

static bool contains(const char* text, const char* part) {
  const size_t size = strlen(part);
  for (; *text != '\0'; ++text) {
    if (strncmp(text, part, size) == 0) return true;
  }
  return size == 0;
}

static bool chosen(const char* claim, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (contains(claim, argv[i])) return true;
  }
  return argc < 2;
}

__attribute__((weak)) int main(int argc, char** argv, char** envp) {
  (void)envp;
  for (const struct GuestTest* const* test = __start_guest_tests; test != __stop_guest_tests; ++test) {
    if (!chosen((*test)->claim, argc, argv)) continue;
    running = (*test)->claim;
    ++running_number;
    reported = false;
    (*test)->run();
    if (!reported) print("ok %d - %s\n", running_number, running);
  }
  print("1..%d\n", running_number);
  return failures == 0 ? 0 : 1;
}
