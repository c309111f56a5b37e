// Virtual machines and their processors (zircon/syscalls/hypervisor.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

enum class GuestTrap : uint32_t { kBell = 0, kMem = 1, kIo = 2 };

/// zx_guest_create; kDirect is of late 2022.
enum class GuestOptions : uint32_t { kNormal = 0, kDirect = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<GuestOptions> = true;

enum class VcpuStateKind : uint32_t { kState = 0, kIo = 1 };

struct VcpuStateX86 {
  uint64_t rax = 0;
  uint64_t rcx = 0;
  uint64_t rdx = 0;
  uint64_t rbx = 0;
  uint64_t rsp = 0;
  uint64_t rbp = 0;
  uint64_t rsi = 0;
  uint64_t rdi = 0;
  uint64_t r8 = 0;
  uint64_t r9 = 0;
  uint64_t r10 = 0;
  uint64_t r11 = 0;
  uint64_t r12 = 0;
  uint64_t r13 = 0;
  uint64_t r14 = 0;
  uint64_t r15 = 0;
  uint64_t rflags = 0;
};
static_assert(WireStruct<VcpuStateX86> && sizeof(VcpuStateX86) == 136);

struct VcpuStateArm64 {
  std::array<uint64_t, 31> x = {};
  uint64_t sp = 0;
  uint32_t cpsr = 0;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<VcpuStateArm64> && sizeof(VcpuStateArm64) == 264);

/// The answer to a trapped port read.
struct VcpuIo {
  uint8_t access_size = 0;
  std::array<uint8_t, 3> padding1 = {};
  std::array<uint8_t, 4> data = {};
};
static_assert(WireStruct<VcpuIo> && sizeof(VcpuIo) == 8 && offsetof(VcpuIo, data) == 4);

}  // namespace jacinth::abi
