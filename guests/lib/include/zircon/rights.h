/* zx_rights_t: single rights, and those that new objects come with. */
#pragma once

#include <stdint.h>

typedef uint32_t zx_rights_t;

#include <zircon/generated/rights.h>
