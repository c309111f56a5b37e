// zx_object_get_info: jobs, processes and threads. ThreadExceptionReport is in exception.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/exception.h"
#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/thread.h"

namespace jacinth::abi {

/// InfoTopic::kProcessV1, the record of 2020.
struct InfoProcessV1 {
  int64_t return_code = 0;
  bool started = false;
  bool exited = false;
  bool debugger_attached = false;
  std::array<uint8_t, 5> padding1 = {};
};
static_assert(WireStruct<InfoProcessV1> && sizeof(InfoProcessV1) == 16);

enum class InfoProcessFlags : uint32_t {
  kNone = 0,
  kStarted = 1u << 0,
  kExited = 1u << 1,
  kDebuggerAttached = 1u << 2
};
template <>
inline constexpr bool kIsFlagSet<InfoProcessFlags> = true;

/// InfoTopic::kProcess.
struct InfoProcess {
  int64_t return_code = 0;
  Time start_time;
  InfoProcessFlags flags = InfoProcessFlags::kNone;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<InfoProcess> && sizeof(InfoProcess) == 24);

struct InfoJob {
  int64_t return_code = 0;
  bool exited = false;
  bool kill_on_oom = false;
  bool debugger_attached = false;
  std::array<uint8_t, 5> padding1 = {};
};
static_assert(WireStruct<InfoJob> && sizeof(InfoJob) == 16);

/// zx_cpu_set_t: bit n of word n / 64 stands for processor n.
struct CpuSet {
  std::array<uint64_t, 8> mask = {};
};
static_assert(WireStruct<CpuSet> && sizeof(CpuSet) == 64);

struct InfoThread {
  ThreadState state = ThreadState::kNew;
  ExceptionChannelType wait_exception_channel_type = ExceptionChannelType::kNone;
  CpuSet cpu_affinity_mask;
};
static_assert(WireStruct<InfoThread> && sizeof(InfoThread) == 72);

inline constexpr uint32_t kInfoInvalidCpu = 0xffff'ffff;

struct InfoThreadStats {
  Duration total_runtime;
  uint32_t last_scheduled_cpu = kInfoInvalidCpu;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<InfoThreadStats> && sizeof(InfoThreadStats) == 16);

/// InfoTopic::kTaskRuntimeV1, the record of 2020.
struct InfoTaskRuntimeV1 {
  Duration cpu_time;
  Duration queue_time;
};
static_assert(WireStruct<InfoTaskRuntimeV1> && sizeof(InfoTaskRuntimeV1) == 16);

/// InfoTopic::kTaskRuntime.
struct InfoTaskRuntime {
  Duration cpu_time;
  Duration queue_time;
  Duration page_fault_time;
  Duration lock_contention_time;
};
static_assert(WireStruct<InfoTaskRuntime> && sizeof(InfoTaskRuntime) == 32);

}  // namespace jacinth::abi
