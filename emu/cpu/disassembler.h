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

/// What an instruction means to somebody who follows code to find its system calls, by the convention of Zircon: the
/// number in EAX or X16, then SYSCALL or SVC.
struct CallStep {
  enum class Kind : uint8_t {
    kOther,
    kNumber,  ///< `value` is the number from here on.
    kTrap,
    kCall,    ///< Of the function at `value`.
    kBranch,  ///< Perhaps to `value`.
    kJump,    ///< To `value`.
    kEnd,     ///< Nobody goes on behind it, or nobody can say where; or it does not decode.
  };
  Kind kind = Kind::kEnd;
  uint32_t size = 0;
  uint64_t value = 0;
};

/// Decodes the first instruction of `code`, which lies at `pc`. `code` is not empty.
CallStep call_step(Arch arch, std::span<const uint8_t> code, uint64_t pc);

}  // namespace jacinth::emu
