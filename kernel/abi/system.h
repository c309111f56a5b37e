// The system as a whole: events, power, features, performance (zircon/syscalls/system.h, zircon/features.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// zx_system_get_event.
enum class SystemEvent : uint32_t {
  kOutOfMemory = 1,
  kMemoryPressureCritical = 2,
  kMemoryPressureWarning = 3,
  kMemoryPressureNormal = 4,
  kImminentOutOfMemory = 5,
};

/// zx_system_powerctl.
enum class Powerctl : uint32_t {
  kEnableAllCpus = 1,
  kDisableAllCpusButPrimary = 2,
  kAcpiTransitionSState = 3,
  kX86SetPkgPl1 = 4,
  kReboot = 5,
  kRebootBootloader = 6,
  kRebootRecovery = 7,
  kShutdown = 8,
  kAckKernelInitiatedReboot = 9,
};

struct PowerctlAcpiTransition {
  uint8_t target_s_state = 0;
  uint8_t sleep_type_a = 0;
  uint8_t sleep_type_b = 0;
  std::array<uint8_t, 9> padding1 = {};
};
static_assert(WireStruct<PowerctlAcpiTransition> && sizeof(PowerctlAcpiTransition) == 12);

struct PowerctlX86PowerLimit {
  uint32_t power_limit = 0;
  uint32_t time_window = 0;
  uint8_t clamp = 0;
  uint8_t enable = 0;
  std::array<uint8_t, 2> padding2 = {};
};
static_assert(WireStruct<PowerctlX86PowerLimit> && sizeof(PowerctlX86PowerLimit) == 12);

/// zx_system_get_features.
enum class FeatureKind : uint32_t {
  kCpu = 0,
  kHwBreakpointCount = 1,
  kHwWatchpointCount = 2,
  kAddressTagging = 3,
  kVm = 4,
};

/// In every answer to FeatureKind::kCpu; without it the machine says nothing about its processor.
inline constexpr uint32_t kHasCpuFeatures = 1u << 0;

/// FeatureKind::kCpu on arm64. On x86-64 programs ask CPUID instead.
enum class Arm64Features : uint32_t {
  kNone = 0,
  kIsaFp = 1u << 1,
  kIsaAsimd = 1u << 2,
  kIsaAes = 1u << 3,
  kIsaPmull = 1u << 4,
  kIsaSha1 = 1u << 5,
  kIsaSha2 = 1u << 6,
  kIsaCrc32 = 1u << 7,
  kIsaAtomics = 1u << 8,
  kIsaRdm = 1u << 9,
  kIsaSha3 = 1u << 10,
  kIsaSm3 = 1u << 11,
  kIsaSm4 = 1u << 12,
  kIsaDp = 1u << 13,
  kIsaDpb = 1u << 14,
  kIsaFhm = 1u << 15,
  kIsaTs = 1u << 16,
  kIsaRndr = 1u << 17,
};
template <>
inline constexpr bool kIsFlagSet<Arm64Features> = true;

/// FeatureKind::kVm.
enum class VmFeatures : uint32_t { kNone = 0, kCanMapXom = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<VmFeatures> = true;

/// zx_cache_flush.
enum class CacheFlushOptions : uint32_t { kNone = 0, kInsn = 1u << 0, kData = 1u << 1, kInvalidate = 1u << 2 };
template <>
inline constexpr bool kIsFlagSet<CacheFlushOptions> = true;

/// One call of zx_cprng_draw_once gives no more, and zx_cprng_add_entropy takes no more.
inline constexpr size_t kCprngMaxLen = 256;

/// zx_system_get_performance_info and zx_system_set_performance_info.
enum class PerformanceTopic : uint32_t { kPerfScale = 1, kDefaultPerfScale = 2 };

struct CpuPerformanceScale {
  uint32_t integral_part = 0;
  uint32_t fractional_part = 0;  // in units of 2^-32
};
static_assert(WireStruct<CpuPerformanceScale> && sizeof(CpuPerformanceScale) == 8);

struct CpuPerformanceInfo {
  uint32_t logical_cpu_number = 0;
  CpuPerformanceScale performance_scale;
};
static_assert(WireStruct<CpuPerformanceInfo> && sizeof(CpuPerformanceInfo) == 12);

/// zx_string_view_t, what zx_system_get_version_string returns in two registers.
struct StringView {
  uint64_t c_str = 0;
  uint64_t length = 0;
};
static_assert(WireStruct<StringView> && sizeof(StringView) == 16);

}  // namespace jacinth::abi
