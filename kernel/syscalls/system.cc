// Calls about the machine as a whole. zircon/kernel/lib/syscalls/system.cc.
#include "kernel/abi/system.h"

#include <algorithm>
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

/// Takes away all but the first CPU, or brings them back; arm64 can do only the one (arch_mp_cpu_hotplug).
Status set_all_cpus(Call& call, bool on) {
  Scheduler& scheduler = call.core().tasks().scheduler();
  uint32_t all = ~uint32_t{0} >> (32 - call.core().platform().cpu_count());
  uint32_t wanted = on ? all : 1;
  if (scheduler.online() == wanted) return Status::kOk;
  if (on && call.core().platform().arch() == Arch::kArm64) return Status::kNotSupported;
  scheduler.set_online(wanted, call.now());
  return Status::kOk;
}

/// Whoever ends the machine does not come back.
Status system_powerctl(Call& call, Handle resource, abi::Powerctl command, UserBytesIn argument) {
  TRY_STATUS(validate_resource(call, resource, abi::ResourceSystemBase::kPower));
  switch (command) {
    case abi::Powerctl::kEnableAllCpus: return set_all_cpus(call, true);
    case abi::Powerctl::kDisableAllCpusButPrimary: return set_all_cpus(call, false);
    case abi::Powerctl::kAcpiTransitionSState:
    case abi::Powerctl::kX86SetPkgPl1: {
      if (call.core().platform().arch() != Arch::kX86_64) return Status::kInvalidArgs;
      std::array<std::byte, sizeof(abi::PowerctlAcpiTransition)> bytes;
      TRY_STATUS(argument.read(bytes));
      // The processor has no RAPL, the machine no ACPI.
      return Status::kNotSupported;
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

/// The scheduler counts one bit less.
int64_t speed_of(const abi::CpuPerformanceScale& scale) {
  uint64_t exact = uint64_t{scale.integral_part} << 32 | scale.fractional_part;
  return std::max<int64_t>(static_cast<int64_t>(exact / 2), 1);
}

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
  for (const abi::CpuPerformanceInfo& info : infos) {
    scales[info.logical_cpu_number] = info.performance_scale;
    call.core().tasks().scheduler().set_speed(info.logical_cpu_number, speed_of(info.performance_scale), call.now());
  }
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
    {"zx_system_powerctl", bind<system_powerctl>, Support::kFull,
     "Shutdown and reboots end the run. arm64 cannot bring CPUs back, and no board has ACPI or power limits."},
    {"zx_system_set_performance_info", bind<system_set_performance_info>, Support::kFull,
     "Changes what the scheduler thinks of CPUs; they run on as fast as they did."},
});

}  // namespace

std::span<const Row> system_rows() { return kRows; }

}  // namespace jacinth::kernel
