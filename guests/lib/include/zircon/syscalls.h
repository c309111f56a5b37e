/* The calls. Each has a second name with an underscore before it, which a program's own definition cannot replace. */
#pragma once

#include <zircon/string_view.h>
#include <zircon/syscalls/pci.h>
#include <zircon/syscalls/port.h>
#include <zircon/syscalls/profile.h>
#include <zircon/syscalls/smc.h>
#include <zircon/syscalls/system.h>
#include <zircon/types.h>

__BEGIN_CDECLS

#include <zircon/generated/syscalls.h>

__END_CDECLS
