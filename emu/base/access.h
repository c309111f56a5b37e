// How memory is accessed and mapped: words that page tables, the CPU and the kernel share.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "emu/base/address.h"

namespace jacinth {

/// What a guest at EL0 / CPL 3 may do with a page.
struct PagePermissions {
  bool read = false;
  bool write = false;
  bool execute = false;
  constexpr auto operator<=>(const PagePermissions&) const = default;
};

enum class MemoryType : uint8_t { kNormal, kUncached, kDevice };

enum class AccessKind : uint8_t { kRead, kWrite, kExecute };

/// Where table pages come from and go back to. Frames handed out need not be zero: whoever builds tables clears them.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  virtual std::optional<PhysAddr> allocate_frame() = 0;
  virtual void free_frame(PhysAddr frame) = 0;
};

}  // namespace jacinth
