// Who listens hears of all code that runs and of none that does not, on cores of both kinds; and the run is the same.
#include <set>

#include "tests/support/cpu_rig.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

struct Listener final : BlockListener {
  void block(PhysAddr page_table, GuestAddr address, uint32_t size) override {
    tables.insert(page_table.value);
    for (uint32_t i = 0; i < size; ++i) ++counts[address.value + i];
  }
  std::set<uint64_t> tables;
  std::map<uint64_t, int> counts;
};

constexpr uint64_t kCode = CpuRig::kCode;

}  // namespace

TEST_CASE("a listener hears of each instruction that runs, as often as it does", "[cpu]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (bool stepping : {false, true}) {
      CpuRig rig(arch);
      Listener listener;
      auto cpu = make_cpu({.arch = arch, .stepping = stepping, .blocks = &listener}, rig.memory(), rig.bus(), rig,
                          rig.coherence());
      cpu->set_page_table(rig.tables().root());
      // Three times round, then past an instruction that never runs.
      rig.code({0xd2800061 /* mov x1, #3 */, 0xf1000421 /* 1: subs x1, x1, #1 */, 0x54ffffe1 /* b.ne 1b */,
                0x14000002 /* b 2f */, 0xd503201f /* nop */, 0xd2800010 /* 2: mov x16, #0 */, 0xd4000001 /* svc #0 */},
               {0xb9, 3, 0, 0, 0 /* mov ecx, 3 */, 0xff, 0xc9 /* 1: dec ecx */, 0x75, 0xfc /* jnz 1b */, 0xeb,
                0x01 /* jmp 2f */, 0x90 /* nop */, 0xb8, 0, 0, 0, 0 /* 2: mov eax, 0 */, 0x0f, 0x05});
      cpu->load(rig.registers);
      REQUIRE(cpu->run(Cpu::kUnlimited).reason == Stop::Reason::kSystemCall);

      bool arm = arch == Arch::kArm64;
      REQUIRE(listener.tables == std::set<uint64_t>{rig.tables().root().value});
      REQUIRE(listener.counts[kCode] == 1);
      REQUIRE(listener.counts[kCode + (arm ? 4 : 5)] == 3);
      REQUIRE(listener.counts[kCode + (arm ? 12 : 9)] == 1);
      REQUIRE(listener.counts[kCode + (arm ? 16 : 11)] == 0);
      REQUIRE(listener.counts[kCode + (arm ? 20 : 12)] == 1);
      REQUIRE(rig.calls.back().executed == (arm ? 40u : 26u));
    }
  }
}

TEST_CASE("a block that a limit keeps from running is heard of when it runs", "[cpu]") {
  CpuRig rig(Arch::kArm64);
  Listener listener;
  auto cpu = make_cpu({.arch = Arch::kArm64, .blocks = &listener}, rig.memory(), rig.bus(), rig, rig.coherence());
  cpu->set_page_table(rig.tables().root());
  rig.code({0x14000001 /* b 1f */, 0xd2800010 /* 1: mov x16, #0 */, 0xd4000001 /* svc #0 */}, {});
  cpu->load(rig.registers);
  REQUIRE(cpu->run(Cpu::kUnlimited, 4).reason == Stop::Reason::kLimit);
  REQUIRE(listener.counts[kCode] == 1);
  REQUIRE(listener.counts[kCode + 4] == 0);
  REQUIRE(cpu->run(Cpu::kUnlimited).reason == Stop::Reason::kSystemCall);
  REQUIRE(listener.counts[kCode + 4] == 1);
}

}  // namespace jacinth::emu
