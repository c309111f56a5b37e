// What a debugger sees of a machine that stands still: processes, threads, registers, memory, files. It knows no
// kernel: who has one implements this (kernel/inspect/debug_target.h), and a debugger's protocol or prompt is written
// on it.
//
// Processes and threads go by their koids, which are never used twice. Nothing here moves the run, and nothing but the
// functions that say so changes it: reading brings no page in and sets no accessed bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "emu/base/address.h"
#include "emu/state/registers.h"

namespace jacinth::emu {

/// A thread of a process; thread 0: none in particular.
struct TaskId {
  uint64_t process = 0;
  uint64_t thread = 0;
  bool operator==(const TaskId&) const = default;
};

struct ThreadSummary {
  TaskId id;
  std::string name;
  /// What it does, for people: "running", "blocked in zx_port_wait on port 1042", "suspended".
  std::string state;
  /// The CPU that runs it, when one does.
  std::optional<unsigned> cpu;
};

struct ProcessSummary {
  uint64_t koid = 0;
  std::string name;
  std::vector<ThreadSummary> threads;  ///< In koid order; those that have not started or are dead are not among them.
};

/// A mapped range, ascending and apart from each other.
struct MemoryRegion {
  GuestAddr base;
  uint64_t size = 0;
  bool read = false;
  bool write = false;
  bool execute = false;
  std::string name;  ///< Of the VMO.
};

/// A file whose segments lie in memory: the executable, the vDSO, a library.
struct LoadedModule {
  std::string name;
  GuestAddr base;         ///< What its addresses are counted from: the load bias.
  uint64_t dynamic = 0;   ///< Where its dynamic section lies, when known.
  uint64_t link_map = 0;  ///< Where the dynamic linker keeps its entry, when known.
  /// False: the executable, which the dynamic linker has yet to find a place for.
  bool there = true;
};

class Target {
 public:
  virtual ~Target() = default;

  virtual Arch arch() const = 0;
  /// Every process that has started and not ended, in koid order.
  virtual std::vector<ProcessSummary> processes() = 0;
  /// Null: no such living thread.
  virtual std::optional<Registers> registers(uint64_t thread) = 0;
  /// Changes the run. False: no such living thread, or registers that it cannot have.
  virtual bool set_registers(uint64_t thread, const Registers& registers) = 0;
  /// Copies memory up to the first byte that is not mapped; how many bytes that were. Permissions do not matter.
  virtual size_t read(uint64_t process, GuestAddr from, std::span<std::byte> to) = 0;
  /// Changes the run: as read(), also where the guest may not write (code for breakpoints of its own debugger).
  virtual size_t write(uint64_t process, GuestAddr to, std::span<const std::byte> from) = 0;
  virtual std::vector<MemoryRegion> regions(uint64_t process) = 0;
  /// The executable first.
  virtual std::vector<LoadedModule> modules(uint64_t process) = 0;
  /// ELF auxiliary values as a debugger of Unix programs wants them (AT_ENTRY, AT_PHDR, AT_BASE...): type and value.
  virtual std::vector<std::pair<uint64_t, uint64_t>> auxiliary(uint64_t process) = 0;
  /// The contents of the file that a module was loaded from, by the module's name; null: not known.
  virtual std::optional<std::span<const std::byte>> file(std::string_view name) = 0;
  /// The name of a system call, "zx_channel_write", and back; empty and nothing where there is none.
  virtual std::string_view call_name(uint64_t number) const = 0;
  virtual std::optional<uint64_t> call_number(std::string_view name) const = 0;
};

}  // namespace jacinth::emu
