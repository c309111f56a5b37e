#include "emu/cpu/data_access.h"

#include <cstring>
#include <optional>

#include "emu/cpu/disassembler.h"

namespace jacinth::emu {
namespace {

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

/// A load or a store, by a bit that says so.
DataAccess load_or_store(uint64_t address, uint64_t size, bool load) { return {address, size, load, !load}; }

/// Loads and stores of A64, by the encoding groups of ARM DDI 0487, C4.1.66.
std::optional<DataAccess> arm64_access(uint32_t insn, const Registers& r) {
  if ((insn & 0xffff'ffe0) == 0xd50b'7420)
    return DataAccess{general(r, bits(insn, 4, 0)) & ~uint64_t{63}, 64, false, true};  // DC ZVA
  if ((insn & 0x0a00'0000) != 0x0800'0000) return std::nullopt;

  uint64_t base = general_or_sp(r, bits(insn, 9, 5));
  bool vector = bits(insn, 26, 26) != 0;
  uint32_t size = bits(insn, 31, 30);
  bool load = bits(insn, 22, 22) != 0;
  switch (bits(insn, 29, 28)) {
    case 0: {
      if (vector) {  // LD1..LD4, ST1..ST4: consecutive from the base; the longest is 64 bytes.
        return load_or_store(base, 64, load);
      }
      bool pair = bits(insn, 24, 21) != 0 && bits(insn, 23, 23) == 0 && bits(insn, 21, 21) != 0;
      uint64_t length = (uint64_t{1} << size) * (pair ? 2 : 1);
      // Compare and swap; CASP hides among the exclusive pairs, where the sizes of those do not reach.
      bool swap = bits(insn, 21, 21) != 0 && (bits(insn, 23, 23) != 0 || (size < 2 && bits(insn, 14, 10) == 31));
      if (swap && bits(insn, 23, 23) == 0) length = uint64_t{8} << size;
      return swap ? DataAccess{base, length, true, true} : load_or_store(base, length, load);
    }
    case 1: {
      if (bits(insn, 24, 24) == 0) {  // Literals.
        uint64_t length = vector ? uint64_t{4} << size : (size == 1 ? 8 : 4);
        if (!vector && size == 3) return std::nullopt;  // PRFM
        return load_or_store(r.pc + static_cast<uint64_t>(sign_extend(bits(insn, 23, 5), 19) * 4), length, true);
      }
      // LDAPUR, STLUR and their kin.
      return load_or_store(base + static_cast<uint64_t>(sign_extend(bits(insn, 20, 12), 9)), uint64_t{1} << size,
                           bits(insn, 23, 22) != 0);
    }
    case 2: {  // Pairs.
      unsigned scale = vector ? 2 + size : (size == 2 ? 3 : 2);
      uint64_t offset = static_cast<uint64_t>(sign_extend(bits(insn, 21, 15), 7)) << scale;
      bool post_index = bits(insn, 24, 23) == 1;
      return load_or_store(base + (post_index ? 0 : offset), uint64_t{2} << scale, load);
    }
    default: {
      unsigned scale = vector && (bits(insn, 23, 23) != 0) ? 4 : size;
      uint64_t length = uint64_t{1} << scale;
      load = vector ? load : bits(insn, 23, 22) != 0;
      bool prefetch = !vector && size == 3 && bits(insn, 23, 22) == 2;
      if (bits(insn, 24, 24) != 0) {
        if (prefetch) return std::nullopt;
        return load_or_store(base + (uint64_t{bits(insn, 21, 10)} << scale), length, load);
      }
      if (bits(insn, 21, 21) != 0) {
        if (bits(insn, 11, 10) == 2) {
          if (prefetch) return std::nullopt;
          return load_or_store(base + extended_index(r, insn, scale), length, load);
        }
        return DataAccess{base, length, true, bits(insn, 11, 10) == 0};  // Atomics; LDRAA only reads.
      }
      if (prefetch) return std::nullopt;
      bool post_index = bits(insn, 11, 10) == 1;
      return load_or_store(base + (post_index ? 0 : static_cast<uint64_t>(sign_extend(bits(insn, 20, 12), 9))), length,
                           load);
    }
  }
}

}  // namespace

bool DataAccess::touches(uint64_t base, uint64_t length) const {
  // Differences, not ends: nothing wraps.
  return address - base < length || base - address < size;
}

std::vector<DataAccess> data_accesses(Arch arch, std::span<const uint8_t> instruction, const Registers& registers) {
  if (arch == Arch::kX86_64) return x86_data_accesses(instruction, registers);
  std::vector<DataAccess> result;
  if (instruction.size() < 4) return result;
  uint32_t word = 0;
  std::memcpy(&word, instruction.data(), 4);
  if (auto access = arm64_access(word, registers)) result.push_back(*access);
  return result;
}

}  // namespace jacinth::emu
