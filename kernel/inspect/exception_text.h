// Exceptions in words.
#pragma once

#include <string>

#include "kernel/task/exception.h"

namespace jacinth::kernel {

/// "ZX_EXCP_FATAL_PAGE_FAULT".
std::string exception_name(const Exception& exception);

/// What happened, as far as the exception itself tells: "write to 0x8", "vector 13, error code 0",
/// "ZX_EXCP_POLICY_CODE_BAD_HANDLE". Empty when the name says it all.
std::string exception_detail(const Exception& exception, Arch arch);

/// "read from", "write to", "jump to".
std::string_view access_phrase(AccessKind access);

/// "42", "ZX_TASK_RETCODE_SYSCALL_KILL (-1024)".
std::string return_code_text(int64_t code);

}  // namespace jacinth::kernel
