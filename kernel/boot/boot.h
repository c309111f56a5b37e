// From an ELF file to a process that is about to run its first instruction, as a launcher on Zircon would do it for a
// static program (zircon/system/ulib/launchpad): segments, vDSO and stack mapped, a bootstrap channel with one message.
//
// Left out: programs that name a dynamic linker (PT_INTERP).
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/syscalls/kernel.h"

namespace jacinth::kernel {

struct BootOptions {
  std::span<const std::byte> elf;
  /// The file's name without folders: what the process is called.
  std::string name;
  /// The program's own name first.
  std::vector<std::string> arguments;
  /// "KEY=value".
  std::vector<std::string> environment;
  /// What the first program of a real system is given (zircon/kernel/lib/userabi/userboot): the root job as the default
  /// job, and resources for everything.
  bool root = false;
};

/// Why the program cannot be started.
struct BootError {
  /// What shells return for it: 126, found and not executable.
  int exit_code = 126;
  /// One line, without the file's name.
  std::string line;
};

/// The initial process, started. It lives in a job of its own below the root job, and its end is the run's.
std::expected<Ref<Process>, BootError> boot(Kernel& kernel, const BootOptions& options);

}  // namespace jacinth::kernel
