// The kernel's trace: what its records look like (lib/zircon-internal/ktrace.h and ktrace-def.h of 2022).
//
// Every record begins with a tag, 0xGGGEEEFS: groups, event, flags, and its size in units of eight bytes.
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"

namespace jacinth::abi {

enum class KtraceAction : uint32_t { kStart = 1, kStop = 2, kRewind = 3, kNewProbe = 4, kStartCircular = 5 };

enum class KtraceGroups : uint32_t {
  kNone = 0,
  kMeta = 0x001,
  kLifecycle = 0x002,
  kScheduler = 0x004,
  kTasks = 0x008,
  kIpc = 0x010,
  kIrq = 0x020,
  kProbe = 0x040,
  kArch = 0x080,
  kSyscall = 0x100,
  kVm = 0x200,
  kAll = 0xfff,
};
template <>
inline constexpr bool kIsFlagSet<KtraceGroups> = true;

enum class KtraceEvent : uint32_t {
  kVersion = 0x000,     // version
  kTicksPerMs = 0x001,  // low, high
  kThreadName = 0x021,  // tid, pid, name
  kProcName = 0x022,    // pid, 0, name
  kSyscallName = 0x023,
  kProbeName = 0x025,
  kIrqEnter = 0x030,  // number << 8 | cpu, in place of the tid
  kIrqExit = 0x031,
  kSyscallEnter = 0x032,  // number << 8 | cpu, in place of the tid
  kSyscallExit = 0x033,
  kPageFault = 0x034,  // address high, low, flags, cpu
  kPageFaultExit = 0x035,
  kContextSwitch = 0x040,  // to tid, priorities and state and cpu, from, to
  kFutexWait = 0x043,      // address low, high, owner's tid, cpu
  kFutexWoke = 0x044,      // address low, high, status, cpu
  kFutexWake = 0x045,      // address low, high, owner's tid, cpu and KtraceFutex
  kFutexRequeue = 0x046,   // the same of the futex that they go to
  kObjectDelete = 0x100,   // koid
  kThreadCreate = 0x110,   // tid, pid
  kThreadStart = 0x111,    // tid
  kThreadExit = 0x112,
  kProcCreate = 0x120,     // pid
  kProcStart = 0x121,      // tid, pid
  kProcExit = 0x122,       // pid
  kChannelCreate = 0x130,  // koid, koid, options
  kChannelWrite = 0x131,   // koid, bytes, handles
  kChannelRead = 0x132,
  kPortWait = 0x140,      // koid
  kPortWaitDone = 0x141,  // koid, status
  kPortCreate = 0x142,    // koid
  kWaitOne = 0x150,       // koid, signals, deadline low, high
  kWaitOneDone = 0x151,   // koid, status, signals
};

/// The group that an event belongs to.
constexpr KtraceGroups ktrace_group(KtraceEvent event) {
  auto number = static_cast<uint32_t>(event);
  if (number >= 0x130 && number < 0x160) return KtraceGroups::kIpc;
  if (number >= 0x110) return KtraceGroups::kTasks;
  if (number >= 0x100) return KtraceGroups::kLifecycle;
  if (number >= 0x040) return KtraceGroups::kScheduler;
  if (number >= 0x034) return KtraceGroups::kVm;
  if (number >= 0x032) return KtraceGroups::kSyscall;
  return number >= 0x030 ? KtraceGroups::kIrq : KtraceGroups::kMeta;
}

/// What the last word of kFutexWake and kFutexRequeue says beside the CPU.
inline constexpr uint32_t kKtraceFutexCountShift = 8;
inline constexpr uint32_t kKtraceFutexCountMany = 0xfe;
inline constexpr uint32_t kKtraceFutexCountAll = 0xff;
inline constexpr uint32_t kKtraceFutexRequeues = 1u << 30;
inline constexpr uint32_t kKtraceFutexActive = 1u << 31;

inline constexpr uint32_t kKtraceVersion = 0x0002'0000;
inline constexpr uint32_t kKtraceNamedEvent = 0x800;
inline constexpr uint32_t kKtraceProbeIdMax = 0x7ff;

inline constexpr uint32_t kKtraceSmallRecord = 16;
inline constexpr uint32_t kKtraceProbeRecord = 24;
inline constexpr uint32_t kKtraceRecord = 32;

constexpr uint32_t ktrace_tag(uint32_t event, KtraceGroups group, uint32_t size) {
  return static_cast<uint32_t>(group) << 20 | (event & 0xfff) << 8 | (size >> 3 & 0xf);
}
constexpr uint32_t ktrace_size(uint32_t tag) { return (tag & 0xf) << 3; }
constexpr uint32_t ktrace_event(uint32_t tag) { return tag >> 8 & 0xfff; }
constexpr KtraceGroups ktrace_groups(uint32_t tag) { return static_cast<KtraceGroups>(tag >> 20); }

/// KtraceEvent::kPageFault.
enum class KtraceFaultFlags : uint32_t { kNone = 0, kWrite = 1u << 0, kUser = 1u << 1, kInstruction = 1u << 3 };
template <>
inline constexpr bool kIsFlagSet<KtraceFaultFlags> = true;

}  // namespace jacinth::abi
