/* zx_status_t values. */
#pragma once

#include <zircon/generated/errors.h>
