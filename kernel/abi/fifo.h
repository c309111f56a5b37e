// FIFOs (zircon/types.h).
#pragma once

#include <cstddef>

namespace jacinth::abi {

/// elem_count * elem_size of one direction may not exceed this.
inline constexpr size_t kFifoMaxSizeBytes = 4096;

}  // namespace jacinth::abi
