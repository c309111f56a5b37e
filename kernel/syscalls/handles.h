// Many handles at once, as calls pass them: closed, sent, received.
#pragma once

#include <cstdint>

#include "kernel/abi/channel.h"
#include "kernel/syscalls/call.h"

namespace jacinth::kernel {

/// Closes what it can and skips zeros; kBadHandle when any value was bad, kInvalidArgs where the array cannot be read.
Status close_handles(Call& call, UserIn<Handle> handles, uint64_t count);

}  // namespace jacinth::kernel
