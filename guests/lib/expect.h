/* Tests that run inside the machine: each file holds claims, and what shows them.
 *
 *   TEST("an event keeps its signal until it is cleared") {
 *     ...
 *     expect_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
 *     expect_eq(pending, ZX_EVENT_SIGNALED);
 *   }
 *
 * A failed expectation is printed with its place and both values, and the test goes on; a failed `require` ends the
 * program. The library brings a main() that runs every TEST and prints TAP, a line per claim; it returns 1 when one did
 * not hold. Arguments choose tests by a part of their claims. */
#pragma once

#include <stdbool.h>

#include "guests/lib/print.h"

struct GuestTest {
  const char* claim;
  void (*run)(void);
};

#define GUEST_JOIN_(a, b) a##b
#define GUEST_JOIN(a, b) GUEST_JOIN_(a, b)

/* The linker gathers the pointers; their section's name must be one that C can spell. */
#define TEST(claim) GUEST_TEST(claim, GUEST_JOIN(test_, __LINE__), GUEST_JOIN(test_row_, __LINE__))
#define GUEST_TEST(claim, function, row)                                                                          \
  static void function(void);                                                                                     \
  static const struct GuestTest row = {claim, function};                                                          \
  static const struct GuestTest* const GUEST_JOIN(row, _) __attribute__((section("guest_tests"), used, retain)) = \
      &row;                                                                                                       \
  static void function(void)

#define expect(condition) guest_expect((condition), #condition, __FILE__, __LINE__)
#define expect_eq(actual, wanted) \
  guest_expect_eq((int64_t)(actual), (int64_t)(wanted), #actual, #wanted, __FILE__, __LINE__)
#define expect_status(actual, wanted) guest_expect_status((actual), (wanted), #actual, __FILE__, __LINE__)
#define expect_ok(actual) expect_status(actual, ZX_OK)
#define expect_text(actual, wanted) guest_expect_text((actual), (wanted), #actual, __FILE__, __LINE__)

/* Without this the rest of the program makes no sense. What holds costs a comparison: loops that are timed use it. */
#define require(condition) \
  (__builtin_expect(!!(condition), 1) ? (void)0 : guest_require_failed(#condition, __FILE__, __LINE__))
#define require_ok(actual) guest_require_ok((actual), #actual, __FILE__, __LINE__)

#ifdef __cplusplus
extern "C" {
#endif

/* Each says whether the expectation held. */
bool guest_expect(bool held, const char* condition, const char* file, int line);
bool guest_expect_eq(int64_t actual, int64_t wanted, const char* actual_text, const char* wanted_text, const char* file,
                     int line);
bool guest_expect_status(zx_status_t actual, zx_status_t wanted, const char* text, const char* file, int line);
bool guest_expect_text(const char* actual, const char* wanted, const char* text, const char* file, int line);
__attribute__((noreturn)) void guest_require_failed(const char* condition, const char* file, int line);
__attribute__((noreturn)) void guest_require_ok_failed(zx_status_t actual, const char* text, const char* file,
                                                       int line);
static inline void guest_require_ok(zx_status_t actual, const char* text, const char* file, int line) {
  if (__builtin_expect(actual != ZX_OK, 0)) guest_require_ok_failed(actual, text, file, line);
}

/* Expectations that failed so far: what a program with a main() of its own returns. */
int guest_failures(void);

#ifdef __cplusplus
}
#endif
