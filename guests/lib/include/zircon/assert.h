/* Assertions of programs. A failed one ends the program with its text. */
#pragma once

#include <stdbool.h>
#include <zircon/compiler.h>

__BEGIN_CDECLS

void __zx_panic(const char* format, ...) __NO_RETURN __PRINTFLIKE(1, 2);

__END_CDECLS

#ifdef NDEBUG
#define ZX_DEBUG_ASSERT_IMPLEMENTED false
#else
#define ZX_DEBUG_ASSERT_IMPLEMENTED true
#endif

#define ZX_PANIC(...) __zx_panic(__VA_ARGS__)

#define ZX_ASSERT_MSG(x, message, ...)                                                         \
  do {                                                                                         \
    if (unlikely(!(x))) {                                                                      \
      __zx_panic("%s:%d: assertion %s: " message "\n", __FILE__, __LINE__, #x, ##__VA_ARGS__); \
    }                                                                                          \
  } while (0)
#define ZX_ASSERT(x) ZX_ASSERT_MSG(x, "failed")

/* These are compiled, so that what they name exists, but do nothing in programs built with NDEBUG. */
#define ZX_DEBUG_ASSERT_MSG(x, ...) ZX_ASSERT_MSG(!ZX_DEBUG_ASSERT_IMPLEMENTED || (x), __VA_ARGS__)
#define ZX_DEBUG_ASSERT(x) ZX_DEBUG_ASSERT_MSG(x, "failed")
#define ZX_DEBUG_ASSERT_COND(x) ZX_DEBUG_ASSERT(x)
