// The registers of one thread, as plain data: what a context switch saves, a snapshot holds and a digest covers.
//
// One layout serves both architectures; what an architecture lacks stays zero. ARM DDI 0487 (VMSAv8-64, EL0 view) and
// Intel SDM vol. 1 (64-bit mode, CPL 3 view).
//
// Left out: AVX and SVE state (the CPU models have neither), debug registers (issue of their own), system registers
// (the model answers for them).
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "emu/base/address.h"

namespace jacinth {

/// 128 bits, low half first.
struct Vector128 {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const Vector128&) const = default;
};

/// Indices into Registers::gpr on x86-64, in the order of the instruction encoding.
enum X86Gpr : uint8_t { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15 };

struct Registers {
  /// arm64: x0..x30. x86-64: the sixteen registers of X86Gpr, RSP included.
  std::array<uint64_t, 31> gpr = {};
  uint64_t sp = 0;                        ///< arm64 SP_EL0; x86-64 keeps RSP in gpr[kRsp] and leaves this zero.
  uint64_t pc = 0;                        ///< PC or RIP.
  uint64_t flags = 0;                     ///< PSTATE.NZCV in bits 31..28, or RFLAGS.
  uint64_t tls = 0;                       ///< TPIDR_EL0, or FS.base.
  uint64_t tls_second = 0;                ///< TPIDRRO_EL0 (always zero so far), or GS.base.
  std::array<Vector128, 32> vector = {};  ///< v0..v31, or xmm0..xmm15.
  std::array<Vector128, 8> x87 = {};      ///< ST(0)..ST(7), 80 bits each.
  uint32_t fpcr = 0;                      ///< FPCR, or MXCSR.
  uint32_t fpsr = 0;                      ///< FPSR; x86-64 keeps its flags in MXCSR.
  uint16_t x87_control = 0;
  uint16_t x87_status = 0;
  uint16_t x87_tag = 0;
  /// arm64: an exclusive load is waiting for its store (ARM DDI 0487, B2.9): the thread was stopped between the two.
  uint16_t exclusive = 0;
  uint64_t exclusive_address = 0;
  Vector128 exclusive_value;

  bool operator==(const Registers&) const = default;
};
static_assert(std::has_unique_object_representations_v<Registers>);

/// The stack pointer, which the two architectures keep in different places.
constexpr uint64_t& stack_pointer(Arch arch, Registers& r) { return arch == Arch::kArm64 ? r.sp : r.gpr[kRsp]; }
constexpr uint64_t stack_pointer(Arch arch, const Registers& r) { return arch == Arch::kArm64 ? r.sp : r.gpr[kRsp]; }

/// Where a system call's result goes: x0 or RAX.
constexpr uint64_t& result_register(Registers& r) { return r.gpr[0]; }

}  // namespace jacinth
