// What the ABI's register structures of x86-64 have in common, and which values no program may have.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "emu/state/registers.h"

namespace jacinth::kernel {

/// CF, PF, AF, ZF, SF, TF, DF, OF, NT, AC, ID: the flags that a program may set (X86_FLAGS_USER).
inline constexpr uint64_t kX86UserFlags = 0x24'4dd5;
inline constexpr uint64_t kX86TrapFlag = 0x100;
/// What every program has: interrupts are on, and bit 1 is always set.
inline constexpr uint64_t kX86InitialFlags = 0x202;

/// Bits 63 to 47 are alike.
constexpr bool x86_canonical(uint64_t address) {
  auto upper = static_cast<int64_t>(address) >> 47;
  return upper == 0 || upper == -1;
}

/// Where each general register lies in a structure that names them as usual.
template <class T>
inline constexpr std::array<std::pair<uint64_t T::*, X86Gpr>, 16> kX86Fields = {{
    {&T::rax, kRax},
    {&T::rbx, kRbx},
    {&T::rcx, kRcx},
    {&T::rdx, kRdx},
    {&T::rsi, kRsi},
    {&T::rdi, kRdi},
    {&T::rbp, kRbp},
    {&T::rsp, kRsp},
    {&T::r8, kR8},
    {&T::r9, kR9},
    {&T::r10, kR10},
    {&T::r11, kR11},
    {&T::r12, kR12},
    {&T::r13, kR13},
    {&T::r14, kR14},
    {&T::r15, kR15},
}};

}  // namespace jacinth::kernel
