// The arm64 half of the engine wrapper: a fixed CPU at EL0 (ARM DDI 0487).
//
// The CPU model is Unicorn's "max" (LSE atomics need it), which is the same on every host. EL0 cannot read the
// identification registers; CTR_EL0 and DCZID_EL0 are constants of the model. Counter reads trap because CNTKCTL_EL1 is
// zero and are answered here, while TPIDR_EL0 stays at full speed.
//
// Not modelled: debug registers (emu/machine has them), PMU, SVE (CPACR_EL1.ZEN stays 0), pointer authentication keys
// (all zero).

#include <cstring>

#include "emu/base/check.h"
#include "emu/cpu/fault_address.h"
#include "emu/cpu/unicorn/exclusive_monitor.h"
#include "emu/cpu/unicorn/unicorn_cpu.h"

namespace jacinth::emu {
namespace {

// Exception numbers of the engine (EXCP_* of its arm target).
constexpr uint32_t kUndefined = 1;
constexpr uint32_t kSvc = 2;
constexpr uint32_t kPrefetchAbort = 3;
constexpr uint32_t kDataAbort = 4;
constexpr uint32_t kBkpt = 7;

// ESR_EL1.EC (D13.2.37), and IL, which is set for every 32-bit instruction.
constexpr uint32_t kEcUnknown = 0x00;
constexpr uint32_t kEcSvc64 = 0x15;
constexpr uint32_t kEcInstructionAbortLower = 0x20;
constexpr uint32_t kEcPcAlignment = 0x22;
constexpr uint32_t kEcDataAbortLower = 0x24;
constexpr uint32_t kEcSpAlignment = 0x26;
constexpr uint32_t kEcBrk64 = 0x3c;
constexpr uint32_t syndrome(uint32_t ec, uint32_t iss = 0) { return ec << 26 | 1u << 25 | iss; }

constexpr uint32_t kDfscTranslation = 0x04;
constexpr uint32_t kDfscPermission = 0x0c;
constexpr uint32_t kDfscAddressSize = 0x00;
constexpr uint32_t kDfscAlignment = 0x21;
constexpr uint32_t kIssWrite = 1u << 6;

/// The registers in the order in which save() and load() pass them.
constexpr int kRegisters[] = {
    UC_ARM64_REG_X0,   UC_ARM64_REG_X1,  UC_ARM64_REG_X2,  UC_ARM64_REG_X3,   UC_ARM64_REG_X4,        UC_ARM64_REG_X5,
    UC_ARM64_REG_X6,   UC_ARM64_REG_X7,  UC_ARM64_REG_X8,  UC_ARM64_REG_X9,   UC_ARM64_REG_X10,       UC_ARM64_REG_X11,
    UC_ARM64_REG_X12,  UC_ARM64_REG_X13, UC_ARM64_REG_X14, UC_ARM64_REG_X15,  UC_ARM64_REG_X16,       UC_ARM64_REG_X17,
    UC_ARM64_REG_X18,  UC_ARM64_REG_X19, UC_ARM64_REG_X20, UC_ARM64_REG_X21,  UC_ARM64_REG_X22,       UC_ARM64_REG_X23,
    UC_ARM64_REG_X24,  UC_ARM64_REG_X25, UC_ARM64_REG_X26, UC_ARM64_REG_X27,  UC_ARM64_REG_X28,       UC_ARM64_REG_X29,
    UC_ARM64_REG_X30,  UC_ARM64_REG_SP,  UC_ARM64_REG_PC,  UC_ARM64_REG_NZCV, UC_ARM64_REG_TPIDR_EL0, UC_ARM64_REG_FPCR,
    UC_ARM64_REG_FPSR, UC_ARM64_REG_V0,  UC_ARM64_REG_V1,  UC_ARM64_REG_V2,   UC_ARM64_REG_V3,        UC_ARM64_REG_V4,
    UC_ARM64_REG_V5,   UC_ARM64_REG_V6,  UC_ARM64_REG_V7,  UC_ARM64_REG_V8,   UC_ARM64_REG_V9,        UC_ARM64_REG_V10,
    UC_ARM64_REG_V11,  UC_ARM64_REG_V12, UC_ARM64_REG_V13, UC_ARM64_REG_V14,  UC_ARM64_REG_V15,       UC_ARM64_REG_V16,
    UC_ARM64_REG_V17,  UC_ARM64_REG_V18, UC_ARM64_REG_V19, UC_ARM64_REG_V20,  UC_ARM64_REG_V21,       UC_ARM64_REG_V22,
    UC_ARM64_REG_V23,  UC_ARM64_REG_V24, UC_ARM64_REG_V25, UC_ARM64_REG_V26,  UC_ARM64_REG_V27,       UC_ARM64_REG_V28,
    UC_ARM64_REG_V29,  UC_ARM64_REG_V30, UC_ARM64_REG_V31};
constexpr size_t kRegisterCount = std::size(kRegisters);

constexpr TrapRegisters kTrapRegisters = {
    .pc = UC_ARM64_REG_PC,
    .result = UC_ARM64_REG_X0,
    .number_and_arguments = {UC_ARM64_REG_X16, UC_ARM64_REG_X0, UC_ARM64_REG_X1, UC_ARM64_REG_X2, UC_ARM64_REG_X3,
                             UC_ARM64_REG_X4, UC_ARM64_REG_X5, UC_ARM64_REG_X6, UC_ARM64_REG_X7}};

/// Pointers to the fields of `r` in the order of kRegisters. `wide` holds what the engine wants in 64 bits.
struct Wide {
  uint64_t fpcr = 0;
  uint64_t fpsr = 0;
};
std::array<void*, kRegisterCount> fields(Registers& r, Wide& wide) {
  std::array<void*, kRegisterCount> at{};
  size_t n = 0;
  for (uint64_t& x : r.gpr) at[n++] = &x;
  for (uint64_t* field : {&r.sp, &r.pc, &r.flags, &r.tls, &wide.fpcr, &wide.fpsr}) at[n++] = field;
  for (Vector128& v : r.vector) at[n++] = &v;
  CHECK(n == kRegisterCount);
  return at;
}

void set_system(uc_engine* uc, uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2, uint64_t value) {
  uc_arm64_cp_reg reg{};
  reg.op0 = 3, reg.op1 = op1, reg.crn = crn, reg.crm = crm, reg.op2 = op2, reg.val = value;
  uc_check(uc_reg_write(uc, UC_ARM64_REG_CP_REG, &reg), "write a system register");
}

class Arm64 final : public UnicornArch {
 public:
  Arch arch() const override { return Arch::kArm64; }

  uc_engine* open() const override {
    uc_engine* uc = nullptr;
    uc_check(uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &uc), "open the engine");
    uc_check(uc_ctl_set_cpu_model(uc, UC_CPU_ARM64_MAX), "CPU model");
    uc_check(uc_ctl_set_page_size(uc, kPageSize), "page size");  // The default is 1 KiB.
    return uc;
  }

  void boot(UnicornCpu& cpu, uint64_t boot_address, std::byte* boot_page) const override {
    // One eret, to a nop behind it that is not run.
    const uint32_t stub[] = {0xd69f03e0 /* eret */, 0xd503201f /* nop */};
    std::memcpy(boot_page, stub, sizeof stub);
    uc_engine* uc = cpu.engine();
    set_system(uc, 6, 1, 1, 0, 1 << 10 | 1);  // SCR_EL3: lower levels are AArch64, non-secure.
    set_system(uc, 4, 1, 1, 0, 1ull << 31);   // HCR_EL2.RW.
    set_system(uc, 0, 1, 0, 2, 3 << 20);      // CPACR_EL1.FPEN: FP and SIMD at EL0.
    // SCTLR_EL1 as Zircon has it for EL0: UCI, UCT, DZE (cache maintenance, CTR_EL0, DC ZVA), SA0 (stack alignment),
    // nTWE, nTWI. The MMU bit stays clear: translation is the virtual TLB's.
    set_system(uc, 0, 1, 0, 0, 1 << 26 | 1 << 18 | 1 << 16 | 1 << 15 | 1 << 14 | 1 << 4);
    set_system(uc, 0, 14, 1, 0, 0);                // CNTKCTL_EL1: counters trap.
    set_system(uc, 0, 4, 0, 0, 0);                 // SPSR_EL1: EL0t.
    set_system(uc, 0, 4, 0, 1, boot_address + 4);  // ELR_EL1.
    uc_check(cpu.emulate(boot_address, boot_address + 4), "boot");
    uint64_t pstate = 0;
    uc_reg_read(uc, UC_ARM64_REG_PSTATE, &pstate);
    CHECK((pstate & 0xf) == 0, "the engine is not at EL0: PSTATE {:#x}", pstate);
    if (!monitor_) monitor_ = ExclusiveMonitor::locate(cpu, boot_address, boot_page);
  }

  void add_hooks(UnicornCpu& cpu) const override { cpu.add_hook(UC_HOOK_INTR, reinterpret_cast<void*>(on_interrupt)); }

  void save(uc_engine* uc, Registers& r) const override {
    Wide wide;
    auto at = fields(r, wide);
    uc_check(uc_reg_read_batch(uc, const_cast<int*>(kRegisters), at.data(), kRegisterCount), "read registers");
    r.fpcr = static_cast<uint32_t>(wide.fpcr);
    r.fpsr = static_cast<uint32_t>(wide.fpsr);
  }

  void load(uc_engine* uc, const Registers& registers) const override {
    Registers r = registers;
    Wide wide{r.fpcr, r.fpsr};
    auto at = fields(r, wide);
    uc_check(uc_reg_write_batch(uc, const_cast<int*>(kRegisters), at.data(), kRegisterCount), "write registers");
  }

  void save_stopped(const UnicornCpu& cpu, Registers& r) const override {
    // Real sequences are short, and the stores of an architecture's own examples follow within a few instructions.
    constexpr size_t kLongest = 16;
    std::array<uint32_t, kLongest> code{};
    size_t behind = 0;
    while (behind < kLongest) {
      uint64_t at = r.pc - 4 * (behind + 1);
      uint8_t bytes[4];
      if (cpu.read_code(at, bytes, sizeof bytes) != sizeof bytes) break;
      std::memcpy(&code[kLongest - 1 - behind++], bytes, sizeof bytes);
    }
    if (ExclusiveMonitor::open_behind(std::span(code).last(behind))) monitor_->save(cpu.engine(), r);
  }

  void load_stopped(const UnicornCpu& cpu, const Registers& r) const override { monitor_->load(cpu.engine(), r); }

  const TrapRegisters& trap_registers() const override { return kTrapRegisters; }

  bool aligned(uint64_t pc) const override { return (pc & 3) == 0; }
  void raise_misaligned(UnicornCpu& cpu, uint64_t pc) const override {
    cpu.raise({.kind = ExceptionInfo::Kind::kUnalignedAccess,
               .pc = GuestAddr(pc),
               .address = GuestAddr(pc),
               .access = AccessKind::kExecute,
               .syndrome = syndrome(kEcPcAlignment)});
  }

  void exception(UnicornCpu& cpu, uint32_t number) const override {
    uint64_t pc = cpu.pc();
    ExceptionInfo info{.pc = GuestAddr(pc)};
    switch (number) {
      case kSvc: {
        uint32_t imm = instruction_at(cpu, pc - 4) >> 5 & 0xffff;
        if (imm == 0) return cpu.on_system_call(pc);
        info.kind = ExceptionInfo::Kind::kGeneral;
        info.syndrome = syndrome(kEcSvc64, imm);
        break;
      }
      case kUndefined:
      case kInvalidInstruction:
        if (answer_counter(cpu, pc)) return;
        info.kind = ExceptionInfo::Kind::kUndefinedInstruction;
        info.syndrome = syndrome(kEcUnknown);
        cpu.uncount_from(pc);
        break;
      case kBkpt:
        info.kind = ExceptionInfo::Kind::kBreakpoint;
        info.syndrome = syndrome(kEcBrk64, instruction_at(cpu, pc) >> 5 & 0xffff);
        cpu.uncount_from(pc);
        break;
      case kPrefetchAbort: return raise_misaligned(cpu, pc);
      case kDataAbort: {
        info.kind = ExceptionInfo::Kind::kUnalignedAccess;
        Registers registers;
        cpu.save(registers);
        uint32_t word = instruction_at(cpu, pc);
        uint8_t code[4];
        std::memcpy(code, &word, 4);
        // Any page will do: the access lies wherever its operand says.
        info.address = fault_address(Arch::kArm64, code, registers, GuestAddr(data_page(word, registers)));
        bool stack = (registers.sp & 15) != 0 && (word >> 5 & 31) == 31;
        info.syndrome = stack ? syndrome(kEcSpAlignment) : syndrome(kEcDataAbortLower, kDfscAlignment);
        cpu.uncount_from(pc);
        break;
      }
      default:
        info.kind = ExceptionInfo::Kind::kGeneral;
        info.vector = number;
        info.syndrome = syndrome(kEcUnknown);
        break;
    }
    cpu.raise(info);
  }

  void describe_page_fault(UnicornCpu& cpu, WalkFault fault, ExceptionInfo& info) const override {
    uint32_t code = fault.kind == WalkFault::Kind::kPermission    ? kDfscPermission
                    : fault.kind == WalkFault::Kind::kTranslation ? kDfscTranslation
                                                                  : kDfscAddressSize;
    code |= fault.level & 3;
    if (info.access == AccessKind::kExecute) {
      // The page of a fetch fault is the page of the PC: an A64 instruction never crosses one.
      info.address = info.pc;
      info.syndrome = syndrome(kEcInstructionAbortLower, code);
      return;
    }
    info.syndrome = syndrome(kEcDataAbortLower, code | (info.access == AccessKind::kWrite ? kIssWrite : 0));
    Registers registers;
    cpu.save(registers);
    uint32_t word = instruction_at(cpu, info.pc.value);
    uint8_t bytes[4];
    std::memcpy(bytes, &word, 4);
    info.address = fault_address(Arch::kArm64, bytes, registers, info.address);
  }

 private:
  static void on_interrupt(uc_engine*, uint32_t number, void* user_data) {
    UnicornCpu& cpu = UnicornCpu::of(user_data);
    if (cpu.booting()) return;
    if (number == kSvc && cpu.known_trap(cpu.block_end())) [[likely]]
      return cpu.on_system_call(cpu.block_end());
    unicorn_arm64().exception(cpu, number);
  }

  static uint32_t instruction_at(const UnicornCpu& cpu, uint64_t pc) {
    uint32_t word = 0;
    uint8_t bytes[4] = {};
    if (cpu.read_code(pc, bytes, 4) == 4) std::memcpy(&word, bytes, 4);
    return word;
  }

  static uint64_t data_page(uint32_t word, const Registers& registers) {
    uint32_t base = word >> 5 & 31;
    return (base == 31 ? registers.sp : registers.gpr[base]) & ~kPageMask;
  }

  /// MRS of CNTVCT_EL0, CNTPCT_EL0 or CNTFRQ_EL0: answered with virtual time.
  static bool answer_counter(UnicornCpu& cpu, uint64_t pc) {
    uint32_t word = instruction_at(cpu, pc);
    uint32_t reg = word & 31;
    uint64_t value = 0;
    switch (word & ~31u) {
      case 0xd53be040:  // CNTVCT_EL0
      case 0xd53be020:  // CNTPCT_EL0
        value = cpu.on_counter(pc + 4);
        break;
      case 0xd53be000:  // CNTFRQ_EL0: one tick is a nanosecond.
        value = 1'000'000'000;
        break;
      default: return false;
    }
    cpu.uncount_from(pc + 4);
    if (reg != 31) cpu.write(general_register(reg), value);
    cpu.write(UC_ARM64_REG_PC, pc + 4);
    return true;
  }

  static int general_register(uint32_t index) { return kRegisters[index]; }

  mutable std::optional<ExclusiveMonitor> monitor_;  // The same in every engine; found with the first.
};

}  // namespace

const UnicornArch& unicorn_arm64() {
  static const Arm64 arch;
  return arch;
}

}  // namespace jacinth::emu
