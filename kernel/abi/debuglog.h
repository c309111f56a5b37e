// The kernel's log (zircon/syscalls/log.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/flags.h"
#include "kernel/abi/koid.h"
#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// zx_debuglog_create.
enum class LogOptions : uint32_t { kNone = 0, kReadable = 0x4000'0000 };
template <>
inline constexpr bool kIsFlagSet<LogOptions> = true;

/// zx_debuglog_write.
enum class LogWriteOptions : uint32_t { kNone = 0, kLocal = 0x10 };
template <>
inline constexpr bool kIsFlagSet<LogWriteOptions> = true;

enum class LogSeverity : uint8_t {
  kTrace = 0x10,
  kDebug = 0x20,
  kInfo = 0x30,
  kWarning = 0x40,
  kError = 0x50,
  kFatal = 0x60,
};

inline constexpr size_t kLogRecordMax = 256;

/// What zx_debuglog_read delivers: the header and datalen bytes.
struct LogRecord {
  uint64_t sequence = 0;
  std::array<uint8_t, 4> padding1 = {};
  uint16_t datalen = 0;
  uint8_t severity = 0;
  uint8_t flags = 0;
  Time timestamp;
  Koid pid = Koid::kInvalid;
  Koid tid = Koid::kInvalid;
  std::array<char, 216> data = {};
};
static_assert(WireStruct<LogRecord> && sizeof(LogRecord) == kLogRecordMax && offsetof(LogRecord, data) == 40);

/// The header as programs of July 2020 read it; up to 224 bytes follow.
struct LogRecordHeaderV1 {
  uint32_t rollout = 0;  // records lost before this one
  uint16_t datalen = 0;
  uint8_t severity = 0;
  uint8_t flags = 0;
  Time timestamp;
  Koid pid = Koid::kInvalid;
  Koid tid = Koid::kInvalid;
};
static_assert(WireStruct<LogRecordHeaderV1> && sizeof(LogRecordHeaderV1) == 32);

/// zx_debug_write and zx_debug_send_command use this much at most.
inline constexpr size_t kDebugWriteMax = 256;

}  // namespace jacinth::abi
