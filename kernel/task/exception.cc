#include "kernel/task/exception.h"

#include "emu/state/archive.h"

namespace jacinth::kernel {
namespace {

abi::ExceptionType type_of(ExceptionInfo::Kind kind) {
  using enum ExceptionInfo::Kind;
  switch (kind) {
    case kPageFault: return abi::ExceptionType::kFatalPageFault;
    case kUndefinedInstruction: return abi::ExceptionType::kUndefinedInstruction;
    case kBreakpoint: return abi::ExceptionType::kSwBreakpoint;
    case kHardwareBreakpoint: return abi::ExceptionType::kHwBreakpoint;
    case kUnalignedAccess: return abi::ExceptionType::kUnalignedAccess;
    case kDivideError:
    case kGeneral: break;
  }
  return abi::ExceptionType::kGeneral;
}

}  // namespace

Exception Exception::from_machine(const ExceptionInfo& info) { return {.type = type_of(info.kind), .cause = info}; }

Exception Exception::from_policy(abi::ExceptionPolicyCode code, uint32_t data, GuestAddr pc) {
  Exception exception{
      .type = abi::ExceptionType::kPolicyError, .synth_code = static_cast<uint32_t>(code), .synth_data = data};
  exception.cause.pc = pc;
  return exception;
}

abi::ExceptionReport Exception::report(Arch arch) const {
  abi::ExceptionReport report{};
  report.header = {.size = sizeof report, .type = type};
  if (arch == Arch::kArm64) {
    report.arm_64 = {.esr = cause.syndrome, .far = cause.address.value};
  } else {
    // Only page faults read CR2: an address that is none is not told.
    bool page_fault = type == abi::ExceptionType::kFatalPageFault;
    uint64_t cr2 = page_fault ? cause.address.value : 0;
    report.x86_64 = {.vector = cause.vector, .err_code = cause.error_code, .cr2 = cr2};
  }
  report.synth_code = synth_code;
  report.synth_data = synth_data;
  return report;
}

void Exception::state(Archive& ar) {
  ar(type, synth_code, synth_data);
  ar(cause.kind, cause.pc, cause.address, cause.access, cause.present, cause.vector, cause.error_code, cause.syndrome,
     cause.point);
}

std::string_view exception_type_text(abi::ExceptionType type) {
  using enum abi::ExceptionType;
  switch (type) {
    case kGeneral: return "general exception";
    case kFatalPageFault: return "page fault";
    case kUndefinedInstruction: return "undefined instruction";
    case kSwBreakpoint: return "breakpoint";
    case kHwBreakpoint: return "hardware breakpoint";
    case kUnalignedAccess: return "unaligned access";
    case kThreadStarting: return "thread starting";
    case kThreadExiting: return "thread exiting";
    case kPolicyError: return "policy error";
    case kProcessStarting: return "process starting";
  }
  return "exception";
}

}  // namespace jacinth::kernel
