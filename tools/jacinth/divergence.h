// Where a replay left the recorded run, as text: both sides, and what differs.
#pragma once

#include <string>

#include "emu/replay/recording.h"
#include "emu/replay/verifier.h"

namespace jacinth::cli {

/// Several lines, without the last newline.
std::string divergence_text(const emu::Divergence& divergence, emu::RecordLevel level);

/// One event: "0.000012345s 1040:1042 zx_handle_close(handle=0x1f3) = ZX_OK". `known` says whether arguments, result
/// and time are, which a recording of digests has only a hash of.
std::string event_text(const emu::Event& event, bool known);

}  // namespace jacinth::cli
