/* What a program knows about itself from its start, beside what <zircon/process.h> says. */
#pragma once

#include "guests/lib/zircon.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the vDSO is mapped, and its VMO, which a launcher passes on. */
uintptr_t guest_vdso_base(void);
zx_handle_t guest_vdso_vmo(void);

/* The channel that the first message came through, for a program that defines `guest_keeps_bootstrap`. */
zx_handle_t guest_bootstrap(void);

/* Writes out an unfinished line and ends the process. */
__attribute__((noreturn)) void guest_exit(int64_t code);

#ifdef __cplusplus
}
#endif
