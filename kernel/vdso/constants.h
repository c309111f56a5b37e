/* What the vDSO knows about its machine: filled in by the kernel before the first process starts, read by the
 * vDSO's own code, never written by a guest. One header for both sides (C inside the vDSO, C++ in the kernel).
 *
 * The layout is ours and private to a pair of kernel and vDSO, as Zircon's is. It lies in the read-only segment at
 * `VdsoImage::constants_offset`, and the image carries zeros there. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
namespace jacinth::kernel {
#endif

enum { kVdsoVersionStringMax = 64 };

struct VdsoConstants {
  uint32_t num_cpus;
  uint32_t page_size;
  uint32_t dcache_line_size;
  uint32_t icache_line_size;
  /* zx_system_get_features, by kind. Bit 0 of `cpu` clear: that kind is ZX_ERR_NOT_SUPPORTED, as on x86-64. */
  uint32_t features_cpu;
  uint32_t features_hw_breakpoints;
  uint32_t features_hw_watchpoints;
  uint32_t features_vm;
  uint64_t physmem;
  int64_t ticks_per_second;
  /* Without the terminating NUL, which must be there. */
  uint64_t version_string_length;
  char version_string[kVdsoVersionStringMax];
};

#ifdef __cplusplus
static_assert(sizeof(VdsoConstants) == 56 + kVdsoVersionStringMax, "no padding: C and C++ agree on every byte");
}  // namespace jacinth::kernel
#endif
