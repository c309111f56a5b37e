// Threads that somebody debugs: steps, breakpoints and watchpoints, on machines without a kernel.
#include "tests/support/machine_rig.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

constexpr uint64_t kCode = MachineRig::kCode;
constexpr uint64_t kData = MachineRig::kData;

/// One thread, debugged: each stop is written down, and the thread goes on.
struct TracedRig : MachineRig {
  explicit TracedRig(Arch arch, bool stepping = false) : MachineRig({.arch = arch, .cpus = 1, .stepping = stepping}) {
    on_exception = [this](Thread& thread, const ExceptionInfo& info) {
      machine().fetch_registers(thread.context);
      stops.push_back(info);
      registers.push_back(thread.context.registers);
      return after ? after(thread, info) : true;
    };
  }

  void points(Thread& thread, std::vector<DebugControl::Point> list) {
    thread.context.debug.points = std::move(list);
    thread.context.traced = thread.context.debug.active();
  }
  void step(Thread& thread, bool on = true) {
    thread.context.debug.step = on;
    thread.context.debug.step_due = false;
    if (machine().arch() == Arch::kX86_64) {
      uint64_t& flags = thread.context.registers.flags;
      flags = on ? flags | 0x100 : flags & ~uint64_t{0x100};
    }
    thread.context.traced = thread.context.debug.active();
  }
  std::vector<uint64_t> pcs() const {
    std::vector<uint64_t> list;
    for (const ExceptionInfo& stop : stops) list.push_back(stop.pc.value - kCode);
    return list;
  }

  std::vector<ExceptionInfo> stops;
  std::vector<Registers> registers;
  /// Whether the thread goes on.
  std::function<bool(Thread&, const ExceptionInfo&)> after;
};

/// Stores its argument at kData, reads it back, calls with number 1 and then 0, which ends it.
void load_program(TracedRig& rig) {
  rig.code({0xd2a01000,                 // 00: mov x0, #0x800000
            0xf9000001,                 // 04: str x1, [x0]
            0xf9400002,                 // 08: ldr x2, [x0]
            0xd2800030,                 // 0c: mov x16, #1
            0xd4000001,                 // 10: svc #0
            0xd2800010,                 // 14: mov x16, #0
            0xd4000001},                // 18: svc #0
           {0xbf, 0,    0,    0x80, 0,  // 00: mov edi, 0x800000
            0x48, 0x89, 0x1f,           // 05: mov [rdi], rbx
            0x48, 0x8b, 0x17,           // 08: mov rdx, [rdi]
            0xb8, 1,    0,    0,    0,  // 0b: mov eax, 1
            0x0f, 0x05,                 // 10: syscall
            0xb8, 0,    0,    0,    0,  // 12: mov eax, 0
            0x0f, 0x05});               // 17: syscall
}

}  // namespace

TEST_CASE("a stepped thread stops after each instruction, system calls included") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (bool stepping : {false, true}) {
      CAPTURE(arch_name(arch), stepping);
      TracedRig rig(arch, stepping);
      load_program(rig);
      auto& thread = rig.thread(7);
      rig.step(thread);
      rig.after = [&](MachineRig::Thread& stopped, const ExceptionInfo& info) {
        REQUIRE(info.kind == ExceptionInfo::Kind::kHardwareBreakpoint);
        REQUIRE(info.point == ExceptionInfo::kStep);
        if (arch == Arch::kArm64) {
          REQUIRE(info.syndrome >> 26 == 0x32);
          rig.step(stopped);
        } else {
          REQUIRE(info.vector == 1);
        }
        return true;
      };
      rig.machine().run();
      REQUIRE(thread.done);
      if (arch == Arch::kArm64) {
        REQUIRE(rig.pcs() == std::vector<uint64_t>{4, 8, 0xc, 0x10, 0x14, 0x18});
      } else {
        REQUIRE(rig.pcs() == std::vector<uint64_t>{5, 8, 0xb, 0x10, 0x12, 0x17});
      }
      REQUIRE(rig.registers[2].gpr[2] == 7);
      REQUIRE(rig.data(0) == 7);
    }
  }
}

TEST_CASE("a call that switches threads ends its step when the thread comes back") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    CAPTURE(arch_name(arch));
    TracedRig rig(arch);
    load_program(rig);
    auto& thread = rig.thread(7);
    rig.on_call = [](uint64_t, uint64_t) { return Next::kSwitch; };
    uint64_t before_call = 0x10;
    rig.after = [&](MachineRig::Thread& stopped, const ExceptionInfo& info) {
      rig.step(stopped, info.pc.value - kCode <= before_call);
      return true;
    };
    rig.step(thread);
    rig.machine().run();
    REQUIRE(rig.stops.size() == 5);
    REQUIRE(rig.stops.back().pc.value - kCode == (arch == Arch::kArm64 ? 0x14 : 0x12));
  }
}

TEST_CASE("an arm64 step is reported until somebody steps anew") {
  TracedRig rig(Arch::kArm64);
  load_program(rig);
  auto& thread = rig.thread(7);
  rig.step(thread);
  rig.after = [&](MachineRig::Thread& stopped, const ExceptionInfo&) {
    if (rig.stops.size() == 3) rig.step(stopped, false);
    return true;
  };
  rig.machine().run();
  REQUIRE(rig.pcs() == std::vector<uint64_t>{4, 4, 4});
  REQUIRE(thread.done);
}

TEST_CASE("x86-64 steps on while the flag stands") {
  TracedRig rig(Arch::kX86_64);
  load_program(rig);
  auto& thread = rig.thread(7);
  rig.step(thread);
  rig.after = [&](MachineRig::Thread& stopped, const ExceptionInfo&) {
    if (rig.stops.size() == 2) rig.step(stopped, false);
    return true;
  };
  rig.machine().run();
  REQUIRE(rig.pcs() == std::vector<uint64_t>{5, 8});
}

TEST_CASE("a breakpoint stops before its instruction, each time on arm64, once on x86-64") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    CAPTURE(arch_name(arch));
    TracedRig rig(arch);
    load_program(rig);
    auto& thread = rig.thread(7);
    rig.points(
        thread,
        {{.address = GuestAddr(kCode + 8), .size = arch == Arch::kArm64 ? 4u : 1u, .number = 3, .execute = true}});
    rig.after = [&](MachineRig::Thread& stopped, const ExceptionInfo& info) {
      REQUIRE(info.point == 3);
      if (rig.stops.size() == 2) rig.points(stopped, {});
      return true;
    };
    rig.machine().run();
    if (arch == Arch::kArm64) {
      REQUIRE(rig.pcs() == std::vector<uint64_t>{8, 8});
      REQUIRE(rig.stops[0].syndrome >> 26 == 0x30);
    } else {
      REQUIRE(rig.pcs() == std::vector<uint64_t>{8});
    }
    REQUIRE(rig.registers[0].gpr[2] == 0);  // Not yet read.
    REQUIRE(thread.done);
  }
}

TEST_CASE("a watchpoint stops before the access on arm64 and behind it on x86-64") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    CAPTURE(arch_name(arch));
    TracedRig rig(arch);
    load_program(rig);
    auto& thread = rig.thread(7);
    rig.points(thread, {{.address = GuestAddr(kData + 4), .size = 1, .number = 1, .write = true}});
    rig.after = [&](MachineRig::Thread& stopped, const ExceptionInfo& info) {
      REQUIRE(info.point == 1);
      if (arch == Arch::kArm64) rig.points(stopped, {});
      return true;
    };
    rig.machine().run();
    REQUIRE(rig.stops.size() == 1);
    if (arch == Arch::kArm64) {
      REQUIRE(rig.pcs()[0] == 4);
      REQUIRE(rig.stops[0].address == GuestAddr(kData));
      REQUIRE(rig.stops[0].syndrome == (0x34u << 26 | 1u << 25 | 1u << 6 | 0x22));
    } else {
      REQUIRE(rig.pcs()[0] == 8);
    }
    REQUIRE(rig.data(0) == 7);
  }
}

TEST_CASE("a watchpoint looks at reads, writes or both, and at its own bytes") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    for (int kind = 0; kind < 16; ++kind) {
      bool read = (kind & 1) != 0, write = (kind & 2) != 0;
      uint64_t address = kData + ((kind & 4) != 0 ? 7 : 8) - ((kind & 8) != 0 ? 9 : 0);
      uint64_t size = (kind & 8) != 0 ? 1 : 2;
      CAPTURE(arch_name(arch), kind);
      TracedRig rig(arch);
      load_program(rig);
      auto& thread = rig.thread(7);
      rig.points(thread, {{.address = GuestAddr(address), .size = size, .read = read, .write = write}});
      rig.after = [&](MachineRig::Thread&, const ExceptionInfo&) { return false; };
      rig.machine().run();
      bool inside = address < kData + 8 && address + size > kData;
      REQUIRE(rig.stops.size() == (inside && (read || write) ? 1u : 0u));
      if (!rig.stops.empty()) {
        uint64_t at = arch == Arch::kArm64 ? (write ? 4 : 8) : (write ? 8 : 0xb);
        REQUIRE(rig.pcs()[0] == at);
      }
    }
  }
}

TEST_CASE("looking at each instruction changes nothing of the run") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    auto run = [&](bool traced) {
      MachineRig rig({.arch = arch, .cpus = 2});
      // Counts down from its argument, then ends.
      rig.code({0xd1000421, 0xb5ffffe1, 0xd2800010, 0xd4000001},
               {0x48, 0xff, 0xcb, 0x75, 0xfb, 0xb8, 0, 0, 0, 0, 0x0f, 0x05});
      for (int i = 0; i < 3; ++i) {
        auto& thread = rig.thread(40'000);
        if (!traced) continue;
        thread.context.debug.points = {{.address = GuestAddr(0x1000), .size = 1, .execute = true, .write = true}};
        thread.context.traced = true;
      }
      rig.machine().run();
      return rig.digest();
    };
    REQUIRE(run(false) == run(true));
  }
}

}  // namespace jacinth::emu
