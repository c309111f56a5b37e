// zx_rights_t: what a handle may be used for, and what new handles may (zircon/rights.h).
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/object_type.h"

namespace jacinth::abi {

enum class Rights : uint32_t {
  kNone = 0,
  kDuplicate = 1u << 0,
  kTransfer = 1u << 1,
  kRead = 1u << 2,
  kWrite = 1u << 3,
  kExecute = 1u << 4,
  kMap = 1u << 5,
  kGetProperty = 1u << 6,
  kSetProperty = 1u << 7,
  kEnumerate = 1u << 8,
  kDestroy = 1u << 9,
  kSetPolicy = 1u << 10,
  kGetPolicy = 1u << 11,
  kSignal = 1u << 12,
  kSignalPeer = 1u << 13,
  kWait = 1u << 14,
  kInspect = 1u << 15,
  kManageJob = 1u << 16,
  kManageProcess = 1u << 17,
  kManageThread = 1u << 18,
  kApplyProfile = 1u << 19,
  kManageSocket = 1u << 20,
  /// In a request only: the rights of the source. Must stand alone, and no handle ever has it.
  kSameRights = 1u << 31,

  kBasic = kTransfer | kDuplicate | kWait | kInspect,
  kReadWrite = kRead | kWrite,
  kProperty = kGetProperty | kSetProperty,
  kPolicy = kGetPolicy | kSetPolicy,
};
template <>
inline constexpr bool kIsFlagSet<Rights> = true;

/// Handles to the shared memory-pressure events (zx_system_get_event), which no program may signal.
inline constexpr Rights kSystemEventRights = Rights::kTransfer | Rights::kDuplicate | Rights::kWait;

/// The endpoint that zx_task_create_exception_channel gives out.
inline constexpr Rights kExceptionChannelRights = Rights::kTransfer | Rights::kWait | Rights::kRead;

/// The rights of the handle that creating an object gives. Some creators add to them: read or write for streams by
/// their mode, read, write or execute for regions by their CAN_MAP flags, read for readable logs.
constexpr Rights default_rights(ObjectType type) {
  using enum Rights;
  switch (type) {
    case ObjectType::kNone: return Rights::kNone;
    case ObjectType::kProcess:
      return kBasic | kReadWrite | kProperty | kEnumerate | kDestroy | kSignal | kManageProcess | kManageThread;
    case ObjectType::kThread: return kBasic | kReadWrite | kProperty | kDestroy | kSignal | kManageThread;
    case ObjectType::kVmo: return kBasic | kReadWrite | kProperty | kMap | kSignal;
    case ObjectType::kChannel: return (kBasic & ~kDuplicate) | kReadWrite | kSignal | kSignalPeer;
    case ObjectType::kEvent: return kBasic | kSignal;
    case ObjectType::kPort: return (kBasic & ~kWait) | kReadWrite;
    case ObjectType::kInterrupt: return kBasic | kReadWrite | kSignal;
    case ObjectType::kPciDevice: return kBasic | kReadWrite;
    case ObjectType::kDebuglog: return kBasic | kWrite | kSignal;
    case ObjectType::kSocket: return kBasic | kReadWrite | kProperty | kSignal | kSignalPeer | kManageSocket;
    case ObjectType::kResource: return (kBasic & ~kWait) | kWrite;
    case ObjectType::kEventpair: return kBasic | kSignal | kSignalPeer;
    case ObjectType::kJob:
      return kBasic | kReadWrite | kProperty | kPolicy | kEnumerate | kDestroy | kSignal | kManageJob | kManageProcess |
             kManageThread;
    case ObjectType::kVmar: return kBasic & ~kWait;
    case ObjectType::kFifo: return kBasic | kReadWrite | kSignal | kSignalPeer;
    case ObjectType::kGuest: return (kBasic & ~kWait) | kWrite | kManageProcess;
    case ObjectType::kVcpu: return kBasic | kReadWrite | kExecute | kSignal;
    case ObjectType::kTimer: return kBasic | kWrite | kSignal;
    case ObjectType::kIommu: return kBasic & ~kWait;
    case ObjectType::kBti: return (kBasic & ~kWait) | kReadWrite | kProperty | kMap;
    case ObjectType::kProfile: return (kBasic & ~kWait) | kApplyProfile;
    case ObjectType::kPmt: return kInspect;
    case ObjectType::kSuspendToken: return kTransfer | kInspect;
    case ObjectType::kPager:
    case ObjectType::kException: return kTransfer | kInspect | kProperty;
    case ObjectType::kClock: return kBasic | kReadWrite;
    case ObjectType::kStream: return kBasic | kProperty | kSignal;
    case ObjectType::kMsi: return kBasic;
  }
  return Rights::kNone;
}

}  // namespace jacinth::abi
