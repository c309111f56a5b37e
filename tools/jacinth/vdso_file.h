// A vDSO out of a file, for --vdso: what it must be for a process to have it mapped, which calls it exports, and by
// which numbers it makes them. The numbers of Zircon are private to a build of it, so they are found out from the code:
// what each exported function puts into EAX or X16 before its SYSCALL or SVC, and the functions that it calls.
//
// Modelled: images as the builds of July 2020 have them (libzircon.so of an SDK).
// Left out: traps in code that no exported function leads to, which are refused when something makes them; other
// layouts of the block of constants.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>

#include "emu/base/address.h"
#include "kernel/vdso/given.h"

namespace jacinth::cli {

/// Or what is wrong with it, in a few words: anybody may have made the file.
std::expected<std::shared_ptr<const kernel::GivenVdso>, std::string> read_vdso(Arch arch,
                                                                               std::span<const std::byte> file);

}  // namespace jacinth::cli
