// zx_obj_type_t: the kinds of kernel objects (zircon/types.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace jacinth::abi {

enum class ObjectType : uint32_t {
  kNone = 0,
  kProcess = 1,
  kThread = 2,
  kVmo = 3,
  kChannel = 4,
  kEvent = 5,
  kPort = 6,
  kInterrupt = 9,
  kPciDevice = 11,
  kDebuglog = 12,
  kSocket = 14,
  kResource = 15,
  kEventpair = 16,
  kJob = 17,
  kVmar = 18,
  kFifo = 19,
  kGuest = 20,
  kVcpu = 21,
  kTimer = 22,
  kIommu = 23,
  kBti = 24,
  kProfile = 25,
  kPmt = 26,
  kSuspendToken = 27,
  kPager = 28,
  kException = 29,
  kClock = 30,
  kStream = 31,
  kMsi = 32,
};

/// One more than any type may ever be: the size of zx_info_process_handle_stats_t.
inline constexpr uint32_t kObjectTypeUpperBound = 64;

/// "process", "eventpair": what messages and traces call an object of this type; empty for an unknown number.
std::string_view object_type_name(ObjectType type);

}  // namespace jacinth::abi
