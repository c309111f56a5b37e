// Names as calls pass them: longer ones are cut without a word (zircon/kernel/lib/syscalls, copy_user_string).
#pragma once

#include <algorithm>
#include <string>

#include "kernel/abi/task.h"
#include "kernel/syscalls/user.h"

namespace jacinth::kernel {

/// kInvalidArgs for a null pointer.
inline Result<std::string> read_name(UserBytesIn name, size_t size) {
  if (name.null()) return Status::kInvalidArgs;
  return name.text(std::min(size, abi::kMaxNameLen));
}

}  // namespace jacinth::kernel
