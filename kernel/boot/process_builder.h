// A program put into a new process as a launcher does it (zircon/system/ulib/launchpad), ready to run its first
// instruction.
//
//   alone              segments, vDSO and stack; one message
//   with PT_INTERP     the dynamic linker in a region of its own, the executable left to it; vDSO and stack;
//                      a message for the linker, then the program's own
//
// A dynamic linker may want the lower half of the address space for a sanitizer's shadow: nothing is placed there until
// it runs. The first stack of a program with a linker is as large as its message needs; what PT_GNU_STACK says is for
// the C library, which makes the stack that main() runs on.
//
// One thing is ours: on arm64, x18 leads to a page below the first stack. The linker of July 2020 keeps return
// addresses there when it reports an error, before the C library has given it a place for them; on a real system, where
// x18 is zero, it dies of that, and its message is never seen. Whoever comes to main() finds the library's own value.
//
// Left out: launchers that load into a process which has run already.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "kernel/boot/boot_error.h"
#include "kernel/boot/elf.h"
#include "kernel/ipc/channel.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

/// A handle for the program's message; `info` as abi::processargs_info() makes it.
struct StartHandle {
  uint32_t info = 0;
  HandleOwner handle;
};

struct Program {
  ElfFile elf;
  Ref<Vmo> file;
  std::string name;
  /// What elf.interpreter names, when it names something.
  Ref<Vmo> linker;
  std::optional<ElfFile> linker_elf;
  /// The linker's way to more libraries; may be empty.
  HandleOwner loader;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  /// Paths that kNsDir handles count in.
  std::vector<std::string> names;
  /// In the order of the message, between those that every program gets.
  std::vector<StartHandle> handles;
};

struct PreparedProgram {
  Ref<Thread> thread;
  Thread::Entry entry;    ///< Without the first argument.
  HandleOwner bootstrap;  ///< Goes to the process as that.
  Ref<Channel> channel;   ///< The same: the program's own message waits in it for as long as it was not read.
  GuestAddr base;         ///< Of what runs first.
};

/// Nothing runs yet. What was done by a failure, the process's end undoes.
std::expected<PreparedProgram, BootError> prepare(Kernel& kernel, const Ref<Process>& process, Program program);
/// It runs.
Status start(const Ref<Process>& process, PreparedProgram prepared);

/// The vDSO in its own region; where it begins.
std::expected<GuestAddr, BootError> map_vdso(Kernel& kernel, Process& process);

/// What handles to the vDSO and to executables may do.
inline constexpr Rights kExecutableVmoRights =
    Rights::kBasic | Rights::kRead | Rights::kMap | Rights::kExecute | Rights::kGetProperty;
/// More than this no program means for its stack.
inline constexpr uint64_t kMaxStackSize = uint64_t{1} << 40;
/// When the program does not say (PT_GNU_STACK): ZIRCON_DEFAULT_STACK_SIZE.
inline constexpr uint64_t kDefaultStackSize = 256 << 10;

}  // namespace jacinth::kernel
