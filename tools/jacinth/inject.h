// Results put in the place of system calls, as it is said on a command line and written into recordings:
//
//   zx_vmo_create,port:error=ZX_ERR_NO_MEMORY:when=3+2
//   CALLS             :error=E|retval=N      :when=FIRST[..LAST][+[STEP]]
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/syscalls/injection.h"

namespace jacinth::cli {

/// One for each call that is meant; or what is wrong, in one line.
std::expected<std::vector<kernel::Injection>, std::string> parse_injection(std::string_view text);
/// All of them, by number. Where two are for one call, the later one counts.
std::expected<std::vector<kernel::Injection>, std::string> parse_injections(std::span<const std::string> texts);

/// "zx_vmo_create:error=ZX_ERR_NO_MEMORY:when=3+2", which means the same when it is read again.
std::string injection_text(const kernel::Injection& injection);

}  // namespace jacinth::cli
