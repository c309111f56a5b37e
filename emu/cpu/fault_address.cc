#include "emu/cpu/fault_address.h"

#include <algorithm>
#include <optional>

#include "emu/cpu/data_access.h"

namespace jacinth::emu {
namespace {

/// The part of [access) inside the page, if any.
std::optional<GuestAddr> first_inside(DataAccess access, GuestAddr page) {
  uint64_t last = access.address + (access.size - 1);
  if (last < access.address) last = ~uint64_t{0};
  if (last < page.value || access.address > page.value + kPageMask) return std::nullopt;
  return GuestAddr(std::max(access.address, page.value));
}

}  // namespace

GuestAddr fault_address(Arch arch, std::span<const uint8_t> instruction, const Registers& registers, GuestAddr page) {
  for (const DataAccess& access : data_accesses(arch, instruction, registers)) {
    if (auto inside = first_inside(access, page)) return *inside;
  }
  return page;
}

}  // namespace jacinth::emu
