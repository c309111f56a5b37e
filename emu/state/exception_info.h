// A guest exception, cause and place exact: what the CPU reports and the kernel turns into a report for programs.
#pragma once

#include <cstdint>

#include "emu/base/access.h"
#include "emu/base/address.h"

namespace jacinth {

struct ExceptionInfo {
  enum class Kind : uint8_t {
    kPageFault,
    kUndefinedInstruction,
    kBreakpoint,  ///< BRK, INT3. The PC is as the processor reports it: at the BRK, behind the INT3.
    kHardwareBreakpoint,
    kUnalignedAccess,
    kDivideError,
    kGeneral,  ///< General protection, FP traps and the rest; `vector` says which.
  };
  Kind kind = Kind::kGeneral;
  GuestAddr pc;
  GuestAddr address;  ///< Page faults: the first byte that could not be accessed.
  AccessKind access = AccessKind::kRead;
  bool present = false;     ///< Page faults: a translation exists but forbids the access.
  uint32_t vector = 0;      ///< x86-64: the exception vector (Intel SDM vol. 3A, 6.15).
  uint32_t error_code = 0;  ///< x86-64: as the processor pushes it.
  uint32_t syndrome = 0;    ///< arm64: ESR_EL1 (ARM DDI 0487, D13.2.37).
  /// kHardwareBreakpoint: which point of DebugControl it was, by its number; or a step.
  static constexpr uint32_t kStep = ~0u;
  uint32_t point = 0;
};

}  // namespace jacinth
