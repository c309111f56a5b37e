// Threads: what they are doing, and which parts of their state can be read (zircon/syscalls/object.h, debug.h).
// The structures themselves: kernel/abi/registers.h.
#pragma once

#include <cstdint>

namespace jacinth::abi {

/// zx_thread_state_t of ZX_INFO_THREAD: the state in the low byte, why it is blocked above.
enum class ThreadState : uint32_t {
  kNew = 0x000,
  kRunning = 0x001,
  kSuspended = 0x002,
  kBlocked = 0x003,
  kDying = 0x004,
  kDead = 0x005,

  kBlockedException = 0x103,
  kBlockedSleeping = 0x203,
  kBlockedFutex = 0x303,
  kBlockedPort = 0x403,
  kBlockedChannel = 0x503,
  kBlockedWaitOne = 0x603,
  kBlockedWaitMany = 0x703,
  kBlockedInterrupt = 0x803,
  kBlockedPager = 0x903,
};

/// The state without the reason of a block.
constexpr ThreadState basic_state(ThreadState state) {
  return static_cast<ThreadState>(static_cast<uint32_t>(state) & 0xff);
}

/// zx_thread_read_state and zx_thread_write_state. 3 is unused.
enum class ThreadStateKind : uint32_t {
  kGeneralRegs = 0,
  kFpRegs = 1,
  kVectorRegs = 2,
  kDebugRegs = 4,
  kSingleStep = 5,
};

/// ThreadStateKind::kSingleStep: 1 while the thread stops after every instruction.
using SingleStep = uint32_t;

}  // namespace jacinth::abi
