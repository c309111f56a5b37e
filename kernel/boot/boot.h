// From an ELF file to a process that is about to run its first instruction, as a launcher on Zircon would do it
// (zircon/system/ulib/launchpad): what a program alone finds is made here, one with a dynamic linker goes through
// kernel/boot/process_builder.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/boot/process_builder.h"
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

  /// The dynamic linker that a program names, and why it is not there; where there are libraries at all.
  std::function<Result<Ref<Vmo>>(std::string_view name)> linker;
  /// The linker's connection to the loader service.
  std::function<Result<HandleOwner>()> loader;
  /// What the program gets beside what all get: streams, clocks, folders. Without a descriptor among them, the log
  /// stands in for 0, 1 and 2.
  std::vector<StartHandle> handles;
  std::vector<std::string> names;
  /// Where to say which channel the messages of a program with a linker wait in.
  Ref<Channel>* channel = nullptr;
};

/// The initial process, started. It lives in a job of its own below the root job, and its end is the run's.
std::expected<Ref<Process>, BootError> boot(Kernel& kernel, BootOptions options);

}  // namespace jacinth::kernel
