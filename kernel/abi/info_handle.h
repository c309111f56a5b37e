// zx_object_get_info: what is known of handles and of objects that are neither tasks nor memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/flags.h"
#include "kernel/abi/handle.h"
#include "kernel/abi/koid.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/object_type.h"
#include "kernel/abi/rights.h"
#include "kernel/abi/task.h"

namespace jacinth::abi {

/// InfoTopic::kHandleBasic. In July 2020 `reserved` held ZX_OBJ_PROP_WAITABLE, and programs of that time find it there.
struct InfoHandleBasic {
  Koid koid = Koid::kInvalid;
  Rights rights = Rights::kNone;
  ObjectType type = ObjectType::kNone;
  Koid related_koid = Koid::kInvalid;  // the peer, the process of a thread, the parent of a job ...
  uint32_t reserved = 0;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<InfoHandleBasic> && sizeof(InfoHandleBasic) == 32);
static_assert(offsetof(InfoHandleBasic, related_koid) == 16);

/// InfoTopic::kHandleTable: one per handle of a process.
struct InfoHandleExtended {
  ObjectType type = ObjectType::kNone;
  Handle handle_value = Handle::kInvalid;
  Rights rights = Rights::kNone;
  uint32_t reserved = 0;
  Koid koid = Koid::kInvalid;
  Koid related_koid = Koid::kInvalid;
  Koid peer_owner_koid = Koid::kInvalid;  // always 0
};
static_assert(WireStruct<InfoHandleExtended> && sizeof(InfoHandleExtended) == 40);

struct InfoHandleCount {
  uint32_t handle_count = 0;
};
static_assert(WireStruct<InfoHandleCount> && sizeof(InfoHandleCount) == 4);

/// InfoTopic::kProcessHandleStats: how many handles of each object type a process has.
struct InfoProcessHandleStats {
  std::array<uint32_t, kObjectTypeUpperBound> handle_count = {};
};
static_assert(WireStruct<InfoProcessHandleStats> && sizeof(InfoProcessHandleStats) == 256);

struct InfoSocket {
  uint32_t options = 0;
  std::array<uint8_t, 4> padding1 = {};
  uint64_t rx_buf_max = 0;
  uint64_t rx_buf_size = 0;
  uint64_t rx_buf_available = 0;
  uint64_t tx_buf_max = 0;
  uint64_t tx_buf_size = 0;
};
static_assert(WireStruct<InfoSocket> && sizeof(InfoSocket) == 48);

struct InfoTimer {
  uint32_t options = 0;
  std::array<uint8_t, 4> padding1 = {};
  Time deadline;
  Duration slack;
};
static_assert(WireStruct<InfoTimer> && sizeof(InfoTimer) == 24);

struct InfoStream {
  uint32_t options = 0;
  std::array<uint8_t, 4> padding1 = {};
  uint64_t seek = 0;
  uint64_t content_size = 0;
};
static_assert(WireStruct<InfoStream> && sizeof(InfoStream) == 24);

struct InfoResource {
  uint32_t kind = 0;
  uint32_t flags = 0;
  uint64_t base = 0;
  uint64_t size = 0;
  std::array<char, kMaxNameLen> name = {};
};
static_assert(WireStruct<InfoResource> && sizeof(InfoResource) == 56);

struct InfoBti {
  uint64_t minimum_contiguity = 0;
  uint64_t aspace_size = 0;
  uint64_t pmo_count = 0;
  uint64_t quarantine_count = 0;
};
static_assert(WireStruct<InfoBti> && sizeof(InfoBti) == 32);

struct InfoMsi {
  uint64_t target_addr = 0;
  uint32_t target_data = 0;
  uint32_t base_irq_id = 0;
  uint32_t num_irq = 0;
  uint32_t interrupt_count = 0;
};
static_assert(WireStruct<InfoMsi> && sizeof(InfoMsi) == 24);

enum class InfoVcpuFlags : uint32_t { kNone = 0, kKicked = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<InfoVcpuFlags> = true;

struct InfoVcpu {
  InfoVcpuFlags flags = InfoVcpuFlags::kNone;
};
static_assert(WireStruct<InfoVcpu> && sizeof(InfoVcpu) == 4);

}  // namespace jacinth::abi
