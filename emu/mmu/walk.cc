#include "emu/mmu/walk.h"

#include <algorithm>
#include <cstring>

#include "emu/mmu/descent.h"

namespace jacinth::emu {
namespace {

template <class Format>
std::expected<Translation, WalkFault> walk_as(PhysicalMemory& memory, PhysAddr root, GuestAddr address,
                                              AccessKind access) {
  Descent<Format> descent;
  if (auto fault = descent.go(memory, root, address)) [[unlikely]]
    return std::unexpected(*fault);
  if (!permits(descent.permissions(), access)) [[unlikely]]
    return std::unexpected(WalkFault{WalkFault::Kind::kPermission, descent.level()});

  // The leaf last: in tables that contain themselves it may be one of the entries above.
  for (unsigned level = 0; level < descent.level(); ++level) {
    uint64_t touched = Format::touch_table(descent.entry(level));
    if (touched != descent.entry(level)) [[unlikely]]
      store_entry(memory, descent.at(level), touched);
  }
  uint64_t leaf = descent.entry(descent.level());
  uint64_t touched = Format::touch_leaf(leaf, access);
  if (touched != leaf) store_entry(memory, descent.at(descent.level()), touched);
  return descent.translation(address, touched);
}

}  // namespace

std::expected<Translation, WalkFault> walk(Arch arch, PhysicalMemory& memory, PhysAddr root, GuestAddr address,
                                           AccessKind access) {
  return with_format(arch, [&]<class Format>(Format) { return walk_as<Format>(memory, root, address, access); });
}

std::expected<Translation, WalkFault> probe(Arch arch, const PhysicalMemory& memory, PhysAddr root, GuestAddr address) {
  return with_format(arch, [&]<class Format>(Format) -> std::expected<Translation, WalkFault> {
    Descent<Format> descent;
    if (auto fault = descent.go(memory, root, address)) return std::unexpected(*fault);
    return descent.translation(address, descent.entry(descent.level()));
  });
}

std::span<const uint8_t> peek(Arch arch, const PhysicalMemory& memory, PhysAddr root, GuestAddr address,
                              std::span<uint8_t> to) {
  size_t done = 0;
  while (done < to.size()) {
    GuestAddr at = address + done;
    auto translation = probe(arch, memory, root, at);
    if (!translation || !memory.contains(translation->address)) break;
    size_t chunk = std::min<size_t>(to.size() - done, kPageSize - at.page_offset());
    std::memcpy(to.data() + done, memory.data(translation->address), chunk);
    done += chunk;
  }
  return to.first(done);
}

}  // namespace jacinth::emu
