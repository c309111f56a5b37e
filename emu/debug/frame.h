// One frame of a call stack: the registers as they are in it, as far as they can be known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "emu/base/address.h"
#include "emu/state/registers.h"

namespace jacinth::emu {

/// Copies guest memory without changing anything; false when a byte cannot be seen.
using ReadMemory = std::function<bool(GuestAddr from, std::span<std::byte> to)>;

/// Registers go by their DWARF numbers: 0..30 are x0..x30 and 31 is SP on arm64 (DWARF for the Arm 64-bit Architecture,
/// section 4.1); 0..15 are RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8..R15 on x86-64 (System V ABI, figure 3.36).
struct Frame {
  static constexpr size_t kRegisters = 32;

  Arch arch = Arch::kArm64;
  uint64_t pc = 0;
  /// The frame was interrupted there: its PC is not behind a call.
  bool exact = true;
  std::array<std::optional<uint64_t>, kRegisters> registers;

  static Frame of(Arch arch, const Registers& registers);

  size_t sp_number() const { return arch == Arch::kArm64 ? 31 : 7; }
  size_t fp_number() const { return arch == Arch::kArm64 ? 29 : 6; }
  /// Whether a function gives the register back as it was (AAPCS64, section 6.1.1; System V ABI, figure 3.4).
  bool callee_saved(size_t number) const {
    if (arch == Arch::kArm64) return number >= 19 && number <= 29;
    return number == 3 || number == 6 || (number >= 12 && number <= 15);
  }
  std::optional<uint64_t> sp() const { return registers[sp_number()]; }
  /// Where to look for what the frame is doing: inside the call instruction when the PC is behind it.
  uint64_t place() const { return exact ? pc : pc - 1; }
};

}  // namespace jacinth::emu
