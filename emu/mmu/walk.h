// The MMU's table walk, for both architectures. See arm64_format.h and x86_64_format.h for what is modelled of each.
//
// A walk either succeeds and sets the accessed and dirty bits that the hardware sets, or faults and changes nothing.
// (The manuals leave it open whether an access that lacks permission sets accessed bits; we don't.)
//
// The TLB above works with it like this: fill an entry from walk(), allow what `permissions` allows, but writes only
// when `dirty`. The first write to a clean page then misses, comes here as kWrite, and gets its dirty bit and a
// writable entry.
#pragma once

#include <cstdint>
#include <expected>
#include <span>

#include "emu/base/access.h"
#include "emu/base/address.h"
#include "emu/memory/physical_memory.h"
#include "emu/mmu/translation.h"

namespace jacinth::emu {

/// Translates `address` for an access at EL0 / CPL 3 and sets the accessed and dirty bits that the hardware would set.
/// Never fails on hostile tables: an entry that points to a table outside RAM ends the walk as an address-size fault.
std::expected<Translation, WalkFault> walk(Arch arch, PhysicalMemory& memory, PhysAddr root, GuestAddr address,
                                           AccessKind access);

/// Looks `address` up without the access: no permission check, no bit set.
std::expected<Translation, WalkFault> probe(Arch arch, const PhysicalMemory& memory, PhysAddr root, GuestAddr address);

/// Copies what lies at `address` in the same way, up to the first byte that is not mapped; the part that was copied.
std::span<const uint8_t> peek(Arch arch, const PhysicalMemory& memory, PhysAddr root, GuestAddr address,
                              std::span<uint8_t> to);

}  // namespace jacinth::emu
