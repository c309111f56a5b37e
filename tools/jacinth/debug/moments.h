// Moments in the kernel by their names, and in words.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "emu/debug/timeline.h"
#include "tools/jacinth/debug/debugger.h"

namespace jacinth::kernel {
class Core;
}

namespace jacinth::cli {

/// "packet-queued", and back.
std::string_view moment_name(emu::MomentKind kind);
std::optional<emu::MomentKind> moment_kind(std::string_view name);
std::string moment_names();

/// "signalled 1042 event: ZX_EVENT_SIGNALED". What is gone by now has no type.
std::string moment_words(kernel::Core& core, const emu::Moment& moment);

/// MOMENT [KOID|any [VALUE]]. The value may be signals by their names, joined by '|'.
std::expected<emu::MomentCatch, std::string> parse_moment(Debugger& debugger, const Words& words);

}  // namespace jacinth::cli
