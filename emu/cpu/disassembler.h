// Instructions as text, and the memory that x86-64 instructions touch. The only user of Capstone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "emu/base/address.h"
#include "emu/cpu/data_access.h"
#include "emu/state/registers.h"

namespace jacinth::emu {

struct Instruction {
  uint32_t size = 0;  ///< In bytes; 1 or 4 for what does not decode.
  std::string text;   ///< "ldr x0, [x1, #8]"; ".byte 0x06" or ".word ..." for what does not decode.
};

/// Decodes the first instruction of `code`, which lies at `pc`. `code` is not empty.
Instruction disassemble(Arch arch, std::span<const uint8_t> code, GuestAddr pc);

/// The accesses of the x86-64 instruction at registers.pc, the implied ones of the stack and string instructions
/// included, in the order in which the processor makes them where that matters. Empty when it does not decode.
std::vector<DataAccess> x86_data_accesses(std::span<const uint8_t> code, const Registers& registers);

}  // namespace jacinth::emu
