// Secure monitor calls (zircon/syscalls/smc.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/layout.h"

namespace jacinth::abi {

struct SmcParameters {
  uint32_t func_id = 0;
  std::array<uint8_t, 4> padding1 = {};
  uint64_t arg1 = 0;
  uint64_t arg2 = 0;
  uint64_t arg3 = 0;
  uint64_t arg4 = 0;
  uint64_t arg5 = 0;
  uint64_t arg6 = 0;
  uint16_t client_id = 0;
  uint16_t secure_os_id = 0;
  std::array<uint8_t, 4> padding2 = {};
};
static_assert(WireStruct<SmcParameters> && sizeof(SmcParameters) == 64 && offsetof(SmcParameters, client_id) == 56);

struct SmcResult {
  uint64_t arg0 = 0;
  uint64_t arg1 = 0;
  uint64_t arg2 = 0;
  uint64_t arg3 = 0;
  uint64_t arg6 = 0;
};
static_assert(WireStruct<SmcResult> && sizeof(SmcResult) == 40);

/// The service that a function id calls, which an SMC resource must cover.
constexpr uint32_t smc_service_call_number(uint32_t func_id) { return (func_id >> 24) & 0x3f; }

}  // namespace jacinth::abi
