/* The handles that every process starts with, as its start-up code keeps them. */
#pragma once

#include <stdint.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* Takes the handle that came with this PA_HND() value at start; ZX_HANDLE_INVALID when there is none (any more). */
zx_handle_t zx_take_startup_handle(uint32_t hnd_info);

zx_handle_t _zx_thread_self(void);
zx_handle_t zx_thread_self(void);

zx_handle_t _zx_process_self(void);
zx_handle_t zx_process_self(void);

zx_handle_t _zx_vmar_root_self(void);
zx_handle_t zx_vmar_root_self(void);

zx_handle_t _zx_job_default(void);
zx_handle_t zx_job_default(void);

__END_CDECLS
