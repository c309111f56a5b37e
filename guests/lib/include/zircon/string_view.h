/* Text with its length, as calls return it. */
#pragma once

#include <stddef.h>
#include <zircon/compiler.h>

__BEGIN_CDECLS

typedef struct zx_string_view {
  const char* c_str; /* ends with a NUL that length leaves out */
  size_t length;
} zx_string_view_t;

__END_CDECLS
