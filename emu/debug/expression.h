// DWARF expressions as call frame rules use them (DWARF 5, section 2.5): a small stack machine.
//
// Left out: pieces, types, entry values, calls, jumps: no compiler puts them into call frame information. What is left
// out gives no value.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <span>

#include "emu/debug/frame.h"

namespace jacinth::emu {

struct ExpressionContext {
  const Frame& frame;
  const ReadMemory& read;
  uint64_t cfa = 0;  ///< The frame's canonical address, for DW_OP_call_frame_cfa.
};

/// The value on top of the stack at the end.
std::optional<uint64_t> evaluate(std::span<const Dwarf_Op> ops, const ExpressionContext& context);

/// The expression is a location: the value that is there, a register's or memory's; or the value itself when it ends in
/// DW_OP_stack_value.
std::optional<uint64_t> evaluate_location(std::span<const Dwarf_Op> ops, const ExpressionContext& context);

}  // namespace jacinth::emu
