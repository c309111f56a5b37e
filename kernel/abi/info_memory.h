// zx_object_get_info: VMOs, address regions, mappings and how much memory a task uses.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/koid.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/rights.h"
#include "kernel/abi/task.h"
#include "kernel/abi/vmar.h"
#include "kernel/abi/vmo.h"

namespace jacinth::abi {

struct InfoVmar {
  uint64_t base = 0;
  uint64_t len = 0;
};
static_assert(WireStruct<InfoVmar> && sizeof(InfoVmar) == 16);

enum class InfoVmoFlags : uint32_t {
  kNone = 0,
  kTypePaged = 1u << 0,  // else physical
  kResizable = 1u << 1,
  kIsCowClone = 1u << 2,
  kViaHandle = 1u << 3,   // in kProcessVmos: the process has a handle
  kViaMapping = 1u << 4,  // in kProcessVmos: the process has it mapped
  kPagerBacked = 1u << 5,
  kContiguous = 1u << 6,
  kDiscardable = 1u << 7,
  kImmutable = 1u << 8,
};
template <>
inline constexpr bool kIsFlagSet<InfoVmoFlags> = true;

/// InfoTopic::kVmoV1 and kProcessVmosV1, the record of 2020.
struct InfoVmoV1 {
  Koid koid = Koid::kInvalid;
  std::array<char, kMaxNameLen> name = {};
  uint64_t size_bytes = 0;
  Koid parent_koid = Koid::kInvalid;
  uint64_t num_children = 0;
  uint64_t num_mappings = 0;
  uint64_t share_count = 0;  // address spaces that map it
  InfoVmoFlags flags = InfoVmoFlags::kNone;
  std::array<uint8_t, 4> padding1 = {};
  uint64_t committed_bytes = 0;
  Rights handle_rights = Rights::kNone;
  CachePolicy cache_policy = CachePolicy::kCached;
};
static_assert(WireStruct<InfoVmoV1> && sizeof(InfoVmoV1) == 104);

/// InfoTopic::kVmo and kProcessVmos.
struct InfoVmo {
  Koid koid = Koid::kInvalid;
  std::array<char, kMaxNameLen> name = {};
  uint64_t size_bytes = 0;
  Koid parent_koid = Koid::kInvalid;
  uint64_t num_children = 0;
  uint64_t num_mappings = 0;
  uint64_t share_count = 0;
  InfoVmoFlags flags = InfoVmoFlags::kNone;
  std::array<uint8_t, 4> padding1 = {};
  uint64_t committed_bytes = 0;
  Rights handle_rights = Rights::kNone;
  CachePolicy cache_policy = CachePolicy::kCached;
  uint64_t metadata_bytes = 0;
  uint64_t committed_change_events = 0;  // how often the kernel changed committed_bytes by itself
};
static_assert(WireStruct<InfoVmo> && sizeof(InfoVmo) == 120);
static_assert(offsetof(InfoVmo, size_bytes) == 40 && offsetof(InfoVmo, committed_bytes) == 88);
static_assert(offsetof(InfoVmo, metadata_bytes) == sizeof(InfoVmoV1));

enum class InfoMapsType : uint32_t { kNone = 0, kAspace = 1, kVmar = 2, kMapping = 3 };

struct InfoMapsMapping {
  VmOptions mmu_flags = VmOptions::kNone;
  std::array<uint8_t, 4> padding1 = {};
  Koid vmo_koid = Koid::kInvalid;
  uint64_t vmo_offset = 0;
  uint64_t committed_pages = 0;
};
static_assert(WireStruct<InfoMapsMapping> && sizeof(InfoMapsMapping) == 32);

/// InfoTopic::kProcessMaps: the tree of regions, parents before their children.
struct InfoMaps {
  std::array<char, kMaxNameLen> name = {};
  uint64_t base = 0;
  uint64_t size = 0;
  uint64_t depth = 0;
  InfoMapsType type = InfoMapsType::kNone;
  std::array<uint8_t, 4> padding1 = {};
  InfoMapsMapping mapping;  // for kMapping alone
};
static_assert(WireStruct<InfoMaps> && sizeof(InfoMaps) == 96);
static_assert(offsetof(InfoMaps, base) == 32 && offsetof(InfoMaps, mapping) == 64);

struct InfoTaskStats {
  uint64_t mem_mapped_bytes = 0;
  uint64_t mem_private_bytes = 0;
  uint64_t mem_shared_bytes = 0;
  uint64_t mem_scaled_shared_bytes = 0;
};
static_assert(WireStruct<InfoTaskStats> && sizeof(InfoTaskStats) == 32);

struct InfoMemoryAttribution {
  Koid process_koid = Koid::kInvalid;
  uint64_t private_resident_pages_allocated = 0;
  uint64_t private_resident_pages_deallocated = 0;
  uint64_t total_resident_pages_allocated = 0;
  uint64_t total_resident_pages_deallocated = 0;
};
static_assert(WireStruct<InfoMemoryAttribution> && sizeof(InfoMemoryAttribution) == 40);

}  // namespace jacinth::abi
