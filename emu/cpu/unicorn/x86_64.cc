// The x86-64 half of the engine wrapper: a fixed CPU at CPL 3 (Intel SDM).
//
// The CPU model is Unicorn's Westmere: the newest without RDRAND, whose answer would come from the host. CPUID and
// RDTSC(P) are answered here. The core has no AVX, and does not claim any.
//
// RFLAGS.TF steps as on the processor, but for the step that a system call ends (emu/machine/traced.cc).
//
// Not modelled: debug registers (emu/machine has them), I/O ports (IOPL is 0: they raise #GP), 32-bit compatibility
// mode. The engine leaves MXCSR's exception flags alone, and computes x87's remainders and transcendental functions
// with the precision of a double.

#include <array>
#include <cstring>

#include "emu/base/check.h"
#include "emu/cpu/fault_address.h"
#include "emu/cpu/unicorn/unicorn_cpu.h"
#include "emu/cpu/x86_64/cpuid.h"

namespace jacinth::emu {
namespace {

// Exception vectors (SDM vol. 3A, table 6-1).
constexpr uint32_t kDivide = 0, kDebug = 1, kBreakpoint = 3, kInvalidOpcode = 6, kGeneralProtection = 13,
                   kPageFault = 14, kAlignment = 17;

// Page-fault error code (SDM vol. 3A, 4.7).
constexpr uint32_t kErrorPresent = 1u << 0, kErrorWrite = 1u << 1, kErrorUser = 1u << 2, kErrorFetch = 1u << 4;

constexpr size_t kMaxInstruction = 15;

constexpr int kRegisters[] = {
    UC_X86_REG_RAX,     UC_X86_REG_RCX,     UC_X86_REG_RDX,   UC_X86_REG_RBX,   UC_X86_REG_RSP,   UC_X86_REG_RBP,
    UC_X86_REG_RSI,     UC_X86_REG_RDI,     UC_X86_REG_R8,    UC_X86_REG_R9,    UC_X86_REG_R10,   UC_X86_REG_R11,
    UC_X86_REG_R12,     UC_X86_REG_R13,     UC_X86_REG_R14,   UC_X86_REG_R15,   UC_X86_REG_RIP,   UC_X86_REG_RFLAGS,
    UC_X86_REG_FS_BASE, UC_X86_REG_GS_BASE, UC_X86_REG_MXCSR, UC_X86_REG_FPCW,  UC_X86_REG_FPSW,  UC_X86_REG_FPTAG,
    UC_X86_REG_XMM0,    UC_X86_REG_XMM1,    UC_X86_REG_XMM2,  UC_X86_REG_XMM3,  UC_X86_REG_XMM4,  UC_X86_REG_XMM5,
    UC_X86_REG_XMM6,    UC_X86_REG_XMM7,    UC_X86_REG_XMM8,  UC_X86_REG_XMM9,  UC_X86_REG_XMM10, UC_X86_REG_XMM11,
    UC_X86_REG_XMM12,   UC_X86_REG_XMM13,   UC_X86_REG_XMM14, UC_X86_REG_XMM15, UC_X86_REG_FP0,   UC_X86_REG_FP1,
    UC_X86_REG_FP2,     UC_X86_REG_FP3,     UC_X86_REG_FP4,   UC_X86_REG_FP5,   UC_X86_REG_FP6,   UC_X86_REG_FP7};
constexpr size_t kRegisterCount = std::size(kRegisters);

/// A trap's arguments in Zircon's ABI: R10 for RCX, which SYSCALL destroys, and two more.
constexpr TrapRegisters kTrapRegisters = {
    .pc = UC_X86_REG_RIP,
    .result = UC_X86_REG_RAX,
    .number_and_arguments = {UC_X86_REG_EAX, UC_X86_REG_RDI, UC_X86_REG_RSI, UC_X86_REG_RDX, UC_X86_REG_R10,
                             UC_X86_REG_R8, UC_X86_REG_R9, UC_X86_REG_R12, UC_X86_REG_R13}};

std::array<void*, kRegisterCount> fields(Registers& r) {
  std::array<void*, kRegisterCount> at{};
  size_t n = 0;
  for (size_t i = 0; i < 16; ++i) at[n++] = &r.gpr[i];
  for (uint64_t* field : {&r.pc, &r.flags, &r.tls, &r.tls_second}) at[n++] = field;
  at[n++] = &r.fpcr;
  for (uint16_t* field : {&r.x87_control, &r.x87_status, &r.x87_tag}) at[n++] = field;
  for (size_t i = 0; i < 16; ++i) at[n++] = &r.vector[i];
  for (Vector128& st : r.x87) at[n++] = &st;
  CHECK(n == kRegisterCount);
  return at;
}

bool canonical(uint64_t address) { return static_cast<uint64_t>(static_cast<int64_t>(address << 16) >> 16) == address; }

class X86 final : public UnicornArch {
 public:
  Arch arch() const override { return Arch::kX86_64; }

  uc_engine* open() const override {
    uc_engine* uc = nullptr;
    uc_check(uc_open(UC_ARCH_X86, UC_MODE_64, &uc), "open the engine");
    uc_check(uc_ctl_set_cpu_model(uc, UC_CPU_X86_WESTMERE), "CPU model");
    return uc;
  }

  void boot(UnicornCpu& cpu, uint64_t boot_address, std::byte* boot_page) const override {
    // lgdt [r8]; mov eax, 0x23; mov ds, eax; mov es, eax; iretq: five instructions; then a nop at CPL 3 that is not
    // run.
    const uint8_t stub[] = {0x41, 0x0f, 0x01, 0x10, 0xb8, 0x23, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0, 0x48, 0xcf, 0x90};
    std::memcpy(boot_page, stub, sizeof stub);
    // Null, kernel code and data, unused, user data (0x23), user code (0x2b): all flat.
    const uint64_t gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0x00cff3000000ffff, 0x00affb000000ffff};
    constexpr size_t kGdt = 0x100, kGdtr = 0x200, kFrame = 0x300, kStack = 0x800;
    std::memcpy(boot_page + kGdt, gdt, sizeof gdt);
    const uint16_t limit = sizeof gdt - 1;
    const uint64_t base = boot_address + kGdt;
    std::memcpy(boot_page + kGdtr, &limit, sizeof limit);
    std::memcpy(boot_page + kGdtr + sizeof limit, &base, sizeof base);
    const uint64_t frame[] = {boot_address + sizeof stub - 1, 0x2b, 0x202, boot_address + kStack, 0x23};
    std::memcpy(boot_page + kFrame, frame, sizeof frame);

    cpu.write(UC_X86_REG_R8, boot_address + kGdtr);
    cpu.write(UC_X86_REG_RSP, boot_address + kFrame);
    uint64_t cr4 = cpu.read(UC_X86_REG_CR4);
    cpu.write(UC_X86_REG_CR4, cr4 | 1u << 9 | 1u << 10);  // OSFXSR, OSXMMEXCPT.
    uc_check(cpu.emulate(boot_address, boot_address + sizeof stub - 1), "boot");
    uint64_t cs = cpu.read(UC_X86_REG_CS);
    CHECK((cs & 3) == 3, "the engine is not at CPL 3: CS {:#x}", cs);
  }

  void add_hooks(UnicornCpu& cpu) const override {
    cpu.add_hook(UC_HOOK_INTR, reinterpret_cast<void*>(on_interrupt));
    cpu.add_hook(UC_HOOK_INSN, reinterpret_cast<void*>(on_syscall), UC_X86_INS_SYSCALL);
    cpu.add_hook(UC_HOOK_INSN, reinterpret_cast<void*>(on_sysenter), UC_X86_INS_SYSENTER);
    cpu.add_hook(UC_HOOK_INSN, reinterpret_cast<void*>(on_rdtsc), UC_X86_INS_RDTSC);
    cpu.add_hook(UC_HOOK_INSN, reinterpret_cast<void*>(on_cpuid), UC_X86_INS_CPUID);
  }

  void save(uc_engine* uc, Registers& r) const override {
    auto at = fields(r);
    uc_check(uc_reg_read_batch(uc, const_cast<int*>(kRegisters), at.data(), kRegisterCount), "read registers");
  }

  void load(uc_engine* uc, const Registers& registers) const override {
    Registers r = registers;
    auto at = fields(r);
    uc_check(uc_reg_write_batch(uc, const_cast<int*>(kRegisters), at.data(), kRegisterCount), "write registers");
  }

  const TrapRegisters& trap_registers() const override { return kTrapRegisters; }

  void exception(UnicornCpu& cpu, uint32_t number) const override {
    uint64_t pc = cpu.pc();
    ExceptionInfo info{.pc = GuestAddr(pc), .vector = number};
    // INT n arrives under its own number with the PC behind it. A program may only use INT3; the rest is #GP at the
    // INT.
    uint8_t before[2] = {};
    bool software =
        cpu.read_code(pc - 2, before, 2) == 2 && before[0] == 0xcd && before[1] == number && number != kBreakpoint;
    if (software) {
      pc -= 2;
      cpu.write(UC_X86_REG_RIP, pc);
      info.pc = GuestAddr(pc);
      info.vector = kGeneralProtection;
      info.error_code = number << 3 | 2;
      info.kind = ExceptionInfo::Kind::kGeneral;
      cpu.uncount_from(pc);
      return cpu.raise(info);
    }
    switch (number) {
      case kInvalidInstruction:
      case kInvalidOpcode:
        info.kind = ExceptionInfo::Kind::kUndefinedInstruction;
        info.vector = kInvalidOpcode;
        break;
      case kDivide: info.kind = ExceptionInfo::Kind::kDivideError; break;
      case kBreakpoint: info.kind = ExceptionInfo::Kind::kBreakpoint; break;
      case kDebug:
        // A trap, behind its instruction: nothing to take back. One behind a system call that ends the run comes later.
        if (cpu.stopping()) return;
        info.kind = ExceptionInfo::Kind::kHardwareBreakpoint;
        info.point = ExceptionInfo::kStep;
        return cpu.raise(info);
      case kAlignment: info.kind = ExceptionInfo::Kind::kUnalignedAccess; break;
      default: info.kind = ExceptionInfo::Kind::kGeneral; break;
    }
    cpu.uncount_from(pc);
    cpu.raise(info);
  }

  void describe_page_fault(UnicornCpu& cpu, WalkFault fault, ExceptionInfo& info) const override {
    Registers registers;
    cpu.save(registers);
    if (info.access == AccessKind::kExecute) {
      // The fault is at the first byte of the instruction that cannot be fetched.
      if (info.address.page() == info.pc.page()) info.address = info.pc;
    } else {
      uint8_t code[kMaxInstruction];
      size_t size = cpu.read_code(info.pc.value, code, sizeof code);
      info.address = fault_address(Arch::kX86_64, {code, size}, registers, info.address);
    }
    if (!canonical(info.address.value)) {
      info.kind = ExceptionInfo::Kind::kGeneral;
      info.vector = kGeneralProtection;
      info.error_code = 0;
      return;
    }
    info.vector = kPageFault;
    info.error_code = kErrorUser | (fault.kind == WalkFault::Kind::kPermission ? kErrorPresent : 0) |
                      (info.access == AccessKind::kWrite ? kErrorWrite : 0) |
                      (info.access == AccessKind::kExecute ? kErrorFetch : 0);
  }

 private:
  static void on_interrupt(uc_engine*, uint32_t number, void* user_data) {
    UnicornCpu& cpu = UnicornCpu::of(user_data);
    if (!cpu.booting()) unicorn_x86_64().exception(cpu, number);
  }

  // In these hooks RIP is the address of the instruction; all of them are two bytes long.
  static void on_syscall(uc_engine*, void* user_data) {
    UnicornCpu& cpu = UnicornCpu::of(user_data);
    cpu.on_system_call(cpu.block_end());
  }

  static void on_sysenter(uc_engine*, void* user_data) {
    UnicornCpu& cpu = UnicornCpu::of(user_data);
    cpu.uncount_from(cpu.pc());
    cpu.raise({.kind = ExceptionInfo::Kind::kGeneral, .pc = GuestAddr(cpu.pc()), .vector = kGeneralProtection});
  }

  static int on_rdtsc(uc_engine*, void* user_data) {
    UnicornCpu& cpu = UnicornCpu::of(user_data);
    uint64_t value = cpu.on_counter(cpu.pc() + 2);
    cpu.write(UC_X86_REG_RAX, static_cast<uint32_t>(value));
    cpu.write(UC_X86_REG_RDX, value >> 32);
    return 1;
  }

  static int on_cpuid(uc_engine*, void* user_data) {
    UnicornCpu& cpu = UnicornCpu::of(user_data);
    CpuidResult result =
        cpuid(static_cast<uint32_t>(cpu.read(UC_X86_REG_RAX)), static_cast<uint32_t>(cpu.read(UC_X86_REG_RCX)));
    cpu.write(UC_X86_REG_RAX, result.eax);
    cpu.write(UC_X86_REG_RBX, result.ebx);
    cpu.write(UC_X86_REG_RCX, result.ecx);
    cpu.write(UC_X86_REG_RDX, result.edx);
    return 1;
  }
};

}  // namespace

const UnicornArch& unicorn_x86_64() {
  static const X86 arch;
  return arch;
}

}  // namespace jacinth::emu
