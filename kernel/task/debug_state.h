// The debug registers of a thread as programs read and write them (zx_thread_state_debug_regs_t), and what they make
// the processor look out for. zircon/kernel/arch/{arm64,x86}/registers.cc settles which bits a program may set.
#pragma once

#include <array>
#include <cstdint>

#include "emu/state/debug_control.h"
#include "emu/state/exception_info.h"
#include "kernel/abi/names.h"
#include "kernel/abi/registers.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

class DebugState {
 public:
  /// What the model of the processor has (ID_AA64DFR0_EL1).
  static constexpr uint8_t kArm64Breakpoints = 6;
  static constexpr uint8_t kArm64Watchpoints = 4;

  abi::DebugRegsX86 x86() const;
  abi::DebugRegsArm64 arm64() const;
  /// kInvalidArgs for an address that is not the guest's. Bits that are not for programs get the value they have.
  Status set(const abi::DebugRegsX86& registers);
  Status set(const abi::DebugRegsArm64& registers);

  /// The processor stopped at a point, or behind a step: what the status registers say of it.
  void note(Arch arch, const ExceptionInfo& info);
  /// A handler has dealt with that.
  void clear_step_status();

  /// The points for the processor.
  std::vector<DebugControl::Point> points(Arch arch) const;

  void state(Archive& ar);

 private:
  std::vector<DebugControl::Point> x86_points() const;
  std::vector<DebugControl::Point> arm64_points() const;

  std::array<uint64_t, 4> dr_ = {};
  uint64_t dr6_;
  uint64_t dr7_;
  std::array<uint64_t, kArm64Breakpoints> bvr_ = {};
  std::array<uint64_t, kArm64Watchpoints> wvr_ = {};
  std::array<uint32_t, kArm64Breakpoints> bcr_ = {};
  std::array<uint32_t, kArm64Watchpoints> wcr_ = {};
  uint64_t far_ = 0;
  uint32_t esr_ = 0;

 public:
  DebugState();
};

}  // namespace jacinth::kernel
