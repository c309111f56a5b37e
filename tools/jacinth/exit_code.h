// How the program ends: the numbers that scripts, CI systems and schedulers see. Documented by the table here alone.
//
// Numbers of our own lie in 170..178: above what shells make of signals (128 + 64), below what a negative zx_status_t
// gives modulo 256 (180 and up), so that a guest hardly ever returns them by itself.
#pragma once

#include <span>
#include <string_view>

namespace jacinth::cli {

enum class ExitCode : int {
  kOk = 0,
  kUsage = 2,
  kTimeLimit = 124,
  kInternal = 125,
  kNotLoadable = 126,
  kNotFound = 127,
  kInterrupted = 130,
  kClosedPipe = 141,
  kTerminated = 143,
  kException = 170,
  kDeadlock = 171,
  kUnsupported = 172,
  kKilled = 173,
  kOutOfMemory = 174,
  kDiverged = 175,
  kNotRecorded = 176,
  kCommandFailed = 177,
};

constexpr int number(ExitCode code) { return static_cast<int>(code); }

struct ExitCodeRow {
  ExitCode code;
  std::string_view reason;    // "exception": what --summary calls it
  std::string_view sentence;  // when it happens
};

/// By number. The guest's own code (modulo 256) is none of them.
std::span<const ExitCodeRow> exit_codes();

/// The summary's word for it.
std::string_view exit_reason(ExitCode code);

}  // namespace jacinth::cli
