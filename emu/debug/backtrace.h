// Who called whom: a call stack from registers and memory.
//
// Each step goes by the call frame rules of the file that the frame's code came from; without rules by the frame
// pointer, which both ABIs keep in a chain when programs keep it at all; at the top, where a wild jump leaves neither,
// by the return address that the call just made left (x30, or the top of the stack).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "emu/base/address.h"
#include "emu/debug/frame.h"

namespace jacinth::emu {

class SymbolFile;

/// A file that lies in a guest's memory: an address there is the file's own plus `bias`.
struct LoadedFile {
  const SymbolFile* symbols = nullptr;
  uint64_t bias = 0;
};

/// The file whose code lies at an address, if it is known.
using FindFile = std::function<std::optional<LoadedFile>(GuestAddr)>;
/// Whether code can lie at an address at all.
using IsCode = std::function<bool(GuestAddr)>;

struct BacktraceSources {
  const FindFile& file;
  const IsCode& is_code;
  const ReadMemory& read;
};

inline constexpr size_t kMaxFrames = 64;

/// The frames from `top` outwards, `top` included.
std::vector<Frame> backtrace(const Frame& top, const BacktraceSources& sources, size_t limit = kMaxFrames);

}  // namespace jacinth::emu
