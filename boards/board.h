// Boards: which machine a guest finds itself on, as data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "emu/base/address.h"

namespace jacinth::boards {

struct Board {
  std::string_view name;
  Arch arch = Arch::kArm64;
  std::string_view description;
  /// What programs can see of the processor.
  std::string_view cpu;
  PhysAddr ram_base;
  uint64_t default_ram = 0;
  uint64_t max_ram = 0;
  unsigned max_cpus = 0;
};

/// Every board, in the order in which they are listed.
std::span<const Board* const> boards();
/// Null when there is none of that name.
const Board* find_board(std::string_view name);
/// The board for programs of an architecture when none is named.
const Board& default_board(Arch arch);

}  // namespace jacinth::boards
