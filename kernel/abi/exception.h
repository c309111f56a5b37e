// Exceptions: their types, reports and messages (zircon/syscalls/exception.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/koid.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// zx_excp_type_t. Bit 15 marks what the kernel raises by itself, without a fault of the processor.
enum class ExceptionType : uint32_t {
  kGeneral = 0x008,
  kFatalPageFault = 0x108,
  kUndefinedInstruction = 0x208,
  kSwBreakpoint = 0x308,
  kHwBreakpoint = 0x408,
  kUnalignedAccess = 0x508,
  kThreadStarting = 0x8008,
  kThreadExiting = 0x8108,
  kPolicyError = 0x8208,
  kProcessStarting = 0x8308,
};
inline constexpr uint32_t kExceptionSynth = 0x8000;

/// zx_task_create_exception_channel.
enum class ExceptionChannelOptions : uint32_t { kNone = 0, kDebugger = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<ExceptionChannelOptions> = true;

/// Which handler a thread waits for (ZX_INFO_THREAD).
enum class ExceptionChannelType : uint32_t {
  kNone = 0,
  kDebugger = 1,
  kThread = 2,
  kProcess = 3,
  kJob = 4,
  kJobDebugger = 5,
};

/// ZX_PROP_EXCEPTION_STATE: what happens when the exception handle closes.
enum class ExceptionState : uint32_t { kTryNext = 0, kHandled = 1, kThreadExit = 2 };

/// ZX_PROP_EXCEPTION_STRATEGY: whether a debugger is asked again after the process's own handler.
enum class ExceptionStrategy : uint32_t { kFirstChance = 0, kSecondChance = 1 };

/// synth_code of ExceptionType::kPolicyError. The first ones are the numbers of PolicyCondition.
enum class ExceptionPolicyCode : uint32_t {
  kBadHandle = 0,
  kWrongObject = 1,
  kVmarWx = 2,
  kNewAny = 3,
  kNewVmo = 4,
  kNewChannel = 5,
  kNewEvent = 6,
  kNewEventpair = 7,
  kNewPort = 8,
  kNewSocket = 9,
  kNewFifo = 10,
  kNewTimer = 11,
  kNewProcess = 12,
  kNewProfile = 13,
  kNewPager = 14,
  kAmbientMarkVmoExec = 15,
  kChannelFullWrite = 16,
  kPortTooManyPackets = 17,
  kBadSyscall = 18,
  kPortTooManyObservers = 19,
};

/// The message on an exception channel; the exception's handle comes with it.
struct ExceptionInfo {
  Koid pid = Koid::kInvalid;
  Koid tid = Koid::kInvalid;
  ExceptionType type = ExceptionType::kGeneral;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<ExceptionInfo> && sizeof(ExceptionInfo) == 24);

struct ExceptionHeader {
  uint32_t size = 0;  // of the whole report
  ExceptionType type = ExceptionType::kGeneral;
};
static_assert(WireStruct<ExceptionHeader> && sizeof(ExceptionHeader) == 8);

struct ExceptionArchX86 {
  uint64_t vector = 0;
  uint64_t err_code = 0;
  uint64_t cr2 = 0;
};
static_assert(WireStruct<ExceptionArchX86> && sizeof(ExceptionArchX86) == 24);

struct ExceptionArchArm64 {
  uint32_t esr = 0;
  std::array<uint8_t, 4> padding1 = {};
  uint64_t far = 0;
};
static_assert(WireStruct<ExceptionArchArm64> && sizeof(ExceptionArchArm64) == 16);

/// ZX_INFO_THREAD_EXCEPTION_REPORT_V1: the report of 2020.
struct ExceptionReportV1 {
  ExceptionHeader header;
  union {
    ExceptionArchX86 x86_64 = {};
    ExceptionArchArm64 arm_64;
  };
};
static_assert(WireStruct<ExceptionReportV1> && sizeof(ExceptionReportV1) == 32);

/// ZX_INFO_THREAD_EXCEPTION_REPORT.
struct ExceptionReport {
  ExceptionHeader header;
  union {
    ExceptionArchX86 x86_64 = {};
    ExceptionArchArm64 arm_64;
  };
  uint32_t synth_code = 0;  // an ExceptionPolicyCode, or the pager's status behind a fatal page fault
  uint32_t synth_data = 0;  // the number of a bad system call
};
static_assert(WireStruct<ExceptionReport> && sizeof(ExceptionReport) == 40);
static_assert(offsetof(ExceptionReport, x86_64) == 8 && offsetof(ExceptionReport, synth_code) == 32);

}  // namespace jacinth::abi
