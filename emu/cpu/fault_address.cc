#include "emu/cpu/fault_address.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "emu/cpu/disassembler.h"

namespace jacinth::emu {
namespace {

struct DataAccess {
  uint64_t address = 0;
  uint64_t size = 0;
};

constexpr uint32_t bits(uint32_t word, unsigned high, unsigned low) {
  return (word >> low) & ((1u << (high - low + 1)) - 1);
}

constexpr int64_t sign_extend(uint32_t value, unsigned width) {
  return static_cast<int64_t>(static_cast<uint64_t>(value) << (64 - width)) >> (64 - width);
}

uint64_t general(const Registers& r, uint32_t index) { return index == 31 ? 0 : r.gpr[index]; }
uint64_t general_or_sp(const Registers& r, uint32_t index) { return index == 31 ? r.sp : r.gpr[index]; }

/// The index register of a register-offset load or store, extended and shifted (ARM DDI 0487, C1.3.3).
uint64_t extended_index(const Registers& r, uint32_t insn, unsigned shift) {
  uint64_t value = general(r, bits(insn, 20, 16));
  switch (bits(insn, 15, 13)) {
    case 2: value = static_cast<uint32_t>(value); break;
    case 6: value = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(value))); break;
    default: break;
  }
  return value << (bits(insn, 12, 12) != 0 ? shift : 0);
}

/// Loads and stores of A64, by the encoding groups of ARM DDI 0487, C4.1.66.
std::optional<DataAccess> arm64_access(uint32_t insn, const Registers& r) {
  if ((insn & 0xffff'ffe0) == 0xd50b'7420)
    return DataAccess{general(r, bits(insn, 4, 0)) & ~uint64_t{63}, 64};  // DC ZVA
  if ((insn & 0x0a00'0000) != 0x0800'0000) return std::nullopt;

  uint64_t base = general_or_sp(r, bits(insn, 9, 5));
  bool vector = bits(insn, 26, 26) != 0;
  uint32_t size = bits(insn, 31, 30);
  switch (bits(insn, 29, 28)) {
    case 0: {
      if (vector) {  // LD1..LD4, ST1..ST4: consecutive from the base; the longest is 64 bytes.
        return DataAccess{base, 64};
      }
      bool pair = bits(insn, 24, 21) != 0 && bits(insn, 23, 23) == 0 && bits(insn, 21, 21) != 0;
      return DataAccess{base, (uint64_t{1} << size) * (pair ? 2 : 1)};
    }
    case 1: {
      if (bits(insn, 24, 24) == 0) {  // Literals.
        uint64_t length = vector ? uint64_t{4} << size : (size == 1 ? 8 : 4);
        return DataAccess{r.pc + static_cast<uint64_t>(sign_extend(bits(insn, 23, 5), 19) * 4), length};
      }
      // LDAPUR, STLUR and their kin.
      return DataAccess{base + static_cast<uint64_t>(sign_extend(bits(insn, 20, 12), 9)), uint64_t{1} << size};
    }
    case 2: {  // Pairs.
      unsigned scale = vector ? 2 + size : (size == 2 ? 3 : 2);
      uint64_t offset = static_cast<uint64_t>(sign_extend(bits(insn, 21, 15), 7)) << scale;
      bool post_index = bits(insn, 24, 23) == 1;
      return DataAccess{base + (post_index ? 0 : offset), uint64_t{2} << scale};
    }
    default: {
      unsigned scale = vector && (bits(insn, 23, 23) != 0) ? 4 : size;
      uint64_t length = uint64_t{1} << scale;
      if (bits(insn, 24, 24) != 0) return DataAccess{base + (uint64_t{bits(insn, 21, 10)} << scale), length};
      if (bits(insn, 21, 21) != 0) {
        if (bits(insn, 11, 10) == 2) return DataAccess{base + extended_index(r, insn, scale), length};
        return DataAccess{base, length};  // Atomics.
      }
      bool post_index = bits(insn, 11, 10) == 1;
      return DataAccess{base + (post_index ? 0 : static_cast<uint64_t>(sign_extend(bits(insn, 20, 12), 9))), length};
    }
  }
}

/// The part of [access) inside the page, if any.
std::optional<GuestAddr> first_inside(DataAccess access, GuestAddr page) {
  uint64_t last = access.address + (access.size - 1);
  if (last < access.address) last = ~uint64_t{0};
  if (last < page.value || access.address > page.value + kPageMask) return std::nullopt;
  return GuestAddr(std::max(access.address, page.value));
}

}  // namespace

GuestAddr fault_address(Arch arch, std::span<const uint8_t> instruction, const Registers& registers, GuestAddr page) {
  if (arch == Arch::kArm64) {
    if (instruction.size() < 4) return page;
    uint32_t word = 0;
    std::memcpy(&word, instruction.data(), 4);
    if (auto access = arm64_access(word, registers)) {
      if (auto inside = first_inside(*access, page)) return *inside;
    }
    return page;
  }
  for (const MemoryOperand& operand : x86_memory_operands(instruction, registers)) {
    if (auto inside = first_inside({operand.address, operand.size}, page)) return *inside;
  }
  return page;
}

}  // namespace jacinth::emu
