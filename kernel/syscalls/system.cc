// Calls about the machine as a whole. zircon/kernel/lib/syscalls/system.cc.
#include "kernel/abi/system.h"

#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/syscalls/resources.h"

namespace jacinth::kernel {
namespace {

/// The events that tell how much memory is left. Whoever holds the root job may ask for them.
Status system_get_event(Call& call, Handle job_handle, abi::SystemEvent kind, UserOut<Handle> out) {
  Rights rights = kind == abi::SystemEvent::kOutOfMemory ? Rights::kManageProcess : Rights::kNone;
  Ref<Job> job = TRY(call.get<Job>(job_handle, rights));
  if (job != call.kernel().root_job()) return Status::kAccessDenied;
  if (kind < abi::SystemEvent::kOutOfMemory || kind > abi::SystemEvent::kImminentOutOfMemory) {
    return Status::kInvalidArgs;
  }
  return call.give(out, call.kernel().watchdog().event(kind), abi::kSystemEventRights);
}

// --- power ---

/// Whoever ends the machine does not come back.
Status system_powerctl(Call& call, Handle resource, abi::Powerctl command, UserBytesIn argument) {
  TRY_STATUS(validate_resource(call, resource, abi::ResourceSystemBase::kPower));
  switch (command) {
    case abi::Powerctl::kEnableAllCpus: return Status::kOk;  // They are.
    case abi::Powerctl::kDisableAllCpusButPrimary:
      if (call.core().platform().cpu_count() == 1) return Status::kOk;
      return call.unsupported("ZX_SYSTEM_POWERCTL_DISABLE_ALL_CPUS_BUT_PRIMARY");
    case abi::Powerctl::kAcpiTransitionSState:
    case abi::Powerctl::kX86SetPkgPl1: {
      if (call.core().platform().arch() != Arch::kX86_64) return Status::kInvalidArgs;
      std::array<std::byte, sizeof(abi::PowerctlAcpiTransition)> bytes;
      TRY_STATUS(argument.read(bytes));
      return call.unsupported(command == abi::Powerctl::kX86SetPkgPl1 ? "ZX_SYSTEM_POWERCTL_X86_SET_PKG_PL1"
                                                                      : "ZX_SYSTEM_POWERCTL_ACPI_TRANSITION_S_STATE");
    }
    case abi::Powerctl::kReboot:
    case abi::Powerctl::kRebootBootloader:
    case abi::Powerctl::kRebootRecovery:
    case abi::Powerctl::kShutdown:
    case abi::Powerctl::kAckKernelInitiatedReboot: call.kernel().power_off(); return Status::kOk;
  }
  return Status::kInvalidArgs;
}

// --- performance ---

/// CPUs in rising order, each with a speed that is more than nothing.
Status system_set_performance_info(Call& call, Handle resource, abi::PerformanceTopic topic,
                                   UserIn<abi::CpuPerformanceInfo> user_infos, size_t count) {
  TRY_STATUS(validate_resource(call, resource, abi::ResourceSystemBase::kCpu));
  if (topic != abi::PerformanceTopic::kPerfScale) return Status::kInvalidArgs;
  auto& scales = call.kernel().performance();
  if (count == 0 || count > scales.size()) return Status::kOutOfRange;
  std::vector<abi::CpuPerformanceInfo> infos = TRY(user_infos.read_array(count));
  for (size_t i = 0; i < infos.size(); ++i) {
    if (i > 0 && infos[i].logical_cpu_number <= infos[i - 1].logical_cpu_number) return Status::kInvalidArgs;
    const abi::CpuPerformanceScale& scale = infos[i].performance_scale;
    bool stands_still = scale.integral_part == 0 && scale.fractional_part == 0;
    if (infos[i].logical_cpu_number >= scales.size() || stands_still) return Status::kOutOfRange;
  }
  for (const abi::CpuPerformanceInfo& info : infos) scales[info.logical_cpu_number] = info.performance_scale;
  return Status::kOk;
}

/// Of all CPUs at once.
Status system_get_performance_info(Call& call, Handle resource, abi::PerformanceTopic topic, size_t count,
                                   UserOut<abi::CpuPerformanceInfo> out, UserOut<size_t> actual) {
  TRY_STATUS(validate_resource(call, resource, abi::ResourceSystemBase::kCpu));
  const auto& scales = call.kernel().performance();
  if (count != scales.size()) return Status::kOutOfRange;
  bool now = topic == abi::PerformanceTopic::kPerfScale;
  if (!now && topic != abi::PerformanceTopic::kDefaultPerfScale) return Status::kInvalidArgs;
  std::vector<abi::CpuPerformanceInfo> infos;
  for (uint32_t cpu = 0; cpu < scales.size(); ++cpu) {
    infos.push_back({.logical_cpu_number = cpu,
                     .performance_scale = now ? scales[cpu] : abi::CpuPerformanceScale{.integral_part = 1}});
  }
  TRY_STATUS(out.write_array(std::span<const abi::CpuPerformanceInfo>(infos)));
  return actual.write(count);
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_system_get_event", bind<system_get_event>, Support::kFull,
     "By the watermarks of the kernel options kernel.oom.*; out of memory, the run ends."},
    {"zx_system_get_performance_info", bind<system_get_performance_info>, Support::kFull,
     "Every CPU is as fast as the others, until somebody says otherwise."},
    {"zx_system_mexec", unsupported, Support::kAbsent, "There is no other kernel to change to."},
    {"zx_system_mexec_payload_get", unsupported, Support::kAbsent, "There is no other kernel to change to."},
    {"zx_system_powerctl", bind<system_powerctl>, Support::kPartial,
     "Shutdown and reboots end the run. CPUs cannot be taken away, and no board has ACPI or power limits."},
    {"zx_system_set_performance_info", bind<system_set_performance_info>, Support::kPartial,
     "Kept and told back; every CPU stays as fast as it is, and the scheduler counts them alike."},
});

}  // namespace

std::span<const Row> system_rows() { return kRows; }

}  // namespace jacinth::kernel
