/* zx_resource_create. */
#pragma once

#include <zircon/generated/resource.h>
#include <zircon/types.h>

/* The two halves of the options. */
#define ZX_RSRC_EXTRACT_KIND(x) ((x)&0x0000FFFFu)
#define ZX_RSRC_EXTRACT_FLAGS(x) ((x)&0xFFFF0000u)
