// Restricted mode: a thread goes on with other registers, in another half of its process's memory, and without system
// calls. What would be one brings it back into normal mode, at an address that it chose, with what it had left there.
//
//   normal mode --zx_restricted_enter--> restricted mode      in the process's own half, where it has one
//        ^                                    |
//        '--- vector(context, reason) --------'  any system call instruction
//
// zircon/kernel/kernel/restricted.cc and arch/x86/restricted.cc of the end of 2022. That revision has it on x86-64
// only: arm64 stores the registers and then finds fault with all of them. Exceptions of restricted mode go to exception
// channels like any other, with the registers of restricted mode in their reports.
//
// Left out: what came in 2023 (the state in a VMO, exceptions as a reason to come back, kicks).
#pragma once

#include <cstdint>

#include "emu/base/address.h"
#include "kernel/abi/names.h"
#include "kernel/abi/registers.h"

namespace jacinth {
class Archive;
struct Registers;
}  // namespace jacinth

namespace jacinth::kernel {

class Thread;

class RestrictedMode {
 public:
  /// What zx_restricted_write_state set, or the last way out left.
  abi::RestrictedStateX86& x86() { return x86_; }
  abi::RestrictedStateArm64& arm64() { return arm64_; }
  bool inside() const { return inside_; }

  /// kInvalidArgs for a vector that no program can have, kBadState for such registers.
  Status enter(Thread& thread, GuestAddr vector, uint64_t context);
  /// The thread makes a system call in restricted mode.
  void leave(Thread& thread);

  void state(Archive& ar);

 private:
  bool may_enter(Arch arch) const;

  abi::RestrictedStateX86 x86_;
  abi::RestrictedStateArm64 arm64_;
  bool inside_ = false;
  GuestAddr vector_;
  uint64_t context_ = 0;
  uint64_t normal_fs_base_ = 0;
  uint64_t normal_gs_base_ = 0;
};

}  // namespace jacinth::kernel
