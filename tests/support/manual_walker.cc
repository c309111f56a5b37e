#include "tests/support/manual_walker.h"

#include <string>
#include <vector>

namespace jacinth::test {
namespace {

using emu::Translation;
using emu::WalkFault;
using Kind = emu::WalkFault::Kind;

/// Bits high..low of a word, as the manuals write them.
uint64_t bits(uint64_t word, int high, int low) {
  uint64_t result = 0;
  for (int bit = high; bit >= low; --bit) result = result * 2 + (word >> bit) % 2;
  return result;
}
bool bit(uint64_t word, int position) { return bits(word, position, position) == 1; }

/// The word with one bit changed.
uint64_t with_bit(uint64_t word, int position, bool value) {
  uint64_t weight = 1;
  for (int i = 0; i < position; ++i) weight *= 2;
  if (bit(word, position) == value) return word;
  return value ? word + weight : word - weight;
}

/// One entry on the way: where it lies, what it says, at which level.
struct Entry {
  uint64_t at;
  uint64_t word;
  int level;
};

enum class Meaning { kInvalid, kNextTable, kMapsMemory, kReserved };

Meaning arm64_meaning(const Entry& entry) {
  std::string type = {bit(entry.word, 1) ? '1' : '0', bit(entry.word, 0) ? '1' : '0'};
  if (type == "00" || type == "10") return Meaning::kInvalid;
  if (type == "11") return entry.level < 3 ? Meaning::kNextTable : Meaning::kMapsMemory;
  // "01": a block, which exists at levels 1 and 2 only.
  return entry.level == 1 || entry.level == 2 ? Meaning::kMapsMemory : Meaning::kInvalid;
}

Meaning x86_meaning(const Entry& entry) {
  if (!bit(entry.word, 0)) return Meaning::kInvalid;
  if (bits(entry.word, 51, 48) != 0) return Meaning::kReserved;  // At and above MAXPHYADDR.
  if (entry.level == 3) return Meaning::kMapsMemory;
  if (!bit(entry.word, 7)) return Meaning::kNextTable;
  if (entry.level == 0) return Meaning::kReserved;
  if (entry.level == 1) return bits(entry.word, 29, 13) == 0 ? Meaning::kMapsMemory : Meaning::kReserved;
  return bits(entry.word, 20, 13) == 0 ? Meaning::kMapsMemory : Meaning::kReserved;
}

PagePermissions arm64_permissions(const std::vector<Entry>& path) {
  const Entry& leaf = path.back();
  // AP[2:1] with DBM, for EL0.
  static const std::map<uint64_t, std::pair<bool, bool>> kReadWrite = {
      {0b00, {false, false}}, {0b01, {true, true}}, {0b10, {false, false}}, {0b11, {true, false}}};
  uint64_t ap = bits(leaf.word, 7, 6);
  if (bit(leaf.word, 51)) ap &= 0b01;  // With DBM and hardware management, AP[2] counts as zero.
  auto [read, write] = kReadWrite.at(ap);
  bool execute = !bit(leaf.word, 54);
  for (const Entry& table : path) {
    if (&table == &leaf) continue;
    switch (bits(table.word, 62, 61)) {  // APTable
      case 0b00: break;
      case 0b01: read = write = false; break;
      case 0b10: write = false; break;
      case 0b11: read = write = false; break;
    }
    if (bit(table.word, 60)) execute = false;  // UXNTable
  }
  return {read, write, execute};
}

PagePermissions x86_permissions(const std::vector<Entry>& path) {
  bool user = true;
  bool writable = true;
  bool fetchable = true;
  for (const Entry& entry : path) {
    if (!bit(entry.word, 2)) user = false;
    if (!bit(entry.word, 1)) writable = false;
    if (bit(entry.word, 63)) fetchable = false;
  }
  return {user, user && writable, user && fetchable};
}

MemoryType memory_type(Arch arch, const Entry& leaf) {
  if (arch == Arch::kArm64) {
    // MAIR_EL1 = 0x0000000000ff4404, by AttrIndx.
    static const uint8_t kAttributes[8] = {0x04, 0x44, 0xff, 0, 0, 0, 0, 0};
    uint8_t attribute = kAttributes[bits(leaf.word, 4, 2)];
    if (attribute == 0xff) return MemoryType::kNormal;
    return attribute == 0x44 ? MemoryType::kUncached : MemoryType::kDevice;
  }
  // The PAT at reset, but for its last entry; by PAT, PCD, PWT.
  static const char* const kPat[8] = {"WB", "WT", "UC-", "UC", "WB", "WT", "UC-", "WC"};
  bool pat = bit(leaf.word, leaf.level == 3 ? 7 : 12);
  std::string type = kPat[(pat ? 4 : 0) + bits(leaf.word, 4, 3)];
  if (type == "WB" || type == "WT") return MemoryType::kNormal;
  return type == "UC" ? MemoryType::kDevice : MemoryType::kUncached;
}

bool is_dirty(Arch arch, uint64_t leaf) { return arch == Arch::kArm64 ? !bit(leaf, 7) || bit(leaf, 55) : bit(leaf, 6); }

}  // namespace

ManualWalk manual_walk(Arch arch, const ReadEntry& read, uint64_t root, uint64_t address, AccessKind access) {
  auto fault = [](Kind kind, int level) {
    return ManualWalk{std::unexpected(WalkFault{kind, static_cast<uint8_t>(level)}), {}};
  };
  if (arch == Arch::kArm64) {
    if (bits(address, 63, 48) != 0) return fault(Kind::kTranslation, 0);
  } else {
    uint64_t top = bits(address, 63, 47);
    if (top != 0 && top != 0x1ffff) return fault(Kind::kNonCanonical, 0);
  }

  // The way down.
  const uint64_t indices[4] = {bits(address, 47, 39), bits(address, 38, 30), bits(address, 29, 21),
                               bits(address, 20, 12)};
  std::vector<Entry> path;
  uint64_t table = root;
  for (int level = 0;; ++level) {
    uint64_t at = table + 8 * indices[level];
    std::optional<uint64_t> word = read(at);
    if (!word) return fault(Kind::kAddressSize, level == 0 ? 0 : level - 1);
    path.push_back({at, *word, level});
    Meaning meaning = arch == Arch::kArm64 ? arm64_meaning(path.back()) : x86_meaning(path.back());
    if (meaning == Meaning::kInvalid) return fault(Kind::kTranslation, level);
    if (meaning == Meaning::kReserved) return fault(Kind::kReservedBits, level);
    if (meaning == Meaning::kMapsMemory) break;
    table = bits(*word, 47, 12) * 4096;
  }

  const Entry leaf = path.back();
  PagePermissions allowed = arch == Arch::kArm64 ? arm64_permissions(path) : x86_permissions(path);
  if (access == AccessKind::kRead && !allowed.read) return fault(Kind::kPermission, leaf.level);
  if (access == AccessKind::kWrite && !allowed.write) return fault(Kind::kPermission, leaf.level);
  if (access == AccessKind::kExecute && !allowed.execute) return fault(Kind::kPermission, leaf.level);

  // What the hardware writes back. An entry may be met twice in tables that contain themselves.
  std::map<uint64_t, uint64_t> now;
  auto set = [&](const Entry& entry, int position, bool value) {
    auto place = now.try_emplace(entry.at, entry.word).first;
    place->second = with_bit(place->second, position, value);
  };
  bool write = access == AccessKind::kWrite;
  if (arch == Arch::kArm64) {
    set(leaf, 10, true);  // AF
    if (write && bit(leaf.word, 51)) set(leaf, 7, false);
  } else {
    for (const Entry& entry : path) set(entry, 5, true);  // A
    if (write) set(leaf, 6, true);                        // D
  }
  ManualWalk walk;
  for (const Entry& entry : path) {
    auto changed = now.find(entry.at);
    if (changed != now.end() && changed->second != entry.word) walk.changed.insert(*changed);
  }

  static const int kOffsetBits[4] = {0, 30, 21, 12};
  int offset_bits = kOffsetBits[leaf.level];
  uint64_t final_leaf = now.at(leaf.at);
  Translation translation;
  translation.block_size = uint64_t{1} << offset_bits;
  translation.address =
      PhysAddr(bits(leaf.word, 47, offset_bits) * translation.block_size + bits(address, offset_bits - 1, 0));
  translation.permissions = allowed;
  translation.type = memory_type(arch, leaf);
  translation.accessed = arch == Arch::kArm64 ? bit(final_leaf, 10) : bit(final_leaf, 5);
  translation.dirty = is_dirty(arch, final_leaf);
  walk.result = translation;
  return walk;
}

}  // namespace jacinth::test
