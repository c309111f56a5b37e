// Which byte an instruction could not access. The engine reports a fault by page; programs are told the address.
#pragma once

#include <cstdint>
#include <span>

#include "emu/base/address.h"
#include "emu/state/registers.h"

namespace jacinth::emu {

/// The first byte inside the page at `page` that the instruction at registers.pc touches with a data access. When the
/// instruction cannot be decoded, the start of the page.
GuestAddr fault_address(Arch arch, std::span<const uint8_t> instruction, const Registers& registers, GuestAddr page);

}  // namespace jacinth::emu
