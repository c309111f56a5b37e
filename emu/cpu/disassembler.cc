#include "emu/cpu/disassembler.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "emu/base/check.h"

namespace jacinth::emu {
namespace {

/// A Capstone handle per architecture and detail level, opened at first use. It keeps no state between calls.
class Decoder {
 public:
  Decoder(Arch arch, bool detail) {
    cs_err error = arch == Arch::kArm64 ? cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle_)
                                        : cs_open(CS_ARCH_X86, CS_MODE_64, &handle_);
    CHECK(error == CS_ERR_OK, "Capstone: {}", cs_strerror(error));
    cs_option(handle_, CS_OPT_DETAIL, detail ? CS_OPT_ON : CS_OPT_OFF);
    instruction_ = cs_malloc(handle_);
  }
  ~Decoder() {
    cs_free(instruction_, 1);
    cs_close(&handle_);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  const cs_insn* decode(std::span<const uint8_t> code, uint64_t pc) {
    const uint8_t* at = code.data();
    size_t left = code.size();
    return cs_disasm_iter(handle_, &at, &left, &pc, instruction_) ? instruction_ : nullptr;
  }
  bool in_group(const cs_insn* instruction, unsigned group) { return cs_insn_group(handle_, instruction, group); }

 private:
  csh handle_ = 0;
  cs_insn* instruction_ = nullptr;
};

Decoder& decoder(Arch arch) {
  thread_local Decoder arm64(Arch::kArm64, false);
  thread_local Decoder x86_64(Arch::kX86_64, false);
  return arch == Arch::kArm64 ? arm64 : x86_64;
}

/// The 64-bit register that `reg` is a part of, as a Registers index; -1 for others.
int gpr_index(unsigned reg) {
  switch (reg) {
    case X86_REG_RAX:
    case X86_REG_EAX: return kRax;
    case X86_REG_RCX:
    case X86_REG_ECX: return kRcx;
    case X86_REG_RDX:
    case X86_REG_EDX: return kRdx;
    case X86_REG_RBX:
    case X86_REG_EBX: return kRbx;
    case X86_REG_RSP:
    case X86_REG_ESP: return kRsp;
    case X86_REG_RBP:
    case X86_REG_EBP: return kRbp;
    case X86_REG_RSI:
    case X86_REG_ESI: return kRsi;
    case X86_REG_RDI:
    case X86_REG_EDI: return kRdi;
    case X86_REG_R8:
    case X86_REG_R8D: return kR8;
    case X86_REG_R9:
    case X86_REG_R9D: return kR9;
    case X86_REG_R10:
    case X86_REG_R10D: return kR10;
    case X86_REG_R11:
    case X86_REG_R11D: return kR11;
    case X86_REG_R12:
    case X86_REG_R12D: return kR12;
    case X86_REG_R13:
    case X86_REG_R13D: return kR13;
    case X86_REG_R14:
    case X86_REG_R14D: return kR14;
    case X86_REG_R15:
    case X86_REG_R15D: return kR15;
    default: return -1;
  }
}

bool is_32_bit(unsigned reg) {
  return (reg >= X86_REG_EAX && reg <= X86_REG_ESP) || (reg >= X86_REG_R8D && reg <= X86_REG_R15D);
}

uint64_t register_value(unsigned reg, const cs_insn* instruction, const Registers& registers) {
  if (reg == X86_REG_INVALID) return 0;
  if (reg == X86_REG_RIP || reg == X86_REG_EIP) return registers.pc + instruction->size;
  int index = gpr_index(reg);
  if (index < 0) return 0;
  uint64_t value = registers.gpr[static_cast<size_t>(index)];
  return is_32_bit(reg) ? static_cast<uint32_t>(value) : value;
}

}  // namespace

Instruction disassemble(Arch arch, std::span<const uint8_t> code, GuestAddr pc) {
  CHECK(!code.empty());
  if (const cs_insn* insn = decoder(arch).decode(code, pc.value)) {
    return {insn->size, insn->op_str[0] != '\0' ? fmt::format("{} {}", insn->mnemonic, insn->op_str) : insn->mnemonic};
  }
  if (arch == Arch::kArm64 && code.size() >= 4) {
    uint32_t word = 0;
    std::memcpy(&word, code.data(), 4);
    return {4, fmt::format(".word {:#010x}", word)};
  }
  return {1, fmt::format(".byte {:#04x}", code[0])};
}

std::vector<DataAccess> x86_data_accesses(std::span<const uint8_t> code, const Registers& registers) {
  thread_local Decoder decoder(Arch::kX86_64, true);
  std::vector<DataAccess> result;
  const cs_insn* insn = decoder.decode(code, registers.pc);
  if (insn == nullptr) return result;

  const cs_x86& x86 = insn->detail->x86;
  for (uint8_t i = 0; i < x86.op_count; ++i) {
    const cs_x86_op& op = x86.operands[i];
    // LEA and long NOPs have a memory operand that they never touch.
    if (op.type != X86_OP_MEM || insn->id == X86_INS_LEA || insn->id == X86_INS_NOP) continue;
    uint64_t address = register_value(op.mem.base, insn, registers) +
                       register_value(op.mem.index, insn, registers) * static_cast<uint64_t>(op.mem.scale) +
                       static_cast<uint64_t>(op.mem.disp);
    if (x86.addr_size == 4) address = static_cast<uint32_t>(address);
    if (op.mem.segment == X86_REG_FS) address += registers.tls;
    if (op.mem.segment == X86_REG_GS) address += registers.tls_second;
    // Where Capstone does not say what is done with the operand, it may be anything.
    result.push_back({.address = address,
                      .size = op.size == 0 ? uint64_t{1} : op.size,
                      .read = op.access != CS_AC_WRITE,
                      .write = op.access != CS_AC_READ});
  }

  uint64_t sp = registers.gpr[kRsp];
  switch (insn->id) {
    case X86_INS_PUSH:
    case X86_INS_PUSHFQ:
    case X86_INS_CALL:
    case X86_INS_ENTER: result.push_back({sp - 8, 8, false, true}); break;
    case X86_INS_POP:
    case X86_INS_POPFQ:
    case X86_INS_RET: result.push_back({sp, 8, true, false}); break;
    case X86_INS_LEAVE: result.push_back({registers.gpr[kRbp], 8, true, false}); break;
    default: break;
  }
  return result;
}

namespace {

Decoder& detailed_decoder(Arch arch) {
  thread_local Decoder arm64(Arch::kArm64, true);
  thread_local Decoder x86_64(Arch::kX86_64, true);
  return arch == Arch::kArm64 ? arm64 : x86_64;
}

CallStep x86_call_step(const cs_insn& insn) {
  const cs_x86& x86 = insn.detail->x86;
  bool direct = x86.op_count == 1 && x86.operands[0].type == X86_OP_IMM;
  auto target = direct ? static_cast<uint64_t>(x86.operands[0].imm) : 0;
  using Kind = CallStep::Kind;
  switch (insn.id) {
    case X86_INS_SYSCALL: return {.kind = Kind::kTrap};
    case X86_INS_CALL: return {.kind = direct ? Kind::kCall : Kind::kOther, .value = target};
    case X86_INS_JMP: return {.kind = direct ? Kind::kJump : Kind::kEnd, .value = target};
    case X86_INS_RET:
    case X86_INS_UD2:
    case X86_INS_INT3:
    case X86_INS_HLT: return {};
    case X86_INS_MOV:
      if (x86.operands[0].type == X86_OP_REG && gpr_index(x86.operands[0].reg) == kRax &&
          x86.operands[1].type == X86_OP_IMM)
        return {.kind = Kind::kNumber, .value = static_cast<uint64_t>(x86.operands[1].imm)};
      break;
    case X86_INS_XOR:
      if (x86.operands[0].type == X86_OP_REG && x86.operands[1].type == X86_OP_REG &&
          x86.operands[0].reg == X86_REG_EAX && x86.operands[1].reg == X86_REG_EAX)
        return {.kind = Kind::kNumber, .value = 0};
      break;
    default:
      // Jcc, LOOP, JRCXZ.
      if (direct && decoder(Arch::kX86_64).in_group(&insn, CS_GRP_BRANCH_RELATIVE))
        return {.kind = Kind::kBranch, .value = target};
      break;
  }
  return {.kind = Kind::kOther};
}

CallStep arm64_call_step(uint32_t word, uint64_t pc) {
  using Kind = CallStep::Kind;
  auto displaced = [pc](uint32_t field, unsigned bits) {
    auto shifted = static_cast<int64_t>(uint64_t{field} << (64 - bits)) >> (64 - bits);
    return pc + static_cast<uint64_t>(shifted * 4);
  };
  if (word == 0xd4000001) return {.kind = Kind::kTrap};
  // MOVZ X16 or W16 without a shift, and the same with the zero register.
  if ((word & 0x7fe0001f) == 0x52800010) return {.kind = Kind::kNumber, .value = word >> 5 & 0xffff};
  if ((word & 0x7fffffff) == 0x2a1f03f0) return {.kind = Kind::kNumber, .value = 0};
  if ((word & 0xfc000000) == 0x94000000) return {.kind = Kind::kCall, .value = displaced(word & 0x3ffffff, 26)};
  if ((word & 0xfc000000) == 0x14000000) return {.kind = Kind::kJump, .value = displaced(word & 0x3ffffff, 26)};
  if ((word & 0xff000010) == 0x54000000 || (word & 0x7e000000) == 0x34000000)  // B.cond, CBZ, CBNZ
    return {.kind = Kind::kBranch, .value = displaced(word >> 5 & 0x7ffff, 19)};
  if ((word & 0x7e000000) == 0x36000000)  // TBZ, TBNZ
    return {.kind = Kind::kBranch, .value = displaced(word >> 5 & 0x3fff, 14)};
  // BR, RET, ERET and their kin; BRK; UDF.
  if ((word & 0xfe000000) == 0xd6000000 && (word & 0x00600000) != 0x00200000) return {};
  if ((word & 0xffe0001f) == 0xd4200000 || word <= 0xffff) return {};
  return {.kind = Kind::kOther};
}

}  // namespace

CallStep call_step(Arch arch, std::span<const uint8_t> code, uint64_t pc) {
  const cs_insn* insn = detailed_decoder(arch).decode(code, pc);
  CallStep step;
  if (insn == nullptr) return step;
  if (arch == Arch::kArm64) {
    uint32_t word = 0;
    std::memcpy(&word, code.data(), sizeof word);
    step = arm64_call_step(word, pc);
  } else {
    step = x86_call_step(*insn);
  }
  step.size = insn->size;
  return step;
}

}  // namespace jacinth::emu
