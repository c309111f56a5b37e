// zx_object_get_property and zx_object_set_property (zircon/types.h).
#pragma once

#include <cstdint>

namespace jacinth::abi {

enum class Property : uint32_t {
  kRegisterGs = 2,
  kName = 3,
  kRegisterFs = 4,
  kProcessDebugAddr = 5,
  kProcessVdsoBaseAddress = 6,
  kProcessBreakOnLoad = 7,
  kProcessHwTraceContextId = 8,
  kSocketRxThreshold = 12,
  kSocketTxThreshold = 13,
  kChannelTxMsgMax = 14,  // retired: no object has it
  kJobKillOnOom = 15,
  kExceptionState = 16,
  kVmoContentSize = 17,
  kExceptionStrategy = 18,
  kStreamModeAppend = 19,
};

/// In Property::kProcessDebugAddr: stop at a breakpoint when the dynamic linker sets the address.
inline constexpr uint64_t kProcessDebugAddrBreakOnSet = 1;

}  // namespace jacinth::abi
