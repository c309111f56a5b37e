/* The name of a status, for people. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

const char* _zx_status_get_string(zx_status_t status) __CONST;
const char* zx_status_get_string(zx_status_t status) __CONST;

__END_CDECLS
