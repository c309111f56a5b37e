// What a process's dynamic linker says that it has loaded: the list behind ZX_PROP_PROCESS_DEBUG_ADDR, which System V
// linkers keep for debuggers (struct r_debug and struct link_map of <link.h>).
//
//   debug address --> version | first --> [ address | name | dynamic | next | previous ] --> ...
//
// All of it is the program's own memory, which may hold anything: entries and names are bounded, a list that turns back
// on itself ends, and what cannot be read is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "emu/base/address.h"

namespace jacinth::kernel {

struct LinkedLibrary {
  uint64_t entry = 0;  ///< Of the list.
  uint64_t bias = 0;   ///< What its addresses are counted from.
  std::string name;    ///< As the linker has it; empty for the program itself.
  uint64_t dynamic = 0;
};

/// Copies memory of the process; how many bytes were there.
using ReadMemory = std::function<size_t(GuestAddr from, std::span<std::byte> to)>;

/// In the linker's order. Empty before the linker has told where its list is (`debug_address` 0, or 1 for a process
/// whose debugger wants to hear of it).
std::vector<LinkedLibrary> linked_libraries(uint64_t debug_address, const ReadMemory& read);

}  // namespace jacinth::kernel
