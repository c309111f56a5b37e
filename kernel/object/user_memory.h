// A guest's memory as the kernel reaches it: through the address space, page by page, with faults resolved as they
// would be for the guest itself.
//
// kernel/vm's AddressSpace implements it. System call handlers see it through UserIn, UserOut and their like
// (kernel/syscalls/user.h), which know the types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "emu/base/access.h"
#include "emu/base/address.h"
#include "kernel/abi/names.h"

namespace jacinth::kernel {

class UserMemory {
 public:
  virtual ~UserMemory() = default;

  /// kInvalidArgs when any byte is out of the guest's reach; what comes before it may have been copied. kParked when a
  /// page has to come from elsewhere first: the calling thread waits for it now, and its system call runs again.
  virtual Status read(GuestAddr from, std::span<std::byte> to) = 0;
  virtual Status write(GuestAddr to, std::span<const std::byte> from) = 0;
  /// Brings all pages of the range, for calls that could not be begun again once they have acted. kParked and
  /// kInvalidArgs as above; nothing is copied.
  virtual Status prepare(GuestAddr at, uint64_t size, AccessKind access) = 0;
};

}  // namespace jacinth::kernel
