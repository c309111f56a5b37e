// Jumps to where no A64 instruction can lie: a PC alignment fault, whatever the bytes there would mean.
#include "tests/support/cpu_rig.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

using Kind = ExceptionInfo::Kind;

void require_fault_at(const Stop& stop, uint64_t pc) {
  REQUIRE(stop.reason == Stop::Reason::kException);
  REQUIRE(stop.exception.kind == Kind::kUnalignedAccess);
  REQUIRE(stop.exception.pc == GuestAddr(pc));
  REQUIRE(stop.exception.address == GuestAddr(pc));
  REQUIRE(stop.exception.access == AccessKind::kExecute);
  REQUIRE(stop.exception.syndrome == (0x22u << 26 | 1u << 25));
}

}  // namespace

TEST_CASE("a jump to an odd address is a PC alignment fault, again and again", "[cpu]") {
  for (bool stepping : {false, true}) {
    CpuRig rig(Arch::kArm64, stepping);
    // add x2, x2, #1; br x1; and then bytes that make a valid instruction at any offset.
    rig.code({0x91000442, 0xd61f0020, 0xd503201f, 0x1f2003d5, 0x03d51f20, 0xd503201f}, {});
    for (int round = 1; round <= 3; ++round) {
      for (uint64_t offset : {1, 2, 3, 13, 14, 15}) {
        CAPTURE(round, offset, stepping);
        rig.registers = {};
        rig.registers.pc = CpuRig::kCode;
        rig.registers.gpr[1] = CpuRig::kCode + offset;
        rig.executed = 0;
        require_fault_at(rig.run(), CpuRig::kCode + offset);
        REQUIRE(rig.registers.pc == CpuRig::kCode + offset);
        REQUIRE(rig.registers.gpr[2] == 1);
        REQUIRE(rig.executed == 8);
      }
    }
  }
}

TEST_CASE("a thread that begins at an odd address never runs", "[cpu]") {
  CpuRig rig(Arch::kArm64);
  rig.code({0xd503201f, 0xd503201f, 0xd4000001}, {});
  rig.registers.pc = CpuRig::kCode + 2;
  require_fault_at(rig.run(), CpuRig::kCode + 2);
  REQUIRE(rig.executed == 0);
}

TEST_CASE("an odd address counts before the page behind it", "[cpu]") {
  CpuRig rig(Arch::kArm64);
  rig.code({0xd61f0020}, {});
  for (uint64_t target : {CpuRig::kCode + kPageSize - 2, CpuRig::kHole + 2, CpuRig::kData + 1}) {
    CAPTURE(target);
    rig.registers = {};
    rig.registers.pc = CpuRig::kCode;
    rig.registers.gpr[1] = target;
    require_fault_at(rig.run(), target);
  }
}

}  // namespace jacinth::emu
