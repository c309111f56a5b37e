/* zx_cache_flush: cache maintenance is allowed to user programs on both architectures and needs no kernel.
 *
 * On arm64 this relies on SCTLR_EL1.UCI, which every board of ours sets. */
#include "kernel/vdso/vdso.h"

enum { kFlushInsn = 1, kFlushData = 2, kFlushInvalidate = 4 };

/* Runs one maintenance instruction on each line that [start, end) touches. */
#define FOR_EACH_LINE(start, end, line_size, instruction)                                         \
  for (uintptr_t line = (start) & ~((uintptr_t)(line_size)-1); line < (end); line += (line_size)) \
  __asm__ volatile(instruction ::"r"(line) : "memory")

VDSO_CALL(zx_status_t, cache_flush, (const void* address, size_t size, uint32_t options)) {
  const uintptr_t start = (uintptr_t)address, end = start + size;
  const uintptr_t data_line = vdso_constants.dcache_line_size;

  /* At least one of the caches, and "invalidate" says how to flush data. */
  if ((options & ~(uint32_t)(kFlushInsn | kFlushData | kFlushInvalidate)) != 0) return ZX_ERR_INVALID_ARGS;
  if ((options & (kFlushInsn | kFlushData)) == 0) return ZX_ERR_INVALID_ARGS;
  if ((options & kFlushInvalidate) != 0 && (options & kFlushData) == 0) return ZX_ERR_INVALID_ARGS;
  if (data_line == 0) return ZX_ERR_NOT_SUPPORTED;

#if defined(__x86_64__)
  FOR_EACH_LINE(start, end, data_line, "clflush (%0)");
  __asm__ volatile("mfence" ::: "memory");
#elif defined(__aarch64__)
  const uintptr_t insn_line = vdso_constants.icache_line_size;
  if (insn_line == 0) return ZX_ERR_NOT_SUPPORTED;
  if ((options & kFlushData) == 0) {
    FOR_EACH_LINE(start, end, data_line, "dc cvau, %0"); /* To the point of unification: enough for fetches. */
  } else if ((options & kFlushInvalidate) == 0) {
    FOR_EACH_LINE(start, end, data_line, "dc cvac, %0");
  } else {
    FOR_EACH_LINE(start, end, data_line, "dc civac, %0");
  }
  __asm__ volatile("dsb sy" ::: "memory");
  if ((options & kFlushInsn) != 0) {
    FOR_EACH_LINE(start, end, insn_line, "ic ivau, %0");
    __asm__ volatile("dsb sy\n\tisb" ::: "memory");
  }
#else
#error "an architecture without a vDSO"
#endif
  return ZX_OK;
}
