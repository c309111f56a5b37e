// Jobs and processes (zircon/types.h, zircon/syscalls/object.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"

namespace jacinth::abi {

/// Room for an object's name, its closing NUL included.
inline constexpr size_t kMaxNameLen = 32;

/// How deep jobs nest below the root job.
inline constexpr uint32_t kRootJobMaxHeight = 32;

/// zx_process_read_memory and zx_process_write_memory refuse more.
inline constexpr uint64_t kProcessMemoryMaxTransfer = uint64_t{64} << 20;

/// Return codes that the kernel gives to tasks that it ended.
enum class TaskRetcode : int64_t {
  kSyscallKill = -1024,
  kOomKill = -1025,
  kPolicyKill = -1026,
  kVdsoKill = -1027,
  kExceptionKill = -1028,
  kCriticalProcessKill = -1029,
};

/// zx_process_create.
enum class ProcessOptions : uint32_t { kNone = 0, kShared = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<ProcessOptions> = true;

/// zx_job_set_critical.
enum class JobCriticalOptions : uint32_t { kNone = 0, kRetcodeNonzero = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<JobCriticalOptions> = true;

}  // namespace jacinth::abi
