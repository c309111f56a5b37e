// zx_status_t: the outcome of a call. Numbers and names as in zircon/errors.h.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <string_view>
#include <utility>

#include "emu/base/check.h"
#include "emu/base/result.h"

namespace jacinth::abi {

enum class [[nodiscard]] Status : int32_t {
  kOk = 0,

  // The kernel's own trouble.
  kInternal = -1,
  kNotSupported = -2,
  kNoResources = -3,
  kNoMemory = -4,
  /// For the vDSO alone: the blocking call was interrupted by a suspension and is to be made again.
  kInterruptedRetry = -6,

  // Wrong arguments.
  kInvalidArgs = -10,
  kBadHandle = -11,
  kWrongType = -12,
  kBadSyscall = -13,
  kOutOfRange = -14,
  kBufferTooSmall = -15,

  // The object is in the wrong state.
  kBadState = -20,
  kTimedOut = -21,
  kShouldWait = -22,
  kCanceled = -23,
  kPeerClosed = -24,
  kNotFound = -25,
  kAlreadyExists = -26,
  kAlreadyBound = -27,
  kUnavailable = -28,

  // Permission.
  kAccessDenied = -30,

  // Input and output.
  kIo = -40,
  kIoRefused = -41,
  kIoDataIntegrity = -42,
  kIoDataLoss = -43,
  kIoNotPresent = -44,
  kIoOverrun = -45,
  kIoMissedDeadline = -46,
  kIoInvalid = -47,

  // Files.
  kBadPath = -50,
  kNotDir = -51,
  kNotFile = -52,
  kFileBig = -53,
  kNoSpace = -54,
  kNotEmpty = -55,

  // Flow control between programs.
  kStop = -60,
  kNext = -61,
  kAsync = -62,

  // Network.
  kProtocolNotSupported = -70,
  kAddressUnreachable = -71,
  kAddressInUse = -72,
  kNotConnected = -73,
  kConnectionRefused = -74,
  kConnectionReset = -75,
  kConnectionAborted = -76,

  /// The calling thread is being killed; never seen by a program.
  kInternalIntrKilled = -502,

  /// Ours: the calling thread waits, and the handler runs again when it is woken. Never reaches a guest.
  kParked = std::numeric_limits<int32_t>::min(),
};

constexpr int32_t raw(Status status) { return static_cast<int32_t>(status); }

/// "ZX_ERR_BAD_HANDLE", "ZX_OK"; empty for a number that no status has (programs may send their own).
std::string_view status_name(Status status);

/// A value, or the status that says why there is none. `return Status::kNoMemory;` and `return value;` both work.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Status> {
 public:
  using std::expected<T, Status>::expected;
  constexpr Result() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): so that `return Status::kNoMemory;` works.
  constexpr Result(Status failure) : std::expected<T, Status>(std::unexpect, failure) {
    CHECK(failure != Status::kOk, "a Result without a value needs a failure");
  }

  /// kOk when there is a value.
  constexpr Status status() const { return this->has_value() ? Status::kOk : this->error(); }
};

}  // namespace jacinth::abi

/// Passes on every status but kOk from a function that returns a Status or a Result.
#define TRY_STATUS(expression)                                   \
  do {                                                           \
    ::jacinth::abi::Status try_status_ = (expression);           \
    if (try_status_ != ::jacinth::abi::Status::kOk) [[unlikely]] \
      return try_status_;                                        \
  } while (false)
