// The local exclusive monitor of an arm64 core (ARM DDI 0487, B2.9): what LDXR leaves for STXR to find.
//
// Programs never notice where it is kept, since whatever ends a run as an event of it lies outside of an exclusive
// sequence. A debugger's stop or a snapshot can fall between the two instructions, and the monitor is part of the
// thread then. The engine has no register for it, but its saved contexts hold it: where, is found out by an exclusive
// load of known values.
//
// A sequence counts as open when the instructions in a row before the PC hold an exclusive load and nothing that closes
// it. Left out: sequences that a taken branch leads out of and back into.
#pragma once

#include <unicorn/unicorn.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "emu/state/registers.h"

namespace jacinth::emu {

class UnicornCpu;

class ExclusiveMonitor {
 public:
  /// Finds the place by running instructions from `boot_page`, which is mapped at `boot_address`, on an engine that is
  /// at EL0.
  static ExclusiveMonitor locate(UnicornCpu& cpu, uint64_t boot_address, std::byte* boot_page);

  /// Whether the last of these instructions, which run in a row, lies in an exclusive sequence or begins one.
  static bool open_behind(std::span<const uint32_t> instructions);

  void save(uc_engine* uc, Registers& registers) const;
  void load(uc_engine* uc, const Registers& registers) const;

 private:
  explicit ExclusiveMonitor(size_t offset) : offset_(offset) {}
  size_t offset_;  // In a saved context.
};

}  // namespace jacinth::emu
