/* Printing, to the kernel's log: whole lines, so that what several threads and processes say does not mix.
 *
 * Formats as printf has them: %d %i %u %x %X %c %s %p %%, with l, ll, z, h, hh, flags '-' '0' '+' ' ' '#', width and
 * precision (both may be '*'). No floating point: what a test wants to see of it is its bits. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "guests/lib/zircon.h"

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((format(printf, 1, 2))) void print(const char* format, ...);
void print_arguments(const char* format, va_list arguments);

/* Writes out a line that has no end yet. */
void print_flush(void);

/* Formats into a buffer; returns how long the text is, cut or not. */
__attribute__((format(printf, 3, 4))) size_t format_text(char* buffer, size_t size, const char* format, ...);
size_t format_arguments(char* buffer, size_t size, const char* format, va_list arguments);

/* Lines go to this debuglog from now on; without one, to zx_debug_write. */
void print_to_log(zx_handle_t log);
zx_handle_t print_log(void);

#ifdef __cplusplus
}
#endif
