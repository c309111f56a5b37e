// zx_object_get_info: its topics. The records: info_handle.h, info_task.h, info_memory.h, info_system.h
// (zircon/syscalls/object.h).
//
// Bits 31..28 of a topic are its version. The topics of 2020 keep their numbers as version 0 (named _V1 since) and
// their old records, so that executables of that time read what they expect.
#pragma once

#include <cstdint>

namespace jacinth::abi {

enum class InfoTopic : uint32_t {
  kNone = 0,
  kHandleValid = 1,
  kHandleBasic = 2,
  kProcessV1 = 3,
  kProcess = 0x1000'0003,
  kProcessThreads = 4,
  kVmar = 7,
  kJobChildren = 8,
  kJobProcesses = 9,
  kThread = 10,
  kThreadExceptionReportV1 = 11,
  kThreadExceptionReport = 0x1000'000b,
  kTaskStats = 12,
  kProcessMaps = 13,
  kProcessVmosV1 = 14,
  kProcessVmos = 0x1000'000e,
  kThreadStats = 15,
  kCpuStats = 16,
  kKmemStats = 17,
  kResource = 18,
  kHandleCount = 19,
  kBti = 20,
  kProcessHandleStats = 21,
  kSocket = 22,
  kVmoV1 = 23,
  kVmo = 0x1000'0017,
  kJob = 24,
  kTimer = 25,
  kStream = 26,
  kHandleTable = 27,
  kMsi = 28,
  kGuestStats = 29,
  kTaskRuntimeV1 = 30,
  kTaskRuntime = 0x1000'001e,
  kKmemStatsExtended = 31,
  kVcpu = 32,
  kMemoryAttribution = 33,
};

}  // namespace jacinth::abi
