// An exception that a thread runs into: what the processor or the kernel found, and how programs see it.
//
// Who handles it is kernel/task/exception_delivery.h's matter.
#pragma once

#include <cstdint>
#include <string_view>

#include "emu/base/address.h"
#include "kernel/abi/exception.h"
#include "kernel/platform/platform.h"

namespace jacinth {
class Archive;
}

namespace jacinth::kernel {

struct Exception {
  abi::ExceptionType type = abi::ExceptionType::kGeneral;
  /// What the machine reported; for policy exceptions only `pc` means something.
  ExceptionInfo cause;
  /// A policy code, or the status of a pager that failed.
  uint32_t synth_code = 0;
  uint32_t synth_data = 0;

  static Exception from_machine(const ExceptionInfo& info);
  static Exception from_policy(abi::ExceptionPolicyCode code, uint32_t data, GuestAddr pc);

  /// ZX_INFO_THREAD_EXCEPTION_REPORT.
  abi::ExceptionReport report(Arch arch) const;
  void state(Archive& ar);
};

/// "page fault", "undefined instruction": what a message calls it.
std::string_view exception_type_text(abi::ExceptionType type);

}  // namespace jacinth::kernel
