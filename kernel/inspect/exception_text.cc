#include "kernel/inspect/exception_text.h"

#include <fmt/format.h>

#include "kernel/abi/format.h"

namespace jacinth::kernel {
namespace {

std::string named(std::string_view set, uint64_t value) {
  const abi::FlagSet* names = abi::flag_set(set);
  return names != nullptr ? abi::format_enum(*names, value) : fmt::format("{:#x}", value);
}

}  // namespace

std::string exception_name(const Exception& exception) { return named("exception_type", abi::raw(exception.type)); }

std::string_view access_phrase(AccessKind access) {
  switch (access) {
    case AccessKind::kRead: return "read from";
    case AccessKind::kWrite: return "write to";
    case AccessKind::kExecute: break;
  }
  return "jump to";
}

std::string return_code_text(int64_t code) {
  std::string name = named("task_retcode", static_cast<uint64_t>(code));
  return name.starts_with("ZX_") ? fmt::format("{} ({})", name, code) : name;
}

std::string exception_detail(const Exception& exception, Arch arch) {
  const ExceptionInfo& cause = exception.cause;
  if (exception.type == abi::ExceptionType::kPolicyError) {
    std::string text = named("exception_policy_code", exception.synth_code);
    if (static_cast<abi::ExceptionPolicyCode>(exception.synth_code) == abi::ExceptionPolicyCode::kBadSyscall)
      text += fmt::format(", number {}", exception.synth_data);
    return text;
  }
  switch (cause.kind) {
    case ExceptionInfo::Kind::kPageFault: {
      std::string text = fmt::format("{} {:#x}", access_phrase(cause.access), cause.address.value);
      if (exception.synth_code != 0) text += ", " + abi::format_status(static_cast<abi::Status>(exception.synth_code));
      return text;
    }
    case ExceptionInfo::Kind::kUnalignedAccess: return fmt::format("access to {:#x}", cause.address.value);
    case ExceptionInfo::Kind::kDivideError: return "division by zero, or its result does not fit";
    case ExceptionInfo::Kind::kGeneral:
      return arch == Arch::kArm64 ? fmt::format("syndrome {:#x}", cause.syndrome)
                                  : fmt::format("vector {}, error code {:#x}", cause.vector, cause.error_code);
    default: return {};
  }
}

}  // namespace jacinth::kernel
