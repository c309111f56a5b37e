// Power, performance, the UTC of July 2020 and the kernel's console: what whoever holds a resource may ask for.
#include "kernel/abi/system.h"

#include "kernel/abi/resource.h"
#include "kernel/hw/resource.h"
#include "tests/kernel/syscalls/ipc_rig.h"

namespace jacinth::kernel {
namespace {

using abi::Powerctl;

struct Rig : IpcRig {
  using IpcRig::IpcRig;
  Handle system() { return handle(Resource::create_ranged_root(core(), abi::ResourceKind::kSystem, "all")); }
  Handle root() {
    return handle(*Resource::create(core(), abi::ResourceKind::kRoot, 0, 0, abi::ResourceFlags::kNone, "root"));
  }
};

TEST_CASE("powerctl needs the resource for it", "[zx_system_powerctl]") {
  Rig k;
  REQUIRE(k.call("system_powerctl", k.kBad, Powerctl::kShutdown, nullptr) == Status::kBadHandle);
  REQUIRE(k.call("system_powerctl", k.event(), Powerctl::kShutdown, nullptr) == Status::kWrongType);
  Handle irqs = k.handle(Resource::create_ranged_root(k.core(), abi::ResourceKind::kIrq, "all"));
  REQUIRE(k.call("system_powerctl", irqs, Powerctl::kShutdown, nullptr) == Status::kWrongType);
  REQUIRE_FALSE(k.kernel().outcome());
  REQUIRE(k.call("system_powerctl", k.system(), Powerctl{0}, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.call("system_powerctl", k.system(), Powerctl{10}, nullptr) == Status::kInvalidArgs);
  REQUIRE(k.call("system_powerctl", k.system(), Powerctl::kEnableAllCpus, nullptr) == Status::kOk);
}

TEST_CASE("shutdown and reboots end the run", "[zx_system_powerctl]") {
  for (Powerctl way : {Powerctl::kReboot, Powerctl::kRebootBootloader, Powerctl::kRebootRecovery, Powerctl::kShutdown,
                       Powerctl::kAckKernelInitiatedReboot}) {
    Rig k;
    k.start(k.main_thread(), "system_powerctl", k.system(), way, nullptr);
    REQUIRE(k.kernel().outcome()->kind == Outcome::Kind::kPoweredOff);
    REQUIRE(k.kernel().schedule(0) == nullptr);
  }
}

TEST_CASE("what only PCs can have is for x86-64, and the machine has none of it", "[zx_system_powerctl]") {
  Rig arm(Arch::kArm64);
  GuestAddr argument = arm.user(abi::PowerctlX86PowerLimit{});
  REQUIRE(arm.call("system_powerctl", arm.system(), Powerctl::kX86SetPkgPl1, argument) == Status::kInvalidArgs);
  Rig x86(Arch::kX86_64);
  argument = x86.user(abi::PowerctlX86PowerLimit{});
  REQUIRE(x86.call("system_powerctl", x86.system(), Powerctl::kX86SetPkgPl1, x86.kNowhere) == Status::kInvalidArgs);
  REQUIRE(x86.call("system_powerctl", x86.system(), Powerctl::kX86SetPkgPl1, argument) == Status::kNotSupported);
}

TEST_CASE("CPUs are taken away and, where the architecture can, brought back", "[zx_system_powerctl]") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Rig k(arch);
    Scheduler& scheduler = k.core().tasks().scheduler();
    REQUIRE(k.call("system_powerctl", k.system(), Powerctl::kDisableAllCpusButPrimary, nullptr) == Status::kOk);
    REQUIRE(scheduler.online() == 1);
    REQUIRE(k.call("system_powerctl", k.system(), Powerctl::kEnableAllCpus, nullptr) == Status::kOk);
    REQUIRE(scheduler.online() == 1);  // The rig has no other.
  }
}

TEST_CASE("every CPU has a speed, which is kept and told back",
          "[zx_system_set_performance_info][zx_system_get_performance_info]") {
  Rig k;
  Handle cpu = k.system();
  GuestAddr info = k.user(abi::CpuPerformanceInfo{.performance_scale = {.integral_part = 0, .fractional_part = 7}});
  GuestAddr out = k.room(sizeof(abi::CpuPerformanceInfo));
  GuestAddr count = k.room(8);
  auto get = [&](abi::PerformanceTopic topic) {
    REQUIRE(k.call("system_get_performance_info", cpu, topic, 1, out, count) == Status::kOk);
    REQUIRE(k.peek<uint64_t>(count) == 1);
    return k.peek<abi::CpuPerformanceInfo>(out).performance_scale;
  };
  constexpr auto kNow = abi::PerformanceTopic::kPerfScale;
  constexpr auto kDefault = abi::PerformanceTopic::kDefaultPerfScale;
  REQUIRE(get(kNow).integral_part == 1);
  REQUIRE(k.call("system_set_performance_info", cpu, kNow, info, 1) == Status::kOk);
  REQUIRE(get(kNow).fractional_part == 7);
  REQUIRE(get(kDefault).integral_part == 1);
  k.reload();
  REQUIRE(get(kNow).fractional_part == 7);

  REQUIRE(k.call("system_get_performance_info", cpu, kNow, 2, out, count) == Status::kOutOfRange);
  REQUIRE(k.call("system_get_performance_info", cpu, 3, 1, out, count) == Status::kInvalidArgs);
  REQUIRE(k.call("system_get_performance_info", k.event(), kNow, 1, out, count) == Status::kWrongType);
  REQUIRE(k.call("system_set_performance_info", cpu, kDefault, info, 1) == Status::kInvalidArgs);
  REQUIRE(k.call("system_set_performance_info", cpu, kNow, info, 0) == Status::kOutOfRange);
  REQUIRE(k.call("system_set_performance_info", cpu, kNow, info, 2) == Status::kOutOfRange);
  REQUIRE(k.call("system_set_performance_info", cpu, kNow, k.kNowhere, 1) == Status::kInvalidArgs);
  k.poke(info, abi::CpuPerformanceInfo{.logical_cpu_number = 1, .performance_scale = {.integral_part = 1}});
  REQUIRE(k.call("system_set_performance_info", cpu, kNow, info, 1) == Status::kOutOfRange);
  k.poke(info, abi::CpuPerformanceInfo{});
  REQUIRE(k.call("system_set_performance_info", cpu, kNow, info, 1) == Status::kOutOfRange);
}

TEST_CASE("the UTC of July 2020 is what it was moved to", "[zx_clock_adjust][zx_clock_get]") {
  Rig k;
  Handle root = k.root();
  GuestAddr out = k.room(8);
  REQUIRE(k.call("clock_adjust", root, abi::ClockId::kUtc, 1'000'000) == Status::kOk);
  REQUIRE(k.call("clock_get", abi::ClockId::kUtc, out) == Status::kOk);
  REQUIRE(k.peek<int64_t>(out) == k.platform().now().ns + 1'000'000);
  k.reload();
  REQUIRE(k.call("clock_get", abi::ClockId::kUtc, out) == Status::kOk);
  REQUIRE(k.peek<int64_t>(out) == k.platform().now().ns + 1'000'000);
  REQUIRE(k.call("clock_get", abi::ClockId::kMonotonic, out) == Status::kOk);
  REQUIRE(k.peek<int64_t>(out) == k.platform().now().ns);
  REQUIRE(k.call("clock_adjust", root, abi::ClockId::kMonotonic, 1) == Status::kAccessDenied);
  REQUIRE(k.call("clock_adjust", root, abi::ClockId::kThread, 1) == Status::kInvalidArgs);
  REQUIRE(k.call("clock_adjust", k.system(), abi::ClockId::kUtc, 1) == Status::kWrongType);
}

TEST_CASE("commands to the kernel's console are checked and run", "[zx_debug_send_command]") {
  Rig plain;
  REQUIRE(plain.call("debug_send_command", plain.system(), plain.user_text("help"), 4) == Status::kNotSupported);
  Rig k(Arch::kArm64, {{"kernel.enable-debugging-syscalls", "true"}});
  GuestAddr text = k.user_text("help");
  REQUIRE(k.call("debug_send_command", k.event(), text, 4) == Status::kWrongType);
  REQUIRE(k.call("debug_send_command", k.system(), text, 257) == Status::kInvalidArgs);
  REQUIRE(k.call("debug_send_command", k.system(), k.kNowhere, 4) == Status::kInvalidArgs);
  auto says = [&](std::string_view line) {
    size_t before = k.platform().console().size();
    REQUIRE(k.call("debug_send_command", k.system(), k.user_text(line), line.size()) == Status::kOk);
    return k.platform().console().substr(before);
  };
  REQUIRE(says("echo two  words\n") == "two  words\n");
  REQUIRE(says("  echo") == "\n");
  REQUIRE(says("").empty());
  REQUIRE(says("mem stats") == "command \"mem\" not found\n");
  // It is a command there: that we lack it is said.
  REQUIRE(k.kernel().unsupported().uses().count({"zx_debug_send_command", "the kernel's console: mem"}) == 1);
}

}  // namespace
}  // namespace jacinth::kernel
