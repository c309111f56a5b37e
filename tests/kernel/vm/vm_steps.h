// The operations of the random memory test: what they are called, how often they come, and sequences of them.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/random.h"

namespace jacinth::kernel::model {

enum class Kind : uint8_t {
  // VMOs.
  kCreate,
  kContiguous,
  kPaged,
  kSnapshot,
  kCopy,
  kSlice,
  kClose,
  kResize,
  kRead,
  kWrite,
  kZero,
  kCommit,
  kDecommit,
  kPin,
  kUnpin,
  kLock,
  kUnlock,
  kNeed,
  kDontNeed,
  // Pagers.
  kSupply,
  kGive,
  kDirty,
  kBegin,
  kEnd,
  kDetach,
  kModified,
  // What the kernel takes back.
  kEvict,
  kReclaim,
  kScan,
  // Address spaces.
  kMap,
  kUnmap,
  kProtect,
  kRange,
  kPoke,
  kPeek,
  // The machine.
  kReload,
  kStarve,
  kFeed,
};

struct KindRow {
  Kind kind;
  const char* name;
  unsigned weight;  ///< How often it comes, beside the others.
};
constexpr auto kKinds = std::to_array<KindRow>({
    {Kind::kCreate, "create", 20},     {Kind::kContiguous, "contiguous", 8},
    {Kind::kPaged, "paged", 14},       {Kind::kSnapshot, "snapshot", 24},
    {Kind::kCopy, "copy", 16},         {Kind::kSlice, "slice", 16},
    {Kind::kClose, "close", 12},       {Kind::kResize, "resize", 24},
    {Kind::kRead, "read", 10},         {Kind::kWrite, "write", 50},
    {Kind::kZero, "zero", 24},         {Kind::kCommit, "commit", 20},
    {Kind::kDecommit, "decommit", 24}, {Kind::kPin, "pin", 10},
    {Kind::kUnpin, "unpin", 10},       {Kind::kLock, "lock", 6},
    {Kind::kUnlock, "unlock", 8},      {Kind::kNeed, "need", 6},
    {Kind::kDontNeed, "dont_need", 4}, {Kind::kSupply, "supply", 40},
    {Kind::kGive, "give", 12},         {Kind::kDirty, "dirty", 14},
    {Kind::kBegin, "begin", 14},       {Kind::kEnd, "end", 14},
    {Kind::kDetach, "detach", 2},      {Kind::kModified, "modified", 6},
    {Kind::kEvict, "evict", 12},       {Kind::kReclaim, "reclaim", 6},
    {Kind::kScan, "scan", 6},          {Kind::kMap, "map", 30},
    {Kind::kUnmap, "unmap", 16},       {Kind::kProtect, "protect", 20},
    {Kind::kRange, "range", 10},       {Kind::kPoke, "poke", 50},
    {Kind::kPeek, "peek", 40},         {Kind::kReload, "reload", 1},
    {Kind::kStarve, "starve", 6},      {Kind::kFeed, "feed", 20},
});

/// One operation; what the operands mean depends on the kind. Any list of steps makes sense.
struct Step {
  Kind kind{};
  std::array<uint32_t, 5> operands = {};

  std::string text() const {
    return fmt::format("{}({})", kKinds[static_cast<size_t>(kind)].name, fmt::join(operands, ", "));
  }
};

inline std::vector<Step> random_steps(uint64_t seed, size_t count) {
  test::Random random(seed);
  std::vector<Kind> lots;
  for (const KindRow& row : kKinds) lots.insert(lots.end(), row.weight, row.kind);
  std::vector<Step> steps(count);
  for (Step& step : steps) {
    step.kind = lots[random.below(lots.size())];
    for (uint32_t& operand : step.operands) operand = static_cast<uint32_t>(random.below(1000));
  }
  return steps;
}

}  // namespace jacinth::kernel::model
