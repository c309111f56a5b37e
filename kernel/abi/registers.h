// What zx_thread_read_state gives and zx_thread_write_state takes, per architecture (zircon/syscalls/debug.h).
// One build of Jacinth serves both, so the architecture is part of the name here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/layout.h"

namespace jacinth::abi {

struct GeneralRegsX86 {
  uint64_t rax = 0;
  uint64_t rbx = 0;
  uint64_t rcx = 0;
  uint64_t rdx = 0;
  uint64_t rsi = 0;
  uint64_t rdi = 0;
  uint64_t rbp = 0;
  uint64_t rsp = 0;
  uint64_t r8 = 0;
  uint64_t r9 = 0;
  uint64_t r10 = 0;
  uint64_t r11 = 0;
  uint64_t r12 = 0;
  uint64_t r13 = 0;
  uint64_t r14 = 0;
  uint64_t r15 = 0;
  uint64_t rip = 0;
  uint64_t rflags = 0;
  uint64_t fs_base = 0;
  uint64_t gs_base = 0;
};
static_assert(WireStruct<GeneralRegsX86> && sizeof(GeneralRegsX86) == 160);

struct GeneralRegsArm64 {
  std::array<uint64_t, 30> r = {};
  uint64_t lr = 0;
  uint64_t sp = 0;
  uint64_t pc = 0;
  uint64_t cpsr = 0;
  uint64_t tpidr = 0;
};
static_assert(WireStruct<GeneralRegsArm64> && sizeof(GeneralRegsArm64) == 280);

/// 128 bits, as the x87 stack and the arm64 vector registers have them.
struct Register128 {
  uint64_t low = 0;
  uint64_t high = 0;
};

/// The x87 state, in the order of FXSAVE.
struct FpRegsX86 {
  uint16_t fcw = 0;
  uint16_t fsw = 0;
  uint8_t ftw = 0;
  uint8_t reserved = 0;
  uint16_t fop = 0;
  uint64_t fip = 0;
  uint64_t fdp = 0;
  std::array<uint8_t, 8> padding1 = {};
  std::array<Register128, 8> st = {};
};
static_assert(WireStruct<FpRegsX86> && sizeof(FpRegsX86) == 160);

/// A placeholder: arm64 keeps floating point in its vector registers.
struct FpRegsArm64 {
  uint32_t unused = 0;
};
static_assert(WireStruct<FpRegsArm64> && sizeof(FpRegsArm64) == 4);

struct Register512 {
  std::array<uint64_t, 8> v = {};
};

/// Room for AVX-512 whatever the processor has; what it lacks reads as zero.
struct VectorRegsX86 {
  std::array<Register512, 32> zmm = {};
  std::array<uint64_t, 8> opmask = {};
  uint32_t mxcsr = 0;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<VectorRegsX86> && sizeof(VectorRegsX86) == 2120);

struct VectorRegsArm64 {
  uint32_t fpcr = 0;
  uint32_t fpsr = 0;
  std::array<Register128, 32> v = {};
};
static_assert(WireStruct<VectorRegsArm64> && sizeof(VectorRegsArm64) == 520);

struct DebugRegsX86 {
  std::array<uint64_t, 4> dr = {};
  uint64_t dr6 = 0;
  uint64_t dr7 = 0;
};
static_assert(WireStruct<DebugRegsX86> && sizeof(DebugRegsX86) == 48);

inline constexpr size_t kArm64MaxHwBreakpoints = 16;
inline constexpr size_t kArm64MaxHwWatchpoints = 16;

struct DebugRegsArm64 {
  struct Breakpoint {
    uint32_t dbgbcr = 0;
    std::array<uint8_t, 4> padding1 = {};
    uint64_t dbgbvr = 0;
  };
  struct Watchpoint {
    uint32_t dbgwcr = 0;
    std::array<uint8_t, 4> padding1 = {};
    uint64_t dbgwvr = 0;
  };
  std::array<Breakpoint, kArm64MaxHwBreakpoints> hw_bps = {};
  std::array<Watchpoint, kArm64MaxHwWatchpoints> hw_wps = {};
  uint64_t far = 0;
  uint32_t esr = 0;
  uint8_t hw_bps_count = 0;
  uint8_t hw_wps_count = 0;
  std::array<uint8_t, 2> padding1 = {};
};
static_assert(WireStruct<DebugRegsArm64> && sizeof(DebugRegsArm64) == 528);
static_assert(offsetof(DebugRegsArm64, hw_wps) == 256 && offsetof(DebugRegsArm64, far) == 512);

/// zx_restricted_read_state and zx_restricted_write_state (zircon/syscalls-next.h).
struct RestrictedStateX86 {
  uint64_t rdi = 0;
  uint64_t rsi = 0;
  uint64_t rbp = 0;
  uint64_t rbx = 0;
  uint64_t rdx = 0;
  uint64_t rcx = 0;
  uint64_t rax = 0;
  uint64_t rsp = 0;
  uint64_t r8 = 0;
  uint64_t r9 = 0;
  uint64_t r10 = 0;
  uint64_t r11 = 0;
  uint64_t r12 = 0;
  uint64_t r13 = 0;
  uint64_t r14 = 0;
  uint64_t r15 = 0;
  uint64_t ip = 0;
  uint64_t flags = 0;
  uint64_t fs_base = 0;
  uint64_t gs_base = 0;
};
static_assert(WireStruct<RestrictedStateX86> && sizeof(RestrictedStateX86) == 160);

struct RestrictedStateArm64 {
  std::array<uint64_t, 31> x = {};
  uint64_t sp = 0;
  uint32_t cpsr = 0;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<RestrictedStateArm64> && sizeof(RestrictedStateArm64) == 264);

}  // namespace jacinth::abi
