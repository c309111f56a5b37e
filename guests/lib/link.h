/* The two steps that make a freshly mapped program able to run (link.c). */
#pragma once

#include <stdint.h>

/* Applies the program's own relocations. Before this, nothing that holds an address may be used. */
void guest_relocate(void);

/* Finds every call that the program makes in the vDSO mapped at `vdso`. Before this, no zx_ call may be made. */
void guest_link_vdso(uintptr_t vdso);
