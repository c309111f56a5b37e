// What whoever prints a guest's calls may see of the guest. It looks and never touches: no page is brought in, no
// accessed bit set, no counter counted, so that a traced run is the same run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "emu/base/address.h"
#include "kernel/abi/names.h"

namespace jacinth::kernel {

class GuestView {
 public:
  /// What a handle names.
  struct Named {
    ObjectType type = ObjectType::kNone;
    Koid koid = Koid::kInvalid;
  };

  virtual ~GuestView() = default;
  virtual Arch arch() const = 0;
  /// Copies memory up to the first byte that cannot be seen; returns how many bytes that were.
  virtual size_t peek(GuestAddr from, std::span<std::byte> to) const = 0;
  /// Nothing when the process has no such handle.
  virtual std::optional<Named> named(Handle handle) const = 0;

  /// Whether all of it could be seen.
  bool peek_all(GuestAddr from, std::span<std::byte> to) const { return peek(from, to) == to.size(); }
};

}  // namespace jacinth::kernel
