/* The two calls that thread libraries end a thread with: after the first step its stack may be gone, so everything
 * lives in registers, and nothing is pushed, called or returned through. */
#include "kernel/vdso/trap_arm64.inc"
#include "kernel/vdso/vdso_numbers.h"

/* void (const zx_futex_t* value_ptr, uint32_t wake_count, int32_t new_value, zx_handle_t close_handle) */
  FUNCTION _zx_futex_wake_handle_close_thread_exit
  mov w9, w3
  stlr w2, [x0]  /* A release: what the thread wrote before is seen by whoever reads the new value. */
  TRAP zx_futex_wake, NUMBER_zx_futex_wake, futex_wake_handle_close_thread_exit
  mov w0, w9
  TRAP zx_handle_close, NUMBER_zx_handle_close, futex_wake_handle_close_thread_exit
  TRAP zx_thread_exit, NUMBER_zx_thread_exit, futex_wake_handle_close_thread_exit
  brk #1
  END_FUNCTION _zx_futex_wake_handle_close_thread_exit

/* zx_status_t (zx_handle_t vmar, zx_vaddr_t addr, size_t size, zx_handle_t close_handle); returns only on failure. */
  FUNCTION _zx_vmar_unmap_handle_close_thread_exit
  mov w9, w3
  TRAP zx_vmar_unmap, NUMBER_zx_vmar_unmap, vmar_unmap_handle_close_thread_exit
  cbnz w0, 1f
  mov w0, w9
  TRAP zx_handle_close, NUMBER_zx_handle_close, vmar_unmap_handle_close_thread_exit
  TRAP zx_thread_exit, NUMBER_zx_thread_exit, vmar_unmap_handle_close_thread_exit
  brk #1
1:
  ret
  END_FUNCTION _zx_vmar_unmap_handle_close_thread_exit

  PUBLIC zx_futex_wake_handle_close_thread_exit
  PUBLIC zx_vmar_unmap_handle_close_thread_exit

  .section .note.GNU-stack, "", @progbits
