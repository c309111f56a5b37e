// One core: traps, faults, exceptions, counting, and code that changes, on both architectures.
#include "emu/cpu/cpu.h"

#include "emu/cpu/x86_64/cpuid.h"
#include "tests/support/cpu_rig.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using Kind = ExceptionInfo::Kind;
using Reason = Stop::Reason;

// mov number, N; svc/syscall: used by most programs below. Number 0 ends a run.
constexpr uint32_t kSvc = 0xd4000001;
constexpr uint32_t movz(unsigned reg, uint32_t imm) { return 0xd2800000 | imm << 5 | reg; }
constexpr uint32_t movz16(unsigned reg, uint32_t imm) { return 0xd2a00000 | imm << 5 | reg; }  // imm << 16

TEST_CASE("a trap reports number, arguments and the address behind it", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    rig.code({movz(16, 7), movz(0, 11), movz(7, 18), kSvc, movz(16, 0), kSvc},
             {0xb8, 7, 0, 0, 0, 0xbf, 11,  0, 0, 0, 0x41, 0xbd, 18, 0, 0, 0, 0x0f, 0x05,  //
              0xb8, 0, 0, 0, 0, 0x0f, 0x05});
    rig.on_call = [](Cpu& cpu, const CpuRig::SeenCall& call) {
      if (call.number == 0) return false;
      cpu.set_result(-30);
      return true;
    };
    Stop stop = rig.run();

    REQUIRE(stop.reason == Reason::kSystemCall);
    REQUIRE(rig.calls.size() == 2);
    REQUIRE(rig.calls[0].number == 7);
    REQUIRE(rig.calls[0].arguments[0] == 11);
    REQUIRE(rig.calls[0].arguments[7] == 18);
    REQUIRE(rig.calls[0].pc == CpuRig::kCode + (arch == Arch::kArm64 ? 16 : 18));
    REQUIRE(rig.calls[0].executed == (arch == Arch::kArm64 ? 16u : 18u));
    REQUIRE(rig.executed == (arch == Arch::kArm64 ? 24u : 25u));
    REQUIRE(rig.registers.pc == CpuRig::kCode + rig.executed);
    // On x86-64 RAX was loaded with the next number meanwhile.
    if (arch == Arch::kArm64) REQUIRE(static_cast<int64_t>(rig.registers.gpr[0]) == -30);
  }
}

TEST_CASE("a fault that the client resolves does not stop the guest", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    rig.code({movz16(1, CpuRig::kHole >> 16), movz(0, 5), 0xf9000420 /* str x0, [x1, #8] */, movz(16, 0), kSvc},
             {0xbb, 0, 0, 0, 0x10, 0xb8, 5,   0, 0, 0, 0x48, 0x89, 0x43, 0x08 /* mov [rbx+8], rax */,  //
              0xb8, 0, 0, 0, 0,    0x0f, 0x05});
    rig.on_fault = [&](GuestAddr page, AccessKind) {
      rig.map(page.value, {.read = true, .write = true});
      return true;
    };
    REQUIRE(rig.run().reason == Reason::kSystemCall);
    REQUIRE(rig.faults == std::vector<std::pair<uint64_t, AccessKind>>{{CpuRig::kHole, AccessKind::kWrite}});
    REQUIRE(rig.read64(CpuRig::kHole + 8) == 5);
    REQUIRE(rig.executed == (arch == Arch::kArm64 ? 20u : 21u));
  }
}

TEST_CASE("a fault that stays reports the exact byte, instruction and count", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    for (bool stepping : {false, true}) {
      CpuRig rig(arch, stepping);
      rig.code({movz16(1, CpuRig::kHole >> 16), movz(0, 5), 0xf9400c20 /* ldr x0, [x1, #24] */, movz(16, 0), kSvc},
               {0xbb, 0, 0, 0, 0x10, 0xb8, 5,   0, 0, 0, 0x48, 0x8b, 0x43, 0x18 /* mov rax, [rbx+24] */,  //
                0xb8, 0, 0, 0, 0,    0x0f, 0x05});
      Stop stop = rig.run();
      uint64_t before = arch == Arch::kArm64 ? 8 : 10;

      REQUIRE(stop.reason == Reason::kException);
      REQUIRE(stop.exception.kind == Kind::kPageFault);
      REQUIRE(stop.exception.pc.value == CpuRig::kCode + before);
      REQUIRE(stop.exception.address.value == CpuRig::kHole + 24);
      REQUIRE(stop.exception.access == AccessKind::kRead);
      REQUIRE_FALSE(stop.exception.present);
      REQUIRE(rig.executed == before);
      REQUIRE(rig.registers.pc == CpuRig::kCode + before);
      if (arch == Arch::kArm64) REQUIRE(stop.exception.syndrome >> 26 == 0x24u);
      if (arch == Arch::kX86_64) REQUIRE(stop.exception.error_code == 4u);

      // Mapped now, the same instruction goes on.
      rig.map(CpuRig::kHole, {.read = true});
      REQUIRE(rig.go_on().reason == Reason::kSystemCall);
      REQUIRE(rig.executed == before + (arch == Arch::kArm64 ? 12u : 11u));
    }
  }
}

TEST_CASE("a write to read-only memory and a jump to data are permission faults", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    rig.map(CpuRig::kHole, {.read = true});
    rig.code({movz16(1, CpuRig::kHole >> 16), 0xf9400020 /* ldr x0, [x1] */, 0xf9000020 /* str x0, [x1] */},
             {0xbb, 0, 0, 0, 0x10, 0x48, 0x8b, 0x03, 0x48, 0x89, 0x03});
    Stop stop = rig.run();
    REQUIRE(stop.reason == Reason::kException);
    REQUIRE(stop.exception.access == AccessKind::kWrite);
    REQUIRE(stop.exception.present);
    REQUIRE(stop.exception.address.value == CpuRig::kHole);
    if (arch == Arch::kX86_64) REQUIRE(stop.exception.error_code == 7u);

    rig.code({movz16(1, CpuRig::kHole >> 16), 0xd61f0020 /* br x1 */}, {0xbb, 0, 0, 0, 0x10, 0xff, 0xe3 /* jmp rbx */});
    rig.registers.pc = CpuRig::kCode;
    stop = rig.run();
    REQUIRE(stop.reason == Reason::kException);
    REQUIRE(stop.exception.access == AccessKind::kExecute);
    REQUIRE(stop.exception.present);
    REQUIRE(stop.exception.pc.value == CpuRig::kHole);
    REQUIRE(stop.exception.address.value == CpuRig::kHole);
    if (arch == Arch::kX86_64) REQUIRE(stop.exception.error_code == 0x15u);
    if (arch == Arch::kArm64) REQUIRE(stop.exception.syndrome >> 26 == 0x20u);
  }
}

struct ExceptionCase {
  const char* what;
  Arch arch;
  std::vector<uint8_t> code;
  Kind kind;
  uint64_t pc;  // Relative to the start.
};

TEST_CASE("every exception arrives with its kind and place", "[cpu]") {
  const ExceptionCase cases[] = {
      {"brk #1", Arch::kArm64, {0x20, 0x00, 0x20, 0xd4}, Kind::kBreakpoint, 0},
      {"udf #0", Arch::kArm64, {0x1f, 0x20, 0x03, 0xd5, 0, 0, 0, 0}, Kind::kUndefinedInstruction, 4},
      {"mrs x0, midr_el1", Arch::kArm64, {0x00, 0x00, 0x38, 0xd5}, Kind::kUndefinedInstruction, 0},
      {"svc #1", Arch::kArm64, {0x21, 0x00, 0x00, 0xd4}, Kind::kGeneral, 4},
      {"ud2", Arch::kX86_64, {0x90, 0x0f, 0x0b}, Kind::kUndefinedInstruction, 1},
      {"int3", Arch::kX86_64, {0x90, 0xcc}, Kind::kBreakpoint, 2},
      {"hlt", Arch::kX86_64, {0x90, 0xf4}, Kind::kGeneral, 1},
      {"int 0x80", Arch::kX86_64, {0x90, 0xcd, 0x80}, Kind::kGeneral, 1},
      {"int 0x0d", Arch::kX86_64, {0x90, 0xcd, 0x0d}, Kind::kGeneral, 1},
      {"xor ecx, ecx; div ecx", Arch::kX86_64, {0x31, 0xc9, 0xf7, 0xf1}, Kind::kDivideError, 2},
      {"mov rax, cr0", Arch::kX86_64, {0x90, 0x0f, 0x20, 0xc0}, Kind::kGeneral, 1},
      {"sysenter", Arch::kX86_64, {0x90, 0x0f, 0x34}, Kind::kGeneral, 1},
      {"rdrand eax", Arch::kX86_64, {0x90, 0x0f, 0xc7, 0xf0}, Kind::kUndefinedInstruction, 1},
      {"rdtscp", Arch::kX86_64, {0x90, 0x0f, 0x01, 0xf9}, Kind::kUndefinedInstruction, 1},
      {"xgetbv", Arch::kX86_64, {0x90, 0x0f, 0x01, 0xd0}, Kind::kUndefinedInstruction, 1},
  };
  for (const ExceptionCase& c : cases) {
    for (bool stepping : {false, true}) {
      INFO(c.what << (stepping ? ", stepping" : ""));
      CpuRig rig(c.arch, stepping);
      rig.write(CpuRig::kCode, c.code.data(), c.code.size());
      Stop stop = rig.run();
      INFO("vector " << stop.exception.vector);
      REQUIRE(stop.reason == Reason::kException);
      REQUIRE(stop.exception.kind == c.kind);
      REQUIRE(stop.exception.pc.value == CpuRig::kCode + c.pc);
      REQUIRE(rig.executed == c.pc);
    }
  }
}

TEST_CASE("exceptions in a row stay what they are", "[cpu]") {
  CpuRig rig(Arch::kX86_64);
  rig.code({}, {0x31, 0xc9, 0xf7, 0xf1 /* div ecx */});
  for (int i = 0; i < 5; ++i) {
    rig.registers.pc = CpuRig::kCode;
    Stop stop = rig.run();
    REQUIRE(stop.reason == Reason::kException);
    REQUIRE(stop.exception.kind == Kind::kDivideError);
  }
}

TEST_CASE("a counter read sees the code executed so far, in the middle of a block too", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    for (bool stepping : {false, true}) {
      CpuRig rig(arch, stepping);
      rig.code(
          {movz(1, 1), 0xd53be040 /* mrs x0, cntvct_el0 */, movz(1, 2), 0xd53be042 /* mrs x2 */, movz(16, 0), kSvc},
          {0x90, 0x0f, 0x31 /* rdtsc */, 0x89, 0xc3 /* mov ebx, eax */, 0x90, 0x0f, 0x31, 0x90,  //
           0xb8, 0, 0, 0, 0, 0x0f, 0x05});
      REQUIRE(rig.run().reason == Reason::kSystemCall);
      if (arch == Arch::kArm64) {
        REQUIRE(rig.counter_reads == std::vector<uint64_t>{8, 16});
        REQUIRE(rig.registers.gpr[0] == 8);
        REQUIRE(rig.registers.gpr[2] == 16);
        REQUIRE(rig.executed == 24);
      } else {
        REQUIRE(rig.counter_reads == std::vector<uint64_t>{3, 8});
        REQUIRE(rig.registers.gpr[kRbx] == 3);
        REQUIRE(rig.executed == 16);
      }
    }
  }
}

TEST_CASE("CPUID is the model's, not the host's", "[cpu]") {
  CpuRig rig(Arch::kX86_64);
  rig.code({}, {0xb8, 0, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2, 0x90, 0x0f, 0x0b});
  rig.run();
  CpuidResult expected = cpuid(0, 0);
  REQUIRE(rig.registers.gpr[kRax] == expected.eax);
  REQUIRE(rig.registers.gpr[kRbx] == expected.ebx);
  REQUIRE(rig.registers.gpr[kRcx] == expected.ecx);
  REQUIRE(rig.registers.gpr[kRdx] == expected.edx);
  // No generator of the host's, nothing wider than SSE.
  REQUIRE((cpuid(1, 0).ecx & (1u << 30 | 1u << 28 | 1u << 27 | 1u << 26)) == 0);
  REQUIRE(cpuid(7, 0) == CpuidResult{});
}

TEST_CASE("registers survive load and save", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    Registers in = rig.registers;
    size_t general = arch == Arch::kArm64 ? 31 : 16;
    for (size_t i = 0; i < general; ++i) in.gpr[i] = 0x1111'1111'1111'1111 * (i + 1);
    for (size_t i = 0; i < (arch == Arch::kArm64 ? 32u : 16u); ++i) in.vector[i] = {i * 3 + 1, ~i};
    in.tls = 0x7f00'1234'5000;
    if (arch == Arch::kArm64) {
      in.flags = 0xa000'0000;
      in.fpcr = 0x0040'0000;
      in.fpsr = 0x0800'0001;
    } else {
      in.tls_second = 0x7f00'9999'0000;
      in.flags = 0x246;
      in.fpcr = 0x1fa0;
      for (uint64_t i = 0; i < 8; ++i) in.x87[i] = {0x8000'0000'0000'0000 + i, 0x3fff};
      in.x87_control = 0x27f;
      in.x87_status = 0x3800;
      in.x87_tag = 0;
    }
    rig.cpu().load(in);
    Registers out;
    rig.cpu().save(out);
    REQUIRE(out.gpr == in.gpr);
    REQUIRE(out.vector == in.vector);
    REQUIRE(out.flags == in.flags);
    REQUIRE(out.tls == in.tls);
    REQUIRE(out.tls_second == in.tls_second);
    REQUIRE(out.fpcr == in.fpcr);
    REQUIRE(out.fpsr == in.fpsr);
    REQUIRE(out.x87 == in.x87);
    REQUIRE(out.x87_control == in.x87_control);
    REQUIRE(out.x87_status == in.x87_status);
    REQUIRE(out.x87_tag == in.x87_tag);
    REQUIRE(out == in);
  }
}

// --- Budgets and limits ---

/// x0/rcx counts up for ever: a loop of three (arm64) or three (x86-64) instructions.
void endless_loop(CpuRig& rig) {
  rig.code({0x91000400 /* add x0, x0, #1 */, 0xd503201f /* nop */, 0x17fffffe /* b .-8 */},
           {0x48, 0xff, 0xc1 /* inc rcx */, 0x90, 0xeb, 0xfa /* jmp .-6 */});
}

TEST_CASE("a budget ends at the first transfer at or past it, however the core runs", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    uint64_t round = arch == Arch::kArm64 ? 12 : 6;
    for (uint64_t budget = 1; budget < 60; ++budget) {
      for (bool stepping : {false, true}) {
        INFO(arch_name(arch) << " budget " << budget << " stepping " << stepping);
        CpuRig rig(arch, stepping);
        endless_loop(rig);
        REQUIRE(rig.run(budget).reason == Reason::kBudget);
        REQUIRE(rig.executed == (budget + round - 1) / round * round);
        REQUIRE(rig.registers.pc == CpuRig::kCode);
        REQUIRE(rig.registers.gpr[arch == Arch::kArm64 ? 0 : kRcx] == rig.executed / round);
        if (budget > 20 && !stepping) break;  // One engine each is enough beyond the first rounds.
      }
    }
  }
}

TEST_CASE("a budget that is used up waits for a transfer", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    for (bool stepping : {false, true}) {
      CpuRig rig(arch, stepping);
      rig.code(
          {0xd503201f, 0xd503201f, 0xd503201f, 0x14000001 /* b .+4: falls through */, 0xd503201f, movz(16, 0), kSvc},
          {0x90, 0x90, 0x90, 0xeb, 0x00, 0x90, 0xb8, 0, 0, 0, 0, 0x0f, 0x05});
      // Nothing but the trap ends it: a jump to the next instruction is no transfer.
      REQUIRE(rig.run(1).reason == Reason::kSystemCall);
    }
  }
}

TEST_CASE("a stepping core stops exactly at its limit, a block core never passes it", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig stepping(arch, true);
    endless_loop(stepping);
    CpuRig blocks(arch, false);
    endless_loop(blocks);
    stepping.cpu().load(stepping.registers);
    blocks.cpu().load(blocks.registers);
    uint64_t want = 0;
    for (uint64_t limit : {4, 8, 12, 16, 4, 20, 36, 100, 1000, 4}) {
      if (arch == Arch::kX86_64) limit = limit / 4 * 6;  // Whole rounds: instructions have several lengths.
      want += limit;
      REQUIRE(stepping.go_on(Cpu::kUnlimited, limit).reason == Reason::kLimit);
      REQUIRE(stepping.executed == want);
      REQUIRE(blocks.go_on(Cpu::kUnlimited, want - blocks.executed).reason == Reason::kLimit);
      REQUIRE(blocks.executed <= want);
    }
  }
}

TEST_CASE("limits in between do not move the end of a budget", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig straight(arch);
    endless_loop(straight);
    straight.run(1000);
    for (uint64_t piece : {4, 6, 12, 18, 24, 500}) {
      CpuRig rig(arch, true);
      endless_loop(rig);
      rig.cpu().load(rig.registers);
      Stop stop;
      do {
        stop = rig.go_on(1000 - std::min<uint64_t>(1000, rig.executed), piece);
        rig.cpu().load(rig.registers);
      } while (stop.reason == Reason::kLimit);
      INFO(arch_name(arch) << " in pieces of " << piece);
      REQUIRE(stop.reason == Reason::kBudget);
      REQUIRE(rig.executed == straight.executed);
      REQUIRE(rig.registers == straight.registers);
    }
  }
}

TEST_CASE("a repeated string instruction counts every iteration, however the core runs", "[cpu]") {
  for (uint64_t count : {0, 1, 2, 7, 100}) {
    uint64_t executed[2];
    Registers registers[2];
    for (bool stepping : {false, true}) {
      CpuRig rig(Arch::kX86_64, stepping);
      rig.code({}, {0x90, 0xf3, 0xaa /* rep stosb */, 0x90, 0xb8, 0, 0, 0, 0, 0x0f, 0x05});
      rig.registers.gpr[kRcx] = count;
      rig.registers.gpr[kRdi] = CpuRig::kData;
      REQUIRE(rig.run().reason == Reason::kSystemCall);
      executed[stepping] = rig.executed;
      registers[stepping] = rig.registers;
    }
    INFO("count " << count);
    REQUIRE(executed[0] == executed[1]);
    REQUIRE(registers[0] == registers[1]);
  }
}

// --- Code that changes ---

constexpr uint64_t kRwx = 0x2000'0000;

TEST_CASE("code written by the kernel is executed as written", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    for (uint8_t n = 1; n < 4; ++n) {
      rig.code({movz(1, n), movz(16, 0), kSvc}, {0xbb, n, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0x0f, 0x05});
      rig.registers.pc = CpuRig::kCode;
      REQUIRE(rig.run().reason == Reason::kSystemCall);
      REQUIRE(rig.registers.gpr[arch == Arch::kArm64 ? 1 : kRbx] == n);
    }
  }
}

TEST_CASE("code written through one mapping and executed through another is executed as written", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    // The page at kHole is executed, its alias at kRwx written by the program on the code page.
    PhysAddr frame = rig.map(CpuRig::kHole, {.read = true, .execute = true});
    rig.map(kRwx, {.read = true, .write = true}, frame);
    rig.code({movz(1, 1), 0xd65f03c0}, {0xbb, 1, 0, 0, 0, 0xc3}, CpuRig::kHole);
    // Call the code, patch its immediate to 2, call again.
    if (arch == Arch::kArm64) {
      // ldr w6, [x3]; add w6, w6, #0x20 (imm += 1); str w6, [x3]; blr x2; mov x16, #0; svc
      rig.code({movz16(2, CpuRig::kHole >> 16), movz16(3, kRwx >> 16), 0xd63f0040, 0xaa0103e4, 0xb9400066, 0x110080c6,
                0xb9000066, 0xd63f0040, movz(16, 0), kSvc},
               {});
    } else {
      // mov edx, hole; mov esi, rwx; call rdx; mov r8, rbx; inc byte [rsi+1]; call rdx; mov eax, 0; syscall
      rig.code({}, {0xba, 0,    0,    0,    0x10, 0xbe, 0,    0, 0, 0x20, 0xff, 0xd2, 0x49, 0x89,
                    0xd8, 0xfe, 0x46, 0x01, 0xff, 0xd2, 0xb8, 0, 0, 0,    0,    0x0f, 0x05});
    }
    REQUIRE(rig.run().reason == Reason::kSystemCall);
    REQUIRE(rig.registers.gpr[arch == Arch::kArm64 ? 4 : kR8] == 1);
    REQUIRE(rig.registers.gpr[arch == Arch::kArm64 ? 1 : kRbx] == 2);
  }
}

TEST_CASE("a program that writes the page it runs on executes what it wrote", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    uint64_t counts[2];
    for (bool stepping : {false, true}) {
      CpuRig rig(arch, stepping);
      rig.map(kRwx, {.read = true, .write = true, .execute = true});
      if (arch == Arch::kArm64) {
        // x3 = page; patch the movz at +20 to load 2 instead of 1, then run into it.
        rig.code({movz16(3, kRwx >> 16), 0xb9401466 /* ldr w6, [x3, #20] */, 0x110080c6, 0xb9001466 /* str */,
                  0xd503201f, movz(1, 1), movz(16, 0), kSvc},
                 {}, kRwx);
      } else {
        // inc byte [rip + 1]: the immediate of the next mov.
        rig.code({}, {0xfe, 0x05, 0x01, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0x0f, 0x05}, kRwx);
      }
      rig.registers.pc = kRwx;
      REQUIRE(rig.run().reason == Reason::kSystemCall);
      REQUIRE(rig.registers.gpr[arch == Arch::kArm64 ? 1 : kRbx] == 2);
      counts[stepping] = rig.executed;
    }
    REQUIRE(counts[0] == counts[1]);
  }
}

TEST_CASE("code written on one core is executed on another as written", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    rig.map(kRwx, {.read = true, .write = true}, rig.map(CpuRig::kHole, {.read = true, .execute = true}));
    rig.code({movz(1, 1), movz(16, 0), kSvc}, {0xbb, 1, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0x0f, 0x05}, CpuRig::kHole);
    auto other = rig.another_cpu();
    Registers there = rig.registers;
    there.pc = CpuRig::kHole;
    other->load(there);
    REQUIRE(other->run(Cpu::kUnlimited).reason == Reason::kSystemCall);

    // ldr w6, [x3]; add; str; end  /  inc byte [rsi+1]; end
    rig.code({movz16(3, kRwx >> 16), 0xb9400066, 0x110080c6, 0xb9000066, movz(16, 0), kSvc},
             {0xbe, 0, 0, 0, 0x20, 0xfe, 0x46, 0x01, 0xb8, 0, 0, 0, 0, 0x0f, 0x05});
    REQUIRE(rig.run().reason == Reason::kSystemCall);

    other->load(there);
    REQUIRE(other->run(Cpu::kUnlimited).reason == Reason::kSystemCall);
    other->save(there);
    REQUIRE(there.gpr[arch == Arch::kArm64 ? 1 : kRbx] == 2);
  }
}

TEST_CASE("the first write to a clean page is seen after reads", "[cpu]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    // Read the data page, then write it; then write again.
    rig.code({movz16(1, CpuRig::kData >> 16), 0xf9400020, 0xf9000020, movz(16, 1), kSvc, 0xf9000020, movz(16, 0), kSvc},
             {0xbb, 0, 0,    0x80, 0,    0x48, 0x8b, 0x03, 0x48, 0x89, 0x03, 0xb8, 1,    0,
              0,    0, 0x0f, 0x05, 0x48, 0x89, 0x03, 0xb8, 0,    0,    0,    0,    0x0f, 0x05});
    rig.on_call = [&](Cpu& cpu, const CpuRig::SeenCall& call) {
      if (call.number == 0) return false;
      REQUIRE((rig.memory().notes(rig.data_frame) & PhysicalMemory::kTouched) != 0);
      REQUIRE(rig.tables().query(GuestAddr(CpuRig::kData))->dirty);
      // A snapshot now wants to hear of the next write.
      rig.memory().set_notes(rig.data_frame, PhysicalMemory::kTracked);
      cpu.flush_tlb();
      return true;
    };
    REQUIRE(rig.run().reason == Reason::kSystemCall);
    REQUIRE((rig.memory().notes(rig.data_frame) & PhysicalMemory::kTracked) == 0);
  }
}

}  // namespace
}  // namespace jacinth::emu
