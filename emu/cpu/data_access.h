// The memory that an instruction reads and writes, from its encoding and the registers: for exact fault addresses, and
// for watchpoints.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "emu/base/address.h"
#include "emu/state/registers.h"

namespace jacinth::emu {

struct DataAccess {
  uint64_t address = 0;
  uint64_t size = 0;
  bool read = false;
  bool write = false;

  /// Whether any byte of it lies in the range.
  bool touches(uint64_t base, uint64_t length) const;
};

/// The accesses of the instruction at registers.pc, in the order in which the processor makes them where that matters.
/// Empty when it makes none or does not decode.
std::vector<DataAccess> data_accesses(Arch arch, std::span<const uint8_t> instruction, const Registers& registers);

}  // namespace jacinth::emu
