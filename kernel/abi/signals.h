// zx_signals_t: what is true of an object right now, and what a waiter asks for (zircon/types.h).
//
//   31..24  set and cleared by programs          22..0  object-defined
//   23      the watched handle was closed
#pragma once

#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/object_type.h"

namespace jacinth::abi {

enum class Signals : uint32_t {
  kNone = 0,

  // The bits that several kinds of object share.
  kReadable = 1u << 0,
  kWritable = 1u << 1,
  kPeerClosed = 1u << 2,
  kSignaled = 1u << 3,

  kObjectAll = 0x00ff'ffff,
  /// In results only: ends a wait through a handle that went away.
  kHandleClosed = 1u << 23,

  kUser0 = 1u << 24,
  kUser1 = 1u << 25,
  kUser2 = 1u << 26,
  kUser3 = 1u << 27,
  kUser4 = 1u << 28,
  kUser5 = 1u << 29,
  kUser6 = 1u << 30,
  kUser7 = 1u << 31,
  kUserAll = 0xff00'0000,

  kEventSignaled = kSignaled,
  kEventMask = kUserAll | kSignaled,

  kEventpairSignaled = kSignaled,
  kEventpairPeerClosed = kPeerClosed,

  kChannelReadable = kReadable,
  kChannelWritable = kWritable,
  kChannelPeerClosed = kPeerClosed,

  kClockStarted = 1u << 4,

  kSocketReadable = kReadable,
  kSocketWritable = kWritable,
  kSocketPeerClosed = kPeerClosed,
  kSocketPeerWriteDisabled = 1u << 4,
  kSocketWriteDisabled = 1u << 5,
  kSocketReadThreshold = 1u << 10,
  kSocketWriteThreshold = 1u << 11,

  kFifoReadable = kReadable,
  kFifoWritable = kWritable,
  kFifoPeerClosed = kPeerClosed,

  kTaskTerminated = kSignaled,
  kJobTerminated = kSignaled,
  kJobNoJobs = 1u << 4,
  kJobNoProcesses = 1u << 5,
  kProcessTerminated = kSignaled,
  kThreadTerminated = kSignaled,
  kThreadRunning = 1u << 4,
  kThreadSuspended = 1u << 5,

  kLogReadable = kReadable,
  kLogWritable = kWritable,

  kTimerSignaled = kSignaled,

  kVmoZeroChildren = kSignaled,
};
template <>
inline constexpr bool kIsFlagSet<Signals> = true;

/// What zx_object_signal and zx_object_signal_peer may change on an object of this type.
constexpr Signals user_settable(ObjectType type) {
  switch (type) {
    case ObjectType::kEvent:
    case ObjectType::kEventpair: return Signals::kUserAll | Signals::kSignaled;
    default: return Signals::kUserAll;
  }
}

/// What is true of an object from the start.
constexpr Signals initial_signals(ObjectType type) {
  switch (type) {
    case ObjectType::kChannel: return Signals::kChannelWritable;
    case ObjectType::kSocket: return Signals::kSocketWritable;
    case ObjectType::kFifo: return Signals::kFifoWritable;
    case ObjectType::kJob: return Signals::kJobNoJobs | Signals::kJobNoProcesses;
    case ObjectType::kVmo: return Signals::kVmoZeroChildren;
    case ObjectType::kDebuglog: return Signals::kLogWritable;
    default: return Signals::kNone;
  }
}

}  // namespace jacinth::abi
