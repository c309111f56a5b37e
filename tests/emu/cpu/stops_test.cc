// Stops that a debugger asks for: exactly where it said, and nothing of the run is changed by them.
#include "emu/cpu/cpu.h"
#include "tests/support/cpu_rig.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using Reason = Stop::Reason;

constexpr uint32_t kSvc = 0xd4000001;
constexpr uint32_t movz(unsigned reg, uint32_t imm) { return 0xd2800000 | imm << 5 | reg; }
constexpr uint32_t movz16(unsigned reg, uint32_t imm) { return 0xd2a00000 | imm << 5 | reg; }  // imm << 16

/// Adds one to a word of data ten times, and ends: the addition lies in the middle of a block.
void adding_program(CpuRig& rig) {
  rig.code(
      {
          movz16(2, CpuRig::kData >> 16),
          movz(1, 10),
          0xf9400043,  // loop: ldr x3, [x2]
          0x91000463,  // add x3, x3, #1
          0xf9000043,  // str x3, [x2]
          0xf1000421,  // subs x1, x1, #1
          0x54ffff81,  // b.ne loop
          movz(16, 0),
          kSvc,
      },
      {
          0xbe, 0x00, 0x00, 0x80, 0x00,  // mov esi, kData
          0xbb, 0x0a, 0x00, 0x00, 0x00,  // mov ebx, 10
          0x90,                          // loop: nop
          0x48, 0xff, 0x06,              // inc qword [rsi]
          0x48, 0xff, 0xcb,              // dec rbx
          0x75, 0xf7,                    // jnz loop
          0x31, 0xc0, 0x0f, 0x05,        // xor eax, eax; syscall
      });
}
/// Where the store is, and how much was executed before it comes for the first time.
uint64_t store(Arch arch) { return CpuRig::kCode + (arch == Arch::kArm64 ? 16 : 11); }
constexpr uint64_t kRound[] = {20, 9};
uint64_t total(Arch arch) { return arch == Arch::kArm64 ? 8 + 10 * 20 + 8 : 10 + 10 * 9 + 4; }
uint64_t round(Arch arch) { return kRound[arch == Arch::kArm64 ? 0 : 1]; }

TEST_CASE("a breakpoint ends the run before its instruction, with the count exact", "[cpu][stops]") {
  for (Arch arch : kBothArchitectures) {
    for (bool stepping : {false, true}) {
      CpuRig rig(arch, stepping);
      adding_program(rig);
      GuestAddr at(store(arch));
      rig.cpu().set_breakpoints(std::span(&at, 1));
      bool again = false;
      rig.on_breakpoint = [&](GuestAddr) { return again = !again; };
      Stop stop = rig.run();
      uint64_t before = at.value - CpuRig::kCode;
      for (uint64_t i = 0; i < 10; ++i) {
        REQUIRE(stop.reason == Reason::kHeld);
        REQUIRE(rig.registers.pc == at.value);
        REQUIRE(rig.executed == before + i * round(arch));
        REQUIRE(rig.breakpoints.back() == std::pair(at.value, rig.executed));
        REQUIRE(rig.read64(CpuRig::kData) == i);
        // It is asked again for the same instruction, and lets it go.
        stop = i % 2 == 0 ? rig.go_on() : rig.run();
      }
      REQUIRE(stop.reason == Reason::kSystemCall);
      REQUIRE(rig.executed == total(arch));
      REQUIRE(rig.read64(CpuRig::kData) == 10);
      REQUIRE(rig.breakpoints.size() == 20);
    }
  }
}

TEST_CASE("breakpoints can come and go, and one that nobody wants to stop at changes nothing", "[cpu][stops]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    adding_program(rig);
    GuestAddr at(store(arch));
    rig.on_breakpoint = [](GuestAddr) { return false; };
    Registers begin = rig.registers;
    REQUIRE(rig.run().reason == Reason::kSystemCall);
    REQUIRE(rig.breakpoints.empty());
    rig.registers = begin;
    rig.cpu().set_breakpoints(std::span(&at, 1));
    REQUIRE(rig.run().reason == Reason::kSystemCall);
    REQUIRE(rig.breakpoints.size() == 10);
    rig.registers = begin;
    rig.cpu().set_breakpoints({});
    REQUIRE(rig.run().reason == Reason::kSystemCall);
    REQUIRE(rig.breakpoints.size() == 10);
    REQUIRE(rig.executed == 3 * total(arch));
  }
}

TEST_CASE("an access to a watched page ends the run before it", "[cpu][stops]") {
  for (Arch arch : kBothArchitectures) {
    for (bool read : {false, true}) {
      CpuRig rig(arch);
      adding_program(rig);
      WatchedPage page{.page = GuestAddr(CpuRig::kData), .read = read, .write = !read};
      rig.cpu().set_watched_pages(std::span(&page, 1));
      REQUIRE(rig.run().reason == Reason::kWatched);
      // The load comes first on arm64; x86-64 adds in memory.
      uint64_t load = arch == Arch::kArm64 ? CpuRig::kCode + 8 : store(arch);
      REQUIRE(rig.registers.pc == (read ? load : store(arch)));
      REQUIRE(rig.executed == rig.registers.pc - CpuRig::kCode);
      REQUIRE(rig.read64(CpuRig::kData) == 0);
      // It does not go on by itself.
      REQUIRE(rig.go_on().reason == Reason::kWatched);
      rig.cpu().set_watched_pages({});
      REQUIRE(rig.run().reason == Reason::kSystemCall);
      REQUIRE(rig.executed == total(arch));
      REQUIRE(rig.read64(CpuRig::kData) == 10);
    }
  }
}

TEST_CASE("a fault can be held before its instruction, which then runs without it", "[cpu][stops]") {
  for (Arch arch : kBothArchitectures) {
    CpuRig rig(arch);
    rig.code({movz16(1, CpuRig::kHole >> 16), movz(0, 5), 0xf9000420 /* str x0, [x1, #8] */, movz(16, 0), kSvc},
             {0xbb, 0, 0, 0, 0x10, 0xb8, 5,   0, 0, 0, 0x48, 0x89, 0x43, 0x08 /* mov [rbx+8], rax */,
              0xb8, 0, 0, 0, 0,    0x0f, 0x05});
    rig.on_fault = [&](GuestAddr page, AccessKind) {
      rig.map(page.value, {.read = true, .write = true});
      rig.cpu().hold();
      return true;
    };
    REQUIRE(rig.run().reason == Reason::kHeld);
    uint64_t before = arch == Arch::kArm64 ? 8 : 10;
    REQUIRE(rig.registers.pc == CpuRig::kCode + before);
    REQUIRE(rig.executed == before);
    REQUIRE(rig.read64(CpuRig::kHole + 8) == 0);
    REQUIRE(rig.run().reason == Reason::kSystemCall);
    REQUIRE(rig.faults.size() == 1);
    REQUIRE(rig.read64(CpuRig::kHole + 8) == 5);
    REQUIRE(rig.executed == (arch == Arch::kArm64 ? 20u : 21u));
  }
}

TEST_CASE("a stop between an exclusive load and its store does not part them", "[cpu][stops]") {
  // ldxr x3, [x2]; add x3, x3, #1; stxr w4, x3, [x2]; end
  auto program = [](CpuRig& rig) {
    rig.code({movz16(2, CpuRig::kData >> 16), 0xc85f7c43, 0x91000463, 0xc8047c43, movz(16, 0), kSvc}, {});
  };
  for (uint64_t limit : {4, 8, 12, 16}) {
    CpuRig rig(Arch::kArm64, true);
    program(rig);
    REQUIRE(rig.run(Cpu::kUnlimited, limit).reason == Reason::kLimit);
    REQUIRE(rig.executed == limit);
    bool between = limit == 8 || limit == 12;
    REQUIRE(rig.registers.exclusive == (between ? 1 : 0));
    if (between) REQUIRE(rig.registers.exclusive_address == CpuRig::kData);
    // On another core, which knows nothing of the load.
    auto other = rig.another_cpu();
    other->load(rig.registers);
    REQUIRE(other->run(Cpu::kUnlimited).reason == Reason::kSystemCall);
    Registers end;
    other->save(end);
    REQUIRE(end.gpr[4] == 0);
    REQUIRE(end.exclusive == 0);
    REQUIRE(rig.read64(CpuRig::kData) == 1);
  }
  // What somebody else wrote in between is noticed all the same.
  CpuRig rig(Arch::kArm64, true);
  program(rig);
  REQUIRE(rig.run(Cpu::kUnlimited, 8).reason == Reason::kLimit);
  uint64_t theirs = 7;
  rig.write(CpuRig::kData, &theirs, sizeof theirs);
  REQUIRE(rig.run().reason == Reason::kSystemCall);
  REQUIRE(rig.registers.gpr[4] == 1);
  REQUIRE(rig.read64(CpuRig::kData) == 7);
}

}  // namespace
}  // namespace jacinth::emu
