// A process as the printers of calls and reports see it.
#pragma once

#include <string>

#include "kernel/inspect/guest_view.h"

namespace jacinth::kernel {

class AddressSpace;
class Process;
class Thread;

class ProcessView final : public GuestView {
 public:
  explicit ProcessView(Process& process) : process_(process) {}

  Arch arch() const override;
  size_t peek(GuestAddr from, std::span<std::byte> to) const override;
  std::optional<Named> named(Handle handle) const override;

 private:
  Process& process_;
};

/// Copies memory of an address space up to the first byte that only a fault could bring; returns how many bytes.
/// Pages that were never written are zeros. Permissions do not matter.
size_t peek(AddressSpace& space, GuestAddr from, std::span<std::byte> to);

/// `process 1040 "demo"`, `thread 1042 "initial-thread"`: what messages call them.
std::string describe(const Process& process);
std::string describe(const Thread& thread);

}  // namespace jacinth::kernel
