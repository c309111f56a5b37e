/* Calls that exist to test how calls are made. */
#pragma once

#include <zircon/syscalls.h>

__BEGIN_CDECLS

#include <zircon/generated/testonly-syscalls.h>

__END_CDECLS
