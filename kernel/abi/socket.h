// Sockets (zircon/types.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"

namespace jacinth::abi {

/// zx_socket_create.
enum class SocketType : uint32_t { kStream = 0, kDatagram = 1 };

enum class SocketReadOptions : uint32_t { kNone = 0, kPeek = 1u << 3 };
template <>
inline constexpr bool kIsFlagSet<SocketReadOptions> = true;

/// zx_socket_set_disposition, for each end; kUnchanged leaves it as it is.
enum class SocketDisposition : uint32_t { kUnchanged = 0, kWriteDisabled = 1, kWriteEnabled = 2 };

/// zx_socket_shutdown, which programs of July 2020 still call.
enum class SocketShutdownOptions : uint32_t { kNone = 0, kWrite = 1u << 0, kRead = 1u << 1 };
template <>
inline constexpr bool kIsFlagSet<SocketShutdownOptions> = true;

}  // namespace jacinth::abi
