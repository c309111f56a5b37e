// The number of a page container, unique in one run: how saved state and frame records refer to it.
#pragma once

#include <cstdint>

namespace jacinth::kernel {

enum class PagesId : uint64_t { kNone = 0 };

}  // namespace jacinth::kernel
